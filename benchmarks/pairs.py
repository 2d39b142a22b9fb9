"""What all benchmarks share: pairs measured in turns, and the models they measure on.

Knows medians and model directories; nothing of what is measured.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.engine.tiny_models import write_tiny_model

ROUNDS = 5
QWEN3_06B = {
    "vocab": 151_936,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 2048,
}


def chosen_size() -> str:
    """The first argument: "pocket" (default) or "0.6b"."""
    size = sys.argv[1] if len(sys.argv) > 1 else "pocket"
    if size not in ("pocket", "0.6b"):
        sys.exit(f"unknown size “{size}”; there are pocket and 0.6b")
    return size


def model_directory(size: str) -> str | None:
    """Pocket, or random weights in the shape of Qwen3-0.6B, made once."""
    if size == "pocket":
        return None
    directory = Path(tempfile.gettempdir()) / "corefeel-benchmark-0.6b"
    if not (directory / "tokenizer_config.json").exists():
        write_tiny_model(directory, "qwen3", sharpness=6.0, **QWEN3_06B)
    return str(directory)


def variants_of(size: str) -> list[str]:
    """The models compared at a size."""
    return ["bf16", "8bit", "4bit", "3bit", "2bit"][: 5 if size == "pocket" else 3]


def in_turns(
    a: Callable[[], float], b: Callable[[], float], rounds: int = ROUNDS
) -> tuple[float, float, float]:
    """Medians of A, of B, and of the ratio A/B pair by pair; A B A B …"""
    pairs = [(a(), b()) for _ in range(rounds)]
    return (
        statistics.median(x for x, _ in pairs),
        statistics.median(y for _, y in pairs),
        statistics.median(x / y for x, y in pairs),
    )
