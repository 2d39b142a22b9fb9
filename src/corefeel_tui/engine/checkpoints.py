"""Model directories on disk: where they are, whether they are whole, what is in them.

Knows file formats and the hub's local cache; loads no weight and runs no code that it finds.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic_core import from_json  # unlike json, it refuses what is nested too deep

from corefeel_tui import hub, pocket
from corefeel_tui.errors import ModelError
from corefeel_tui.hub import TOKENIZER_FILES as TOKENIZER_FILES

FOREIGN_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.gguf", "*.npz", "*.h5", "*.onnx", "*.ckpt")
HASHED_WHOLE = 1 << 27
"""Checkpoints up to this many bytes are hashed whole at load; of larger ones only the headers."""

CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length")
DEFAULT_CONTEXT = 32768
"""For models that name no limit, such as recurrent ones."""


def resolve(model: str | None) -> Path:
    """The directory that `model` names: Pocket if None, a local path, or a hub id in the cache.

    Raises ModelError naming the id and how to get it; never downloads.
    """
    if model is None:
        pocket.verify()
        return pocket.weights_path()
    path = Path(model).expanduser()
    if path.is_dir():
        return path.resolve()
    if path.exists():
        raise ModelError(f"“{model}” is a file; name the directory of a model")
    if not hub.HUB_ID.fullmatch(model):
        raise ModelError(f"there is no directory “{model}”; name a model directory or a hub id")
    if copy := hub.cached_copy(model):
        return copy
    raise ModelError(
        f"there is no directory “{model}” and no complete copy of that id in the hub cache; in a "
        f"terminal `corefeel {model}` asks and fetches it, elsewhere: hf download {model}"
    )


def read_config(directory: Path) -> dict[str, Any]:
    """The checked `config.json`.  Raises ModelError if it names no architecture that runs here."""
    path = directory / "config.json"
    try:
        config = from_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(f"“{directory}” has no config.json, so it is no model directory") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"“{path}” cannot be read as JSON: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"“{path}” is JSON but no object")
    _check_architecture(path, config)
    return config


def _check_architecture(path: Path, config: dict[str, Any]) -> None:
    if config.get("model_file") is not None:
        raise ModelError(
            f"“{path}” asks to run its own code (model_file “{config['model_file']}”), which "
            "corefeel never does; use a conversion of this model that mlx-lm knows"
        )
    name = config.get("model_type")
    if not isinstance(name, str) or not name:
        raise ModelError(f"“{path}” has no model_type, so its architecture is unknown")
    from mlx_lm.utils import MODEL_REMAPPING

    module = MODEL_REMAPPING.get(name, name)
    if module not in _modules():
        near = get_close_matches(name, [*_modules(), *MODEL_REMAPPING], n=9, cutoff=0.0)
        model = next(n for n in near if _is_model(MODEL_REMAPPING.get(n, n)))
        raise ModelError(
            f"mlx-lm knows no architecture “{name}” (model_type in “{path}”); "
            f"the nearest it knows is “{model}”"
        )
    if not _is_model(module):
        raise ModelError(
            f"model_type “{name}” in “{path}” is a part of mlx-lm but no model architecture"
        )


@cache
def _modules() -> tuple[str, ...]:
    import mlx_lm.models

    return tuple(module.name for module in pkgutil.iter_modules(mlx_lm.models.__path__))


def _is_model(module: str) -> bool:
    """Whether that file of mlx-lm's own defines a model."""
    source = importlib.import_module(f"mlx_lm.models.{module}")
    return hasattr(source, "Model") and hasattr(source, "ModelArgs")


def weight_files(directory: Path) -> list[Path]:
    """The safetensors files of a model, checked to be whole.

    Raises ModelError if there are none, one that the index names is missing, or one is damaged.
    """
    files = sorted(directory.glob("model*.safetensors"))
    if not files:
        foreign = [p.name for pattern in FOREIGN_WEIGHTS for p in directory.glob(pattern)]
        found = f" (found {foreign[0]}, but only safetensors weights are read)" if foreign else ""
        raise ModelError(
            f"“{directory}” has no weights: no model*.safetensors{found}; fetch the rest of it, or "
            "name another"
        )
    missing = _indexed(directory) - {path.name for path in files}
    if missing:
        raise ModelError(
            f"“{directory}” is incomplete: {sorted(missing)[0]} is missing "
            f"({len(missing)} of its files); fetch it again"
        )
    for path in files:
        read_header(path)
    return files


def _indexed(directory: Path) -> set[str]:
    index = directory / "model.safetensors.index.json"
    try:
        return set(from_json(index.read_bytes())["weight_map"].values())
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"“{index}” is damaged; fetch it again") from error


def read_header(path: Path) -> dict[str, Any]:
    """Name → dtype, shape and data_offsets of a safetensors file, checked against its size.

    The format: 8 bytes of header length, little-endian; a JSON header; the data.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            size = path.stat().st_size
            if not 2 <= length <= size - 8:
                raise ValueError("its header does not fit into the file")
            header = from_json(file.read(length))
            header.pop("__metadata__", None)
            ends = [int(entry["data_offsets"][1]) for entry in header.values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelError(f"“{path}” is no readable safetensors file: {error}") from error
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        kind = "truncated" if size < expected else "damaged"
        raise ModelError(
            f"“{path}” is {kind}: {size} bytes where its header says {expected}; fetch it again"
        )
    return header


def check_tokenizer(directory: Path) -> None:
    """Raises ModelError if no tokenizer file is there."""
    if not any((directory / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(
            f"“{directory}” has no tokenizer (tokenizer.json or tokenizer.model); "
            "copy it from the original model"
        )


def same_tokenizer(a: Path, b: Path) -> bool:
    """Whether two directories hold the same tokenizer, byte for byte."""
    first, second = a / "tokenizer.json", b / "tokenizer.json"
    return first.is_file() and second.is_file() and first.read_bytes() == second.read_bytes()


def context_length(config: dict[str, Any]) -> int:
    """Positions the model was made for."""
    for part in (config, config.get("text_config") or {}):
        for key in CONTEXT_KEYS:
            if isinstance(part.get(key), int) and part[key] > 0:
                return int(part[key])
    return DEFAULT_CONTEXT


def fingerprint(directory: Path) -> dict[str, str]:
    """Hashes of weights, config, tokenizer and template, each 16 hex digits of SHA-256.

    The weights' own key says how they were read: "content" or, of large ones, "headers".
    """
    files = weight_files(directory)
    whole = sum(path.stat().st_size for path in files) <= HASHED_WHOLE
    weights = _digest(_contents(files) if whole else _headers(files))
    named = {
        "config": ["config.json"],
        "tokenizer": [*TOKENIZER_FILES, "tokenizer_config.json"],
        "template": ["chat_template.jinja", "chat_template.json", "tokenizer_config.json"],
    }
    hashes = {
        key: _digest(_contents([p for name in names if (p := directory / name).is_file()]))
        for key, names in named.items()
    }
    return {"weights": weights, "weights_by": "content" if whole else "headers", **hashes}


def _digest(chunks: Iterator[bytes]) -> str:
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
    return state.hexdigest()[:16]


def _contents(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        yield path.name.encode()
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk


def _headers(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        yield f"{path.name}:{path.stat().st_size}:".encode()
        with path.open("rb") as file:
            yield file.read(int.from_bytes(file.read(8), "little"))
