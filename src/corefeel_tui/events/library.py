"""Events of the library: which models the hub's cache holds, and one being fetched; in no session.

Said by a process of its own (`engine.library`), never by the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .wire import JSON, Event


@dataclass(frozen=True, slots=True)
class LibraryListed(Event):
    """The models in the hub's cache that can be loaded, the last used first.

    Each is {"model" (hub id), "bytes" on disk, "architecture", "quantized" (bits, or null), "base"
    (hub id it was quantized from, or null)}.
    """

    name = "library_listed"
    directory: str
    models: list[JSON] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DownloadPlanned(Event):
    """What fetching a model takes, nothing of it fetched yet.

    `bytes` are those of its safetensors, tokenizer and configuration files, `missing_bytes` what
    of them is not in the cache, `free_bytes` what the cache's disk has left.
    """

    name = "download_planned"
    model: str
    files: int
    bytes: int
    missing_bytes: int
    free_bytes: int
    directory: str
    quantized: int | None = None
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Downloading(Event):
    """How many of the missing bytes have arrived."""

    name = "downloading"
    model: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Downloaded(Event):
    """A model is whole in the cache."""

    name = "downloaded"
    model: str
    directory: str
