"""Several single-threaded workers on one batch: who takes what, and sums over all of them.

Without a process group there is one worker, and every function here is the identity.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def mine(values: Sequence[T]) -> list[T]:
    """This worker's share, every n-th."""
    return list(values[rank() :: world()])


def summed(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its sum over the workers, in one exchange."""
    if world() == 1:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def agreed(number: int) -> int:
    """The first worker's number."""
    if world() == 1:
        return number
    shared = torch.tensor(number)
    dist.broadcast(shared, 0)
    return int(shared)


def run_workers(count: int, work: Callable[..., None], *arguments: object) -> None:
    """Call `work(*arguments)` in `count` processes that share batches; with one, right here."""
    if count == 1:
        work(*arguments)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(_worker, (count, port, work, arguments), count)


def _worker(
    number: int, count: int, port: int, work: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=number, world_size=count)
    work(*arguments)
    dist.destroy_process_group()
