"""One model of the hub: what fetching it takes, and the fetching; every failure in a sentence.

Knows the hub's client and its cache; asks nobody whether to fetch.  No code of a repository comes
along, and nothing but the hub's own requests leaves the machine.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from corefeel_tui import events as ev
from corefeel_tui import hub
from corefeel_tui.architectures import is_known
from corefeel_tui.engine.hub_errors import translated
from corefeel_tui.errors import CorefeelError, ModelError
from corefeel_tui.lineage import first_id, quantized_bits
from corefeel_tui.text.numbers import size

WANTED = (
    "config.json",
    "generation_config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "*.tiktoken",
    "tiktoken.model",
    "chat_template*",
    "README.md",
)
"""What mlx-lm reads of a repository, code excepted, and the card, which tells the base model."""

LOOK_SECONDS = 0.2
"""How often the bytes that arrived are counted."""

STALE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Listing:
    """The wanted files of a repository as the hub lists them: name → (bytes, name of its blob)."""

    model: str
    files: dict[str, tuple[int, str]]

    @property
    def bytes(self) -> int:
        """Size of all of them."""
        return sum(count for count, _ in self.files.values())

    @property
    def blobs(self) -> Path:
        """Where the cache keeps their contents."""
        return hub.repository_directory(self.model) / "blobs"

    def here(self) -> int:
        """Bytes of those that are whole."""
        return sum(n for n, blob in self.files.values() if (self.blobs / blob).is_file())

    def unfinished(self) -> set[Path]:
        """What stands for files on their way; the hub's client never goes on with an old one."""
        return set(self.blobs.glob("*.incomplete"))


def plan(model: str) -> tuple[ev.DownloadPlanned, Listing]:
    """What fetching takes.  Raises ModelError where the model cannot be had or used."""
    info = _asked(model, lambda api: api.model_info(model, files_metadata=True))
    if info.gated:
        _asked(model, lambda api: api.auth_check(model))
    config = info.config or {}
    _check_usable(model, info, config)
    listing = Listing(model, {f.rfilename: _entry(f) for f in info.siblings or [] if _wanted(f)})
    directory = hub.cache_directory()
    card = info.card_data.to_dict() if info.card_data else {}
    planned = ev.DownloadPlanned(
        model=model,
        files=len(listing.files),
        bytes=listing.bytes,
        missing_bytes=listing.bytes - listing.here(),
        free_bytes=free_bytes(directory),
        directory=str(directory),
        quantized=quantized_bits(config),
        base=first_id([card.get("base_model")]),
    )
    return planned, listing


@dataclass(slots=True)
class Leavings:
    """The unfinished files of one fetch: what to remove if it is cut short."""

    listing: Listing | None = None
    foreign: set[Path] = field(default_factory=set)
    """Those of others, which were there before."""

    def files(self) -> set[Path]:
        return self.listing.unfinished() - self.foreign if self.listing else set()

    def remove(self) -> None:
        for path in self.files():
            path.unlink(missing_ok=True)


def fetch(model: str, own: Leavings) -> Iterator[ev.Event]:
    """Fetch a model into the cache, telling how far it is; `own` follows what is on its way.

    Raises ModelError where it fails.
    """
    planned, listing = plan(model)
    if planned.missing_bytes > planned.free_bytes:
        raise ModelError(no_room(planned))
    _remove_stale(listing)
    own.foreign, own.listing = listing.unfinished(), listing
    before, total = listing.here(), planned.missing_bytes
    yield ev.Downloading(model, 0, total)
    for _ in _while_it_works(work := _Work(model, list(listing.files))):
        done = listing.here() - before + sum(map(_size, own.files()))
        yield ev.Downloading(model, max(0, min(total, done)), total)
    if work.failure:
        raise work.failure
    yield ev.Downloaded(model, work.directory)


class _Work(threading.Thread):
    """The hub's own client at work; daemonic, so that it keeps nobody from ending."""

    def __init__(self, model: str, files: list[str]) -> None:
        super().__init__(daemon=True)
        self.directory = ""
        self.failure: CorefeelError | None = None
        self._model, self._files = model, files

    def run(self) -> None:
        from huggingface_hub import snapshot_download

        model, files = self._model, self._files
        try:
            self.directory = translated(
                model, lambda: snapshot_download(model, allow_patterns=files)
            )
        except CorefeelError as error:
            self.failure = error


def _while_it_works(work: threading.Thread) -> Iterator[None]:
    work.start()
    while work.is_alive():
        work.join(LOOK_SECONDS)
        yield


def _remove_stale(listing: Listing) -> None:
    """Unfinished files that nobody has written to for a while help nobody."""
    for path in listing.unfinished():
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


def no_room(planned: ev.DownloadPlanned) -> str:
    """A model that the disk cannot take."""
    return (
        f"“{planned.model}” needs {size(planned.missing_bytes)} more and {planned.directory} has "
        f"{size(planned.free_bytes)} free; make room, or set HF_HOME to a directory with more"
    )


def free_bytes(directory: Path) -> int:
    """What is free where `directory` is, or will be made."""
    while not directory.exists():
        directory = directory.parent
    return shutil.disk_usage(directory).free


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it is whole by now and has another name
        return 0


def _wanted(file: Any) -> bool:
    return any(fnmatch(file.rfilename, pattern) for pattern in WANTED)


def _entry(file: Any) -> tuple[int, str]:
    return file.size or 0, file.lfs.sha256 if file.lfs else file.blob_id or file.rfilename


def _check_usable(model: str, info: Any, config: dict[str, Any]) -> None:
    """Refuse before a byte is fetched what could not be loaded afterwards."""
    names = [file.rfilename for file in info.siblings or []]
    if not any(fnmatch(name, "model*.safetensors") for name in names):
        raise ModelError(
            f"“{model}” has no model*.safetensors, and only such weights are read; look on the hub "
            "for a conversion of it"
        )
    kind = config.get("model_type")
    if isinstance(kind, str) and not is_known(kind):
        raise ModelError(f"“{model}” is a “{kind}”, an architecture that mlx-lm does not know")


def _asked(model: str, question: Callable[[Any], Any]) -> Any:
    from huggingface_hub import HfApi

    return translated(model, lambda: question(HfApi()))
