"""An independent forward pass in numpy float64, from a model directory's own files.

Written from the papers and the published configurations, without mlx: Qwen3, Llama, Gemma 3 and
Qwen3-MoE decoders, and Qwen3.5's hybrid of gated attention and gated delta nets.  Slow and plain.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, log_softmax, softmax

Array = np.ndarray[Any, Any]
Weights = dict[str, Array]
Config = dict[str, Any]


def read_weights(directory: Path) -> Weights:
    """Every array of `model.safetensors` in float64."""
    data = (directory / "model.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    return {name: _decode(data[8 + length :], entry) for name, entry in header.items()}


def _decode(data: bytes, entry: dict[str, Any]) -> Array:
    start, stop = entry["data_offsets"]
    raw = data[start:stop]
    match entry["dtype"]:
        case "BF16":  # the upper half of a float32
            values = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        case "F32":
            values = np.frombuffer(raw, "<f4")
        case other:
            raise ValueError(f"dtype {other}")
    return values.reshape(entry["shape"]).astype(np.float64)


def round_trip(weight: Array, bits: int, group: int) -> Array:
    """Affine quantization as published for MLX, with bfloat16 scales and biases, and back.

    Computed in float32, since a value halfway between two levels falls to either side.  Each
    group's range is divided into 2^bits − 1 steps from the end of larger magnitude, and the
    step is adjusted so that this end's multiple is a whole number of steps away from zero.
    """
    groups = weight.reshape(-1, group).astype(np.float32)
    low, high = groups.min(1), groups.max(1)
    steps = np.float32(2**bits - 1)
    scale = np.maximum((high - low) / steps, np.float32(1e-7))
    negative = np.abs(low) > np.abs(high)
    scale = np.where(negative, scale, -scale)
    edge = np.where(negative, low, high)
    whole = np.rint(edge / scale)
    nonzero = whole != 0
    scale = np.where(nonzero, edge / np.where(nonzero, whole, 1), scale)
    bias = np.where(nonzero, edge, np.float32(0))
    levels = np.clip(np.rint((groups - bias[:, None]) / scale[:, None]), 0, steps)
    back = levels * bfloat16(scale)[:, None] + bfloat16(bias)[:, None]
    return back.reshape(weight.shape)


def bfloat16(values: Array) -> Array:
    """Round to nearest, ties to even."""
    bits = values.astype(np.float32).view(np.uint32)
    rounded = bits + 0x7FFF + ((bits >> 16) & 1)
    return (rounded & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


def log_probabilities(directory: Path, tokens: list[int], weights: Weights | None = None) -> Array:
    """log p(next token) after every token, (N, V) float64."""
    config = json.loads((directory / "config.json").read_text())
    weights = read_weights(directory) if weights is None else weights
    logits = FORWARD[config["model_type"]](config, weights, np.array(tokens))
    return log_softmax(logits, axis=-1)


# --- parts --------------------------------------------------------------------------------------


def rms_norm(x: Array, weight: Array | float, eps: float = 1e-6) -> Array:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def silu(x: Array) -> Array:
    return x * expit(x)


def rope(x: Array, base: float, dims: int) -> Array:
    """Rotary embedding of the first `dims` features of (T, H, D), halves paired (GPT-NeoX)."""
    half = dims // 2
    angle = np.arange(len(x))[:, None] * base ** (-np.arange(half) / half)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    a, b, rest = x[..., :half], x[..., half:dims], x[..., dims:]
    return np.concatenate([a * cos - b * sin, a * sin + b * cos, rest], -1)


def attend(q: Array, k: Array, v: Array, scale: float, window: int | None = None) -> Array:
    """Causal grouped-query attention, (T, H, D) → (T, H·D)."""
    repeat = q.shape[1] // k.shape[1]
    k, v = (np.repeat(x, repeat, axis=1) for x in (k, v))
    scores = np.einsum("qhd,khd->hqk", q, k) * scale
    distance = np.arange(len(q))[:, None] - np.arange(len(q))[None]
    seen = (distance >= 0) & (distance < (window or len(q)))
    scores = np.where(seen, scores, -np.inf)
    return np.einsum("hqk,khd->qhd", softmax(scores, -1), v).reshape(len(q), -1)


def mlp(x: Array, w: Weights, prefix: str, activation: Any = silu) -> Array:
    gate, up = x @ w[prefix + "gate_proj.weight"].T, x @ w[prefix + "up_proj.weight"].T
    return (activation(gate) * up) @ w[prefix + "down_proj.weight"].T


def heads(x: Array, count: int) -> Array:
    return x.reshape(len(x), count, -1)


# --- architectures ------------------------------------------------------------------------------


def dense(config: Config, w: Weights, tokens: Array) -> Array:
    """Llama; with norms on queries and keys Qwen3; with experts Qwen3-MoE."""
    x = w["model.embed_tokens.weight"][tokens]
    for i in range(config["num_hidden_layers"]):
        at = f"model.layers.{i}."
        h = rms_norm(x, w[at + "input_layernorm.weight"])
        q = heads(h @ w[at + "self_attn.q_proj.weight"].T, config["num_attention_heads"])
        k = heads(h @ w[at + "self_attn.k_proj.weight"].T, config["num_key_value_heads"])
        v = heads(h @ w[at + "self_attn.v_proj.weight"].T, config["num_key_value_heads"])
        if config["model_type"] != "llama":
            q = rms_norm(q, w[at + "self_attn.q_norm.weight"])
            k = rms_norm(k, w[at + "self_attn.k_norm.weight"])
        q, k = (rope(y, config["rope_theta"], config["head_dim"]) for y in (q, k))
        x = x + attend(q, k, v, config["head_dim"] ** -0.5) @ w[at + "self_attn.o_proj.weight"].T
        h = rms_norm(x, w[at + "post_attention_layernorm.weight"])
        x = x + (experts if "num_experts" in config else _mlp)(config, w, at + "mlp.", h)
    x = rms_norm(x, w["model.norm.weight"])
    head = "model.embed_tokens" if config["tie_word_embeddings"] else "lm_head"
    return x @ w[head + ".weight"].T


def _mlp(config: Config, w: Weights, prefix: str, h: Array) -> Array:
    return mlp(h, w, prefix)


def experts(config: Config, w: Weights, prefix: str, h: Array) -> Array:
    """The k likeliest experts of each token, weighted by their renormalised probabilities."""
    probabilities = softmax(h @ w[prefix + "gate.weight"].T, -1)
    chosen = np.argsort(-probabilities, -1)[:, : config["num_experts_per_tok"]]
    out = np.zeros_like(h)
    for t, ids in enumerate(chosen):
        share = probabilities[t, ids] / probabilities[t, ids].sum()
        for weight, e in zip(share, ids, strict=True):
            own = {
                f"{name}.weight": w[f"{prefix}switch_mlp.{name}.weight"][e]
                for name in ("gate_proj", "up_proj", "down_proj")
            }
            out[t] += weight * mlp(h[t : t + 1], own, "")[0]
    return out


def gemma3(config: Config, w: Weights, tokens: Array) -> Array:
    """Norms scale by 1 + weight, before and after each block; most layers see a window."""
    x = w["model.embed_tokens.weight"][tokens] * bfloat16(np.array(config["hidden_size"] ** 0.5))
    for i in range(config["num_hidden_layers"]):
        at = f"model.layers.{i}."

        def norm(y: Array, name: str, at: str = at) -> Array:
            return rms_norm(y, 1 + w[f"{at}{name}.weight"])

        h = norm(x, "input_layernorm")
        q = heads(h @ w[at + "self_attn.q_proj.weight"].T, config["num_attention_heads"])
        k = heads(h @ w[at + "self_attn.k_proj.weight"].T, config["num_key_value_heads"])
        v = heads(h @ w[at + "self_attn.v_proj.weight"].T, config["num_key_value_heads"])
        q, k = norm(q, "self_attn.q_norm"), norm(k, "self_attn.k_norm")
        far = (i + 1) % config["sliding_window_pattern"] == 0
        base = config["rope_theta"] if far else config["rope_local_base_freq"]
        q, k = (rope(y, base, config["head_dim"]) for y in (q, k))
        window = None if far else config["sliding_window"]
        seen = attend(q, k, v, config["query_pre_attn_scalar"] ** -0.5, window)
        x = x + norm(seen @ w[at + "self_attn.o_proj.weight"].T, "post_attention_layernorm")
        h = mlp(norm(x, "pre_feedforward_layernorm"), w, at + "mlp.", gelu_tanh)
        x = x + norm(h, "post_feedforward_layernorm")
    x = rms_norm(x, 1 + w["model.norm.weight"])
    return x @ w["lm_head.weight"].T


def gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def qwen3_5(config: Config, w: Weights, tokens: Array) -> Array:
    """Every n-th layer attends, with a gate on its output; the others are gated delta nets."""
    c = config["text_config"]
    prefix = "language_model.model."
    x = w[prefix + "embed_tokens.weight"][tokens]
    for i in range(c["num_hidden_layers"]):
        at = f"{prefix}layers.{i}."
        h = rms_norm(x, w[at + "input_layernorm.weight"])
        attends = (i + 1) % c["full_attention_interval"] == 0
        x = x + (gated_attention if attends else gated_delta_net)(c, w, at, h)
        x = x + mlp(rms_norm(x, w[at + "post_attention_layernorm.weight"]), w, at + "mlp.")
    return rms_norm(x, w[prefix + "norm.weight"]) @ w[prefix + "embed_tokens.weight"].T


def gated_attention(c: Config, w: Weights, at: str, h: Array) -> Array:
    at += "self_attn."
    both = heads(h @ w[at + "q_proj.weight"].T, c["num_attention_heads"])
    q, gate = np.split(both, 2, axis=-1)
    k = heads(h @ w[at + "k_proj.weight"].T, c["num_key_value_heads"])
    v = heads(h @ w[at + "v_proj.weight"].T, c["num_key_value_heads"])
    q, k = rms_norm(q, w[at + "q_norm.weight"]), rms_norm(k, w[at + "k_norm.weight"])
    parameters = c["rope_parameters"]
    dims = int(c["head_dim"] * parameters["partial_rotary_factor"])
    q, k = (rope(y, parameters["rope_theta"], dims) for y in (q, k))
    out = attend(q, k, v, c["head_dim"] ** -0.5) * expit(gate.reshape(len(h), -1))
    return out @ w[at + "o_proj.weight"].T


def gated_delta_net(c: Config, w: Weights, at: str, h: Array) -> Array:
    """S ← g·S + β·(v − g·S·k)·kᵀ, o = S·q (Yang et al. 2024), after a short convolution."""
    at += "linear_attn."
    nk, dk = c["linear_num_key_heads"], c["linear_key_head_dim"]
    nv, dv = c["linear_num_value_heads"], c["linear_value_head_dim"]
    qkv = h @ w[at + "in_proj_qkv.weight"].T
    kernel = w[at + "conv1d.weight"][:, :, 0]
    padded = np.concatenate([np.zeros((kernel.shape[1] - 1, qkv.shape[1])), qkv])
    runs = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[1], axis=0)
    mixed = silu(np.einsum("tcw,cw->tc", runs, kernel))
    q, k, v = np.split(mixed, [nk * dk, 2 * nk * dk], axis=1)
    q, k = (np.repeat(heads(y, nk), nv // nk, axis=1) for y in (q, k))
    q, k = (y / np.sqrt((y * y).sum(-1, keepdims=True) + 1e-6) for y in (q, k))
    q, v = q * dk**-0.5, heads(v, nv)
    beta = expit(h @ w[at + "in_proj_b.weight"].T)
    step = np.logaddexp(0, h @ w[at + "in_proj_a.weight"].T + w[at + "dt_bias"])
    decay = np.exp(-np.exp(w[at + "A_log"]) * step)
    state, out = np.zeros((nv, dv, dk)), np.empty((len(h), nv, dv))
    for t in range(len(h)):
        state = state * decay[t][:, None, None]
        recalled = np.einsum("hvk,hk->hv", state, k[t])
        change = beta[t][:, None] * (v[t] - recalled)
        state = state + np.einsum("hv,hk->hvk", change, k[t])
        out[t] = np.einsum("hvk,hk->hv", state, q[t])
    z = heads(h @ w[at + "in_proj_z.weight"].T, nv)
    normed = rms_norm(out, w[at + "norm.weight"]) * silu(z)
    return normed.reshape(len(h), -1) @ w[at + "out_proj.weight"].T


FORWARD = {
    "llama": dense,
    "qwen3": dense,
    "qwen3_moe": dense,
    "gemma3_text": gemma3,
    "qwen3_5": qwen3_5,
}


# --- drift --------------------------------------------------------------------------------------


def quantized_weights(directory: Path, bits: int, group: int) -> Weights:
    """All matrices after `round_trip`, the routers of experts at 8 bits as mlx-lm keeps them."""
    return {
        name: round_trip(w, *((8, 64) if name.endswith("mlp.gate.weight") else (bits, group)))
        if w.ndim > 1 and "conv1d" not in name
        else w
        for name, w in read_weights(directory).items()
    }


def drift(log_p: Array, log_q: Array, targets: Array) -> dict[str, Any]:
    """The numbers of `score` for one variant, by their definitions, (N, V) float64."""
    p, q = np.exp(log_p), np.exp(log_q)
    log_m = np.logaddexp(log_p, log_q) - np.log(2)
    kl = (p * (log_p - log_q)).sum(1)
    flip = p.argmax(1) != q.argmax(1)
    second, first = np.sort(p, 1)[:, -2:].T
    rows = np.arange(len(p))
    nll_p, nll_q = -log_p[rows, targets], -log_q[rows, targets]
    edges = [0, 0.25, 0.5, 0.75, 0.95, 1.0000001]
    within = [(first >= low) & (first < high) for low, high in pairwise(edges)]
    entropy_p, entropy_q = -(p * log_p).sum(1), -(q * log_q).sum(1)
    return {
        "kl": {
            "mean": kl.mean(),
            "median": np.percentile(kl, 50),
            "p90": np.percentile(kl, 90),
            "p95": np.percentile(kl, 95),
            "p99": np.percentile(kl, 99),
            "p999": np.percentile(kl, 99.9),
            "max": kl.max(),
        },
        "kl_by_confidence": [(int(b.sum()), kl[b].mean() if b.any() else None) for b in within],
        "reverse_kl_mean": (q * (log_q - log_p)).sum(1).mean(),
        "tv_mean": np.abs(p - q).sum(1).mean() / 2,
        "jsd_mean": ((p * (log_p - log_m)).sum(1) + (q * (log_q - log_m)).sum(1)).mean() / 2,
        "top1_agreement": 1 - flip.mean(),
        "flips": int(flip.sum()),
        "hard_flips": int((flip & (first - second > 0.1)).sum()),
        "entropy_shift_mean": (entropy_q - entropy_p).mean(),
        "delta_p_rms": np.sqrt(np.square(q[rows, targets] - p[rows, targets]).mean()),
        "perplexity": np.exp(nll_q.mean()),
        "perplexity_ratio": np.exp(nll_q.mean() - nll_p.mean()),
    }
