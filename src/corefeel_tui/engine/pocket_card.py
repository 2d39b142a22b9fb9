"""Runs the bundled model and its variants on prompts, batched;
knows MLX, not what the prompts are about.

Weights are quantized from the checkpoint's bfloat16 as mlx-lm stores them, then expanded and
computed in
float32; `kv4` rounds keys and values as they are written to the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx_lm import load
from mlx_lm.models.cache import BatchKVCache, KVCache

BATCH = 48


class Treatment(NamedTuple):
    """How weights and cache are rounded; `bits` 0 leaves the weights alone."""

    name: str
    bits: int = 0
    group: int = 64
    mode: str = "affine"
    kv_bits: int = 0


TREATMENTS = (
    Treatment("bf16"),
    *(Treatment(f"{bits}bit", bits) for bits in (8, 6, 5, 4, 3, 2)),
    Treatment("mxfp4", 4, 32, "mxfp4"),
    Treatment("4bit+kv4", 4, kv_bits=4),
)


class Drift(NamedTuple):
    """Reference against variant at each position of one response."""

    kl: np.ndarray
    flips: np.ndarray


class Loaded:
    """One model under one treatment, with greedy decoding and teacher forcing."""

    def __init__(self, folder: Path, treatment: Treatment) -> None:
        self.model, self.tokenizer = load(str(folder))
        self.treatment = treatment
        if treatment.bits:
            nn.quantize(self.model, treatment.group, treatment.bits, mode=treatment.mode)
            expand(self.model)
        self.model.set_dtype(mx.float32)
        self.end = set(self.tokenizer.eos_token_ids)

    def encode(self, messages: list[dict[str, str]], ask: bool = True) -> list[int]:
        return list(
            self.tokenizer.apply_chat_template(messages, add_generation_prompt=ask, tokenize=True)
        )

    def answer(self, prompts: list[list[int]], max_tokens: int) -> list[list[int]]:
        """Greedy continuations without their end token; prompts of like length share a batch."""
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        answers: list[list[int]] = [[] for _ in prompts]
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            continued = self._continue([prompts[index] for index in chosen], max_tokens)
            for index, tokens in zip(chosen, continued, strict=True):
                answers[index] = tokens
        return answers

    def _continue(self, prompts: list[list[int]], max_tokens: int) -> list[list[int]]:
        width = max(map(len, prompts))
        padding = [width - len(prompt) for prompt in prompts]
        cache = [self._batch_cache(padding) for _ in self.model.layers]
        fed = mx.array([[0] * pad + prompt for pad, prompt in zip(padding, prompts, strict=True)])
        answers: list[list[int]] = [[] for _ in prompts]
        open_rows = set(range(len(prompts)))
        for _ in range(max_tokens):
            picked = mx.argmax(self.model(fed, cache=cache)[:, -1], axis=-1)
            tokens: list[int] = np.array(picked).tolist()
            for row, token in enumerate(tokens):
                if row in open_rows and token in self.end:
                    open_rows.discard(row)
                elif row in open_rows:
                    answers[row].append(token)
            if not open_rows:
                break
            fed = picked[:, None]
        return answers

    def log_probabilities(self, tokens: list[int]) -> np.ndarray:
        """`(T, V)` float32 log-probabilities of what follows each token."""
        cache = [self._cache() for _ in self.model.layers]
        logits = self.model(mx.array([tokens]), cache=cache)[0].astype(mx.float32)
        return np.array(logits - mx.logsumexp(logits, axis=-1, keepdims=True))

    def _cache(self) -> Any:
        return KVCache() if not self.treatment.kv_bits else RoundedCache(self.treatment.kv_bits)

    def _batch_cache(self, padding: list[int]) -> Any:
        if not self.treatment.kv_bits:
            return BatchKVCache(padding)
        return RoundedBatchCache(padding, self.treatment.kv_bits)


class RoundedCache(KVCache):
    """Keys and values rounded to `bits` as they are written."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.kv_bits = bits

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> Any:
        return super().update_and_fetch(rounded(keys, self.kv_bits), rounded(values, self.kv_bits))


class RoundedBatchCache(BatchKVCache):
    """The same for several rows of unequal length."""

    def __init__(self, padding: list[int], bits: int) -> None:
        super().__init__(padding)
        self.kv_bits = bits

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> Any:
        return super().update_and_fetch(rounded(keys, self.kv_bits), rounded(values, self.kv_bits))


def rounded(x: mx.array, bits: int, group: int = 64) -> mx.array:
    """Quantized along the last axis and expanded again."""
    return mx.dequantize(*mx.quantize(x, group, bits), group, bits)


def expand(model: nn.Module) -> None:
    """Replace every quantized layer by a dense float32 one with the same values."""
    for path, layer in model.named_modules():
        if not isinstance(layer, nn.QuantizedLinear | nn.QuantizedEmbedding):
            continue
        affine = layer.mode == "affine"
        scales = layer.scales.astype(mx.float32) if affine else layer.scales
        biases = layer.biases.astype(mx.float32) if affine else None
        weight = mx.dequantize(
            layer.weight, scales, biases, layer.group_size, layer.bits, mode=layer.mode
        ).astype(mx.float32)
        dense = (
            nn.Linear(weight.shape[1], weight.shape[0], bias=False)
            if isinstance(layer, nn.QuantizedLinear)
            else nn.Embedding(*weight.shape)
        )
        dense.weight = weight
        parent: Any = model
        *parents, name = path.split(".")
        for part in parents:
            parent = parent[int(part)] if part.isdigit() else parent[part]
        parent[name] = dense


def drifts(
    reference: Loaded, variant: Loaded, transcripts: list[tuple[list[int], list[int]]]
) -> Iterator[Drift]:
    """KL in nats and rank flips at the given positions of each transcript `(tokens, positions)`.

    KL is the non-negative form: the sum of p (log p - log q + expm1(log q - log p)).
    """
    for tokens, positions in transcripts:
        log_p = reference.log_probabilities(tokens)[positions].astype(np.float64)
        log_q = variant.log_probabilities(tokens)[positions].astype(np.float64)
        difference = log_p - log_q
        kl = (np.exp(log_p) * (difference + np.expm1(-difference))).sum(-1)
        yield Drift(kl, log_p.argmax(-1) != log_q.argmax(-1))
