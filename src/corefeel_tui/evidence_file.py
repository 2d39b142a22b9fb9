"""Evidence out of a session file, without parsing a line of tokens.

Knows which lines matter and checks their types; nothing of what they mean.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from corefeel_tui import events as ev
from corefeel_tui.errors import SessionError
from corefeel_tui.evidence import CONTROL, Evidence, ItemEvidence, Stop, SuitePlan
from corefeel_tui.sessions import read_session

Line = TypeVar("Line")


def read_evidence(path: Path) -> Evidence:
    """The evidence of a session.  Raises SessionError where it is no session or has no batch."""
    with _uncollected():
        return _read_evidence(path)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's cycle collector, which takes half the time of reading to find nothing: all
    that is made stays."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _read_evidence(path: Path) -> Evidence:
    header, _ = read_session(path)
    items: dict[str, ItemEvidence] = {}
    suites: dict[str, SuitePlan] = {}
    failed: dict[str, str] = {}
    stopped: dict[tuple[str, str | None], Stop] = {}
    asked: ev.JSON = {}
    floors, control, planned, status = dict(header.floors), None, 0, "cut off"
    for number, name, line in _lines(path):
        match name:
            case "item_finished":
                item = _read(_item_lines(), line, path, number).evidence
                if item is not None:
                    items.setdefault(f"{item.suite}/{item.id}", item)
            case "planned":
                plan = _read(_plan_lines(), line, path, number)
                suites.update((suite.name, suite) for suite in plan.suites)
                planned, control = max(planned, plan.items), plan.control or control
                asked = plan.asked or asked
            case "variant_stopped":
                stop = _read(_stop_lines(), line, path, number)
                stopped.setdefault((stop.variant, stop.suite), stop)
            case "failed" | "loaded" | "session_finished":
                data = _object(line, path, number)
                if name == "failed" and data.get("variant") and not data.get("run"):
                    failed[str(data["variant"])] = str(data.get("reason"))
                floors.update(data.get("floors") or {})
                status = str(data.get("status")) if name == "session_finished" else status
    if not suites:
        raise SessionError(f"{path} holds no batch; make one with `corefeel eval --session FILE`")
    unknown = next((i.suite for i in items.values() if i.suite not in suites), None)
    if unknown is not None:
        raise SessionError(f"{path}: an item belongs to “{unknown}”, which no plan names")
    names = [str(variant.get("name")) for variant in header.variants]
    control = control or (CONTROL if CONTROL in names else None)
    return Evidence(
        path,
        header,
        tuple(suites.values()),
        tuple(items.values()),
        planned or len(items),
        control,
        floors,
        failed,
        status,
        tuple(stopped.values()),
        asked,
    )


# --- lines --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _ItemLine:
    evidence: ItemEvidence | None = None


@dataclass(frozen=True, slots=True)
class _PlanLine:
    items: int
    suites: tuple[SuitePlan, ...]
    control: str | None = None
    asked: ev.JSON = field(default_factory=dict)


_WANTED = ("item_finished", "planned", "variant_stopped", "failed", "loaded", "session_finished")
_OPENING = b'{"event":"'
_NAMES = {name.encode(): name for name in _WANTED}
_LONGEST = len(_OPENING) + max(map(len, _NAMES))


def _lines(path: Path) -> Iterator[tuple[int, str, bytes]]:
    """Number, event and bytes of the lines that matter; the others are not parsed."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            head = line[: _LONGEST + 4].replace(b" ", b"")
            name = _NAMES.get(head[len(_OPENING) :].partition(b'"')[0])
            if name is not None and head.startswith(_OPENING):
                yield number, name, line


@cache
def _item_lines() -> TypeAdapter[_ItemLine]:
    return TypeAdapter(_ItemLine)


@cache
def _plan_lines() -> TypeAdapter[_PlanLine]:
    return TypeAdapter(_PlanLine)


@cache
def _stop_lines() -> TypeAdapter[Stop]:
    return TypeAdapter(Stop)


def _read(adapter: TypeAdapter[Line], line: bytes, path: Path, number: int) -> Line:
    """The line as the adapter's type.  Raises SessionError with the line's number."""
    try:
        return adapter.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SessionError(f"{path}, line {number}: {where}: {first['msg'].lower()}") from error


def _object(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        data = from_json(line)
    except ValueError as error:
        raise SessionError(f"{path}, line {number}: not JSON ({error})") from error
    return data if isinstance(data, dict) else {}
