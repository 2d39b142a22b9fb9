"""Per-position values of batch items: one small safetensors file per batch beside the session.

Knows the file format and the hash in `item_finished`; nothing of what the values mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from corefeel_tui.errors import SessionError
from corefeel_tui.evidence import ArrayPart, Evidence, ItemEvidence

TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "U8": "u1",
    "BOOL": "?",
}


def directory_of(session: Path) -> Path:
    """Where a session's arrays stand."""
    return session.with_name(session.name + ".arrays")


def pool(
    evidence: Evidence, items: Sequence[ItemEvidence], variant: str
) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
    """KL of every scored position of the items, and its item's number; None without arrays.

    Raises SessionError where a file was changed or cut short since the session was made.
    """
    directory = directory_of(evidence.path)
    values: list[NDArray[np.float32]] = []
    numbers: list[int] = []
    start, name = f"{directory}/", f"kl/{variant}"
    for number, item in enumerate(items if directory.is_dir() else ()):
        if item.arrays is not None and item.drift.get(variant):
            rows = _rows(start + item.arrays.file, item.arrays, name)
            if rows is not None:
                values.append(rows)
                numbers.append(number)
    if not values:
        return None
    pooled, owners = np.concatenate(values), np.repeat(numbers, [len(rows) for rows in values])
    scored = np.isfinite(pooled)
    return pooled[scored], owners[scored]


def _rows(path: str, part: ArrayPart, name: str) -> NDArray[np.float32] | None:
    """An item's rows of one tensor; None where the file has no such tensor."""
    column = _tensors(path, part.sha256).get(name)
    if column is None:
        return None
    rows = column[part.start : part.start + part.count]
    if len(rows) != part.count:
        raise SessionError(f"{path} holds fewer rows than the session says")
    return rows


@lru_cache(maxsize=4096)
def _tensors(path: str, sha256: str) -> dict[str, NDArray[Any]]:
    """A file's tensors by name.  Raises SessionError if it is not the one that was written."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SessionError(f"{path} cannot be read: {reason}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SessionError(f"{path} is not the file the session wrote: its hash differs")
    return parse(data)


def parse(data: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a safetensors file.  Raises SessionError on anything else."""
    try:
        length = int.from_bytes(data[:8], "little")
        header = from_json(data[8 : 8 + length])
        body = memoryview(data)[8 + length :]
        return {
            name: np.frombuffer(body[slice(*entry["data_offsets"])], TYPES[entry["dtype"]]).reshape(
                entry["shape"]
            )
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (ValueError, KeyError, TypeError) as error:
        raise SessionError(f"arrays cannot be read: {error}") from error


def part_of(file: Path, start: int, count: int) -> ArrayPart:
    """The entry that names rows of a finished file."""
    return ArrayPart(file.name, hashlib.sha256(file.read_bytes()).hexdigest(), start, count)
