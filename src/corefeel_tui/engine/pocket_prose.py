"""How many bits the bundled model needs for texts it has not written; knows MLX, no metric else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm import load

Messages = Sequence[tuple[str, str]]


def bits_per_token(weights: Path, conversations: Sequence[Messages]) -> float:
    """Mean negative log2 probability of the last message's tokens, its end included."""
    model, tokenizer = load(str(weights))[:2]
    model.set_dtype(mx.float32)
    total, count = 0.0, 0
    for conversation in conversations:
        ids, begin = _encoded(tokenizer, conversation)
        logits = model(mx.array([ids[:-1]]))[0, begin - 1 :]
        told = mx.array(ids[begin:])
        total += float(nn.losses.cross_entropy(logits, told, reduction="sum"))
        count += len(ids) - begin
    return total / count / math.log(2)


def _encoded(tokenizer: Any, conversation: Messages) -> tuple[list[int], int]:
    """Ids of a conversation and where its last message begins."""
    messages = [{"role": role, "content": text} for role, text in conversation]
    asked = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True)
    return list(tokenizer.apply_chat_template(messages)), len(asked)
