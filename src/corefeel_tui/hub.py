"""Hub ids and the hub's local cache: whether a name is an id, and whether a whole copy is here.

Knows the layout of the cache and asks nobody; what is in a model's files is others' business.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic_core import from_json

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "tiktoken.model")
INDEX = "model.safetensors.index.json"


def is_hub_id(model: str) -> bool:
    """Whether `model` can only be an id of the hub: nothing on this disk has that name."""
    return bool(HUB_ID.fullmatch(model)) and not Path(model).expanduser().exists()


def cache_directory() -> Path:
    """Where the hub's own client keeps what it fetched."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def repository_directory(hub_id: str) -> Path:
    """The place of one model in the cache, there or not."""
    return cache_directory() / f"models--{hub_id.replace('/', '--')}"


def cached_copy(hub_id: str) -> Path | None:
    """The directory of a whole copy: configuration, tokenizer and every file of weights."""
    repository = repository_directory(hub_id)
    try:
        commit = (repository / "refs" / "main").read_text("utf-8").strip()
    except OSError:
        return None
    snapshot = repository / "snapshots" / commit
    return snapshot if commit and _is_whole(snapshot) else None


def id_of(directory: Path) -> str | None:
    """The id of a copy in the cache; None for any other directory."""
    repository = directory.parent.parent
    if directory.parent.name != "snapshots" or not repository.name.startswith("models--"):
        return None
    return repository.name.removeprefix("models--").replace("--", "/")


def is_partly_here(hub_id: str) -> bool:
    """Whether something of a model was fetched, but not all."""
    return repository_directory(hub_id).is_dir() and cached_copy(hub_id) is None


def _is_whole(snapshot: Path) -> bool:
    if not (snapshot / "config.json").is_file():
        return False
    if not any((snapshot / name).is_file() for name in TOKENIZER_FILES):
        return False
    try:
        named = set(from_json((snapshot / INDEX).read_bytes())["weight_map"].values())
    except FileNotFoundError:
        return any(path.is_file() for path in snapshot.glob("model*.safetensors"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(named) and all((snapshot / name).is_file() for name in named)
