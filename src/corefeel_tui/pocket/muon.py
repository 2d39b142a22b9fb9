"""Muon for matrices and AdamW for the rest; knows gradients, not the model.

Muon (K. Jordan, 2024): momentum, then the nearest semi-orthogonal matrix by five Newton-Schulz
steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .workers import rank, summed, world


def orthogonalised(matrices: Tensor, steps: int = 5) -> Tensor:
    """`(B, m, n)` to about U Vᵀ of each matrix, in bfloat16."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices.to(torch.bfloat16)
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum and orthogonalised updates, batched over parameters of one shape."""

    def __init__(
        self,
        params: list[Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[Tensor]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape.setdefault(tuple(weight.shape), []).append(weight)
            for weights in by_shape.values():
                self._step(weights, group)

    def _step(self, weights: list[Tensor], group: dict[str, float]) -> None:
        looked_ahead = []
        for weight in weights:
            state = self.state[weight]
            momentum = state.setdefault("momentum", torch.zeros_like(weight))
            momentum.lerp_(weight.grad, 1 - group["momentum"])
            looked_ahead.append(weight.grad.lerp(momentum, group["momentum"]))
        stacked = torch.stack(looked_ahead)
        updates = torch.zeros_like(stacked)
        share = slice(rank(), None, world())
        updates[share] = orthogonalised(stacked[share])
        summed([updates])
        scale = max(1.0, weights[0].shape[0] / weights[0].shape[1]) ** 0.5
        for weight, update in zip(weights, updates, strict=True):
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.add_(update, alpha=-group["lr"] * scale)
