"""Quantized weights kept between starts: a safetensors file per checkpoint and treatment.

Knows files, their integrity and how many bytes they may take; neither what a key is made of nor
what the arrays mean.  An entry is written under another name and renamed once it is whole; one that
is damaged is deleted and made again.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import mlx.core as mx
import numpy as np

from corefeel_tui.engine.checkpoints import read_header
from corefeel_tui.errors import ModelError
from corefeel_tui.paths import private_directory

SMALLEST = 64 << 20
"""Bytes of packed weights from which on reading them back beats quantizing again."""
ABANDONED = 24 * 3600
"""Seconds after which a half-written entry belongs to nobody."""
DTYPES = {
    mx.uint32: "U32",
    mx.uint8: "U8",
    mx.bfloat16: "BF16",
    mx.float16: "F16",
    mx.float32: "F32",
}
SUFFIX, PARTIAL = ".safetensors", ".partial"
CHUNK = 1 << 24

Add = Callable[[str, mx.array], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """What an array will be; holds none of its data."""

    dtype: mx.Dtype
    shape: tuple[int, ...]
    nbytes: int


Layout = Mapping[str, Shape]


def layout_of(arrays: Mapping[str, mx.array]) -> Layout:
    """Types and shapes of arrays, computed or not."""
    return {name: Shape(a.dtype, tuple(a.shape), a.nbytes) for name, a in arrays.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry holds: its arrays, read when they are evaluated, and what was noted of them."""

    arrays: dict[str, mx.array]
    notes: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.arrays)


NO_ENTRY = Entry({})


@dataclass(slots=True)
class WeightCache:
    """Entries in `directory` of together at most `cap` bytes; `tell` hears what went wrong."""

    directory: Path
    cap: int
    tell: Callable[[str], None] = field(default=lambda sentence: None)

    def find(self, key: str) -> Entry:
        """The entry of that key, if it is there and whole; it counts as just used."""
        path = self._path(key)
        if self.cap <= 0 or not path.is_file():
            return NO_ENTRY
        try:
            notes = _checked(path)
            arrays = mx.load(str(path))
            os.utime(path)
        except (OSError, ValueError, KeyError, RuntimeError, ModelError) as error:
            self.tell(f"kept weights were damaged and are made again ({error})")
            path.unlink(missing_ok=True)
            return NO_ENTRY
        return Entry(dict(arrays), notes)

    @contextlib.contextmanager
    def keep(self, key: str, layout: Layout, notes: Mapping[str, Any]) -> Iterator[Add]:
        """Write an entry: every array of `layout` is added once, in its order.

        Where it cannot be written, or would be larger than all entries may be, that is told and
        nothing is kept.
        """
        size = sum(shape.nbytes for shape in layout.values())
        path = self._path(key)
        partial = path.with_name(f"{path.name}{PARTIAL}-{os.getpid()}")
        writer = None
        if 0 < size <= self.cap:
            with self._told():
                private_directory(self.directory)
                self._make_room(size)
                writer = _Writer(partial, layout, notes)

        def add(name: str, array: mx.array) -> None:
            nonlocal writer
            if writer is not None:
                try:
                    writer.add(name, array)
                except OSError as error:
                    writer.abandoned()
                    writer = None
                    self.tell(_not_kept(self.directory, error))

        try:
            yield add
        except BaseException:
            if writer is not None:
                writer.abandoned()
            raise
        if writer is not None:
            with self._told():
                writer.finish(path)

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}{SUFFIX}"

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.tell(_not_kept(self.directory, error))

    def _make_room(self, size: int) -> None:
        """Delete what was used least recently until `size` more bytes fit."""
        found = []
        for path in self.directory.iterdir():
            status = path.stat()
            if PARTIAL in path.name and time.time() - status.st_mtime > ABANDONED:
                path.unlink(missing_ok=True)
            elif path.suffix == SUFFIX:
                found.append((status.st_mtime, status.st_size, path))
        total = size + sum(held for _, held, _ in found)
        for _, held, path in sorted(found):
            if total <= self.cap:
                return
            path.unlink(missing_ok=True)
            total -= held


@dataclass(slots=True)
class Kept:
    """Where one treatment's weights may be kept; `key` is asked only if it is worth it.

    With `always` that is so whatever their size, since they take long to make.
    """

    cache: WeightCache
    key: Callable[[], str]
    always: bool = False

    def find(self, layout: Layout | None = None) -> Entry:
        """What was kept, if it has that layout; else nothing."""
        if not self._worth(layout):
            return NO_ENTRY
        entry = self.cache.find(self.key())
        same = layout is None or layout_of(entry.arrays) == layout
        return entry if same else NO_ENTRY

    def keep(
        self, layout: Layout, notes: Mapping[str, Any] | None = None
    ) -> contextlib.AbstractContextManager[Add]:
        """As `WeightCache.keep`; where it is not worth it, what is added is dropped."""
        if not self._worth(layout):
            return contextlib.nullcontext(lambda name, array: None)
        return self.cache.keep(self.key(), layout, notes or {})

    def _worth(self, layout: Layout | None) -> bool:
        size = sum(shape.nbytes for shape in layout.values()) if layout else 0
        return self.cache.cap > 0 and (self.always or size >= SMALLEST)


UNKEPT = Kept(WeightCache(Path(), 0), lambda: "")
"""For weights that nobody wants to keep."""


class _Writer:
    """One entry while it is written.  The check sum stands in the header, which comes first and is
    written again once it is known."""

    def __init__(self, partial: Path, layout: Layout, notes: Mapping[str, Any]) -> None:
        self._partial = partial
        self._waiting = list(layout)
        self._header: dict[str, Any] = {"__metadata__": {"notes": json.dumps(notes), "crc32": ""}}
        end = 0
        for name, own in layout.items():
            start, end = end, end + own.nbytes
            about = {"dtype": DTYPES[own.dtype], "shape": list(own.shape)}
            self._header[name] = about | {"data_offsets": [start, end]}
        self._sum = 0
        self._file: BinaryIO = partial.open("wb")
        self._write_header()

    def add(self, name: str, array: mx.array) -> None:
        """Append the next array.  Raises OSError where it cannot be written."""
        if self._waiting.pop(0) != name:
            raise ValueError(f"{name} was not the next array")
        data = np.asarray(array.reshape(-1).view(mx.uint8)).data
        self._sum = zlib.crc32(data, self._sum)
        self._file.write(data)

    def finish(self, path: Path) -> None:
        """The whole entry under its own name."""
        try:
            self._file.seek(0)
            self._write_header()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._partial.replace(path)
        except OSError:
            self.abandoned()
            raise

    def abandoned(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._partial.unlink(missing_ok=True)

    def _write_header(self) -> None:
        self._header["__metadata__"]["crc32"] = f"{self._sum:08x}"
        data = json.dumps(self._header).encode()
        self._file.write(len(data).to_bytes(8, "little") + data)


def _checked(path: Path) -> dict[str, Any]:
    """The notes of an entry whose data is what was written.  Raises ValueError or ModelError."""
    read_header(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        about = json.loads(file.read(length)).get("__metadata__") or {"crc32": None}
        total = 0
        while chunk := file.read(CHUNK):
            total = zlib.crc32(chunk, total)
    if f"{total:08x}" != about["crc32"]:
        raise ValueError(f"“{path.name}” is not what was written")
    notes: dict[str, Any] = json.loads(about["notes"])
    return notes


def _not_kept(directory: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"quantized weights are not kept for the next start: {directory}: {reason}"
