"""Whether a model was quantized before it came here, and from which, by what its files tell.

Knows README front matter and config keys; loads no weight.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from corefeel_tui.hub import HUB_ID, cached_copy, is_hub_id


def config_of(directory: Path) -> dict[str, Any]:
    """What `config.json` holds; empty where it cannot be read."""
    try:
        config = from_json((directory / "config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def quantized_bits(config: dict[str, Any]) -> int | None:
    """Bits of a model whose weights were quantized before they came here; None of any other.

    0 where it is quantized without telling in how many bits.
    """
    parts = (config, config.get("text_config") or {})
    for part in parts:
        for key in ("quantization", "quantization_config"):
            if isinstance(found := part.get(key), dict):
                bits = found.get("bits")
                return bits if isinstance(bits, int) else 0
    return None


def quantized_model(model: str) -> tuple[int, str | None] | None:
    """(bits, base) of a directory or cached hub id that was quantized before it came here."""
    directory = cached_copy(model) if is_hub_id(model) else Path(model).expanduser()
    if directory is None:
        return None
    config = config_of(directory)
    bits = quantized_bits(config)
    return None if bits is None else (bits, base_model(directory, config))


def base_model(directory: Path, config: dict[str, Any]) -> str | None:
    """The hub id of the model this one was made from, by its README or its configuration."""
    from huggingface_hub import metadata_load

    try:
        card = metadata_load(directory / "README.md") or {}
    except (OSError, ValueError):
        card = {}
    except Exception:  # front matter is anybody's YAML
        card = {}
    return first_id([card.get("base_model"), config.get("base_model"), config.get("_name_or_path")])


def first_id(told: list[Any]) -> str | None:
    """The first hub id with an owner among what a card or a configuration tells."""
    for entry in told:
        for name in entry if isinstance(entry, list) else [entry]:
            if isinstance(name, str) and "/" in name and HUB_ID.fullmatch(name):
                return name
    return None


def refusal(name: str, base: str | None) -> str:
    """Why a quantized model is no reference, and what to do with it."""
    return (
        f"“{name}” is already quantized; compare it with the model it was made from: "
        f"{pairing_command(base, name)}"
    )


def pairing_command(base: str | None, quantized: str) -> str:
    """The command that compares a quantized model with its original."""
    return f"corefeel {shlex.quote(base or 'BF16_MODEL')} --variants mine={shlex.quote(quantized)}"
