"""The Qwen3 architecture in PyTorch over packed conversations;
parameter names are those of the published format.

Tokens of all conversations lie in one flat row `(N, hidden)`; only attention looks at one
conversation at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .shape import Shape


class Group(NamedTuple):
    """Conversations padded to one length: `rows` x `width` tokens of the flat row."""

    rows: int
    width: int


class Encoded(NamedTuple):
    """One conversation as ids, the weight of each in the loss, and the index of its skill."""

    ids: list[int]
    weights: list[float]
    skill: int = 0


class Packed(NamedTuple):
    """One batch: ids, position in the conversation, next-token targets (-1: not learned) and
    their weights, attention groups, skills.
    """

    ids: Tensor
    positions: Tensor
    targets: Tensor
    weights: Tensor
    groups: list[Group]
    skills: Tensor
    starts: list[int]


class RMSNorm(nn.Module):
    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.eps)


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        queries = shape.num_attention_heads * shape.head_dim
        keys = shape.num_key_value_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.hidden_size, queries, bias=False)
        self.k_proj = nn.Linear(shape.hidden_size, keys, bias=False)
        self.v_proj = nn.Linear(shape.hidden_size, keys, bias=False)
        self.o_proj = nn.Linear(queries, shape.hidden_size, bias=False)
        self.q_norm = RMSNorm(shape.head_dim, shape.rms_norm_eps)
        self.k_norm = RMSNorm(shape.head_dim, shape.rms_norm_eps)

    def project(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries `(N, heads, width)`, keys and values `(N, kv heads, width)`."""
        count, width = x.shape[0], self.shape.head_dim
        q = rotate(self.q_norm(self.q_proj(x).view(count, -1, width)), cos, sin)
        k = rotate(self.k_norm(self.k_proj(x).view(count, -1, width)), cos, sin)
        return q, k, self.v_proj(x).view(count, -1, width)


def attend(q: Tensor, k: Tensor, v: Tensor, groups: list[Group]) -> Tensor:
    """Causal attention inside each conversation, `(N, heads x width)`."""
    sizes = [group.rows * group.width for group in groups]
    repeat = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(repeat, dim=1), v.repeat_interleave(repeat, dim=1)
    parts = zip(groups, q.split(sizes), k.split(sizes), v.split(sizes), strict=True)
    mixed = [
        F.scaled_dot_product_attention(
            *(part.unflatten(0, group).transpose(1, 2) for part in tensors), is_causal=True
        )
        for group, *tensors in parts
    ]
    return torch.cat([part.transpose(1, 2).flatten(2).flatten(0, 1) for part in mixed])


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding, halves convention;
    x `(N, heads, width)`, cos and sin `(N, 1, width / 2)`.
    """
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class MLP(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.up_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.down_proj = nn.Linear(shape.intermediate_size, shape.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = MLP(shape)
        self.input_layernorm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)

    def before(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.self_attn.project(self.input_layernorm(x), cos, sin)

    def after(self, x: Tensor, mixed: Tensor) -> Tensor:
        x = x + self.self_attn.o_proj(mixed)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.num_hidden_layers))
        self.norm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)


class Network(nn.Module):
    """Qwen3 with tied embeddings."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Body(shape)
        frequencies = shape.rope_theta ** (
            -torch.arange(0, shape.head_dim, 2).float() / shape.head_dim
        )
        angles = torch.arange(shape.max_position_embeddings).float()[:, None] * frequencies
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.ndim < 2:
                continue
            scale = 0.02 if "embed" in name else weight.shape[1] ** -0.5
            nn.init.normal_(weight, std=scale)
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                with torch.no_grad():
                    weight.mul_((2 * self.shape.num_hidden_layers) ** -0.5)

    def hidden(self, packed: Packed) -> Tensor:
        """Final hidden states `(N, hidden)`."""
        x = F.embedding(packed.ids, self.model.embed_tokens.weight)
        if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
            x = x.to(torch.bfloat16)
        cos = self.cos[packed.positions][:, None].to(x.dtype)
        sin = self.sin[packed.positions][:, None].to(x.dtype)
        for layer in self.model.layers:
            q, k, v = layer.before(x, cos, sin)
            x = layer.after(x, attend(q, k, v, packed.groups))
        return self.model.norm(x)

    def logits(self, packed: Packed) -> Tensor:
        return F.linear(self.hidden(packed), self.model.embed_tokens.weight).float()

    def losses(self, packed: Packed) -> Tensor:
        """Cross-entropy in nats of every learned token, in order."""
        learned = packed.targets >= 0
        states = self.hidden(packed)[learned]
        logits = F.linear(states, self.model.embed_tokens.weight).float()
        return F.cross_entropy(logits, packed.targets[learned], reduction="none")


def compile_blocks(network: Network) -> None:
    """Fuse what is done token by token in each block; needs a C++ compiler and half a minute."""
    for layer in network.model.layers:
        layer.before = torch.compile(layer.before, dynamic=True)
        layer.after = torch.compile(layer.after, dynamic=True)


def pack(conversations: list[Encoded], spread: float = 1.2) -> Packed:
    """Lay conversations flat, longest first, padded to groups whose lengths differ by less than
    `spread`.

    `starts` holds where each conversation begins, in the order given.
    """
    order = sorted(range(len(conversations)), key=lambda index: -len(conversations[index].ids))
    columns: tuple[list[float], ...] = ([], [], [], [], [])
    starts = [0] * len(conversations)
    groups: list[Group] = []
    for index in order:
        tokens, weights, skill = conversations[index]
        length = len(tokens)
        if not groups or groups[-1].width > spread * length:
            groups.append(Group(0, length))
        groups[-1] = Group(groups[-1].rows + 1, groups[-1].width)
        starts[index] = len(columns[0])
        width = groups[-1].width
        padding = [0] * (width - length)
        targets = [tokens[i + 1] if weights[i + 1] else -1 for i in range(length - 1)]
        rows: tuple[Iterable[float], ...] = (
            tokens + padding,
            range(width),
            targets + [-1] * (width - length + 1),
            weights[1:] + [0.0] * (width - length + 1),
            [skill] * width,
        )
        for column, row in zip(columns, rows, strict=True):
            column.extend(row)
    ids, positions, targets_, weights_, skills = (torch.tensor(column) for column in columns)
    return Packed(ids, positions, targets_, weights_, groups, skills, starts)
