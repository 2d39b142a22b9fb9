"""Random weights in real shapes, written a layer at a time, and an engine's own environment.

Knows configs and safetensors; nothing of what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.engine.tiny_models import tiny_config, write_tokenizer

TINY: dict[str, Any] = {
    "vocab": 8192,
    "hidden_size": 256,
    "intermediate_size": 768,
    "num_hidden_layers": 4,
    "max_position_embeddings": 2048,
}
QWEN3_06B: dict[str, Any] = {
    "vocab": 151_936,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 2048,
}
QWEN35_4B: dict[str, Any] = {
    "vocab": 248_320,
    "hidden_size": 2560,
    "intermediate_size": 9216,
    "num_hidden_layers": 32,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "full_attention_interval": 4,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "max_position_embeddings": 2048,
}


def arguments(*sizes: str) -> argparse.ArgumentParser:
    """The options every benchmark with shapes has; the first size is the default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=sizes, default=sizes[0])
    return parser


def in_engine_environment() -> None:
    """Start this program anew as the engine is started: OpenBLAS, threads, huge pages."""
    from corefeel_tui.environment import engine_environment

    if "COREFEEL_BENCHMARK" not in os.environ:
        os.environ.update(engine_environment(), COREFEEL_BENCHMARK=tempfile.gettempdir())
        os.execv(sys.executable, [sys.executable, *sys.argv])


def random_model(name: str, architecture: str, shape: dict[str, Any]) -> Path:
    """A directory with such a model in bfloat16, a file for each block, made once."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.utils import _get_classes

    place = os.environ.get("COREFEEL_BENCHMARK", tempfile.gettempdir())
    directory = Path(place) / f"corefeel-benchmark-{name}"
    if (directory / "tokenizer_config.json").exists():
        return directory
    directory.mkdir(exist_ok=True)
    config = tiny_config(architecture, **shape)
    kind, options = _get_classes(config)
    blocks: dict[str, dict[str, tuple[int, ...]]] = {}
    for path, array in tree_flatten(kind(options.from_dict(config)).parameters()):
        number = next((part for part in path.split(".") if part.isdigit()), "rest")
        blocks.setdefault(number, {})[path] = array.shape
    for at, shapes in enumerate(blocks.values()):
        weights = {path: _random(path, shape, at) for path, shape in shapes.items()}
        mx.save_safetensors(str(directory / f"model-{at:03}.safetensors"), weights)
        mx.clear_cache()
    (directory / "config.json").write_text(json.dumps(config))
    write_tokenizer(directory)
    return directory


def _random(path: str, shape: tuple[int, ...], seed: int) -> Any:
    """Weights under which activations stay of one size, and logits spread like a model's."""
    import mlx.core as mx

    key = mx.random.key(zlib.crc32(path.encode()) + seed)
    if path.endswith("A_log"):
        return mx.random.uniform(-0.7, 1.4, shape, key=key).astype(mx.bfloat16)
    if len(shape) == 1:
        return (1 + 0.1 * mx.random.normal(shape, key=key)).astype(mx.bfloat16)
    scale = (6.0 if "embed" in path or "lm_head" in path else 1.0) * shape[-1] ** -0.5
    return mx.random.normal(shape, mx.bfloat16, scale=scale, key=key)
