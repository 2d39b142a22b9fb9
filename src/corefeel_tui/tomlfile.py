"""TOML files that people write: read, checked against a model, refused with file, line and mend.

Knows pydantic models in general and none in particular.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import tomli
from pydantic import BaseModel, ValidationError

from corefeel_tui.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)


def load(path: Path, model: type[Model]) -> Model:
    """The file's content as `model`.  Raises UsageError naming file, line and nearest valid key."""
    text = read_text(path)
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise UsageError(f"{path}, line {error.lineno}: not TOML: {error.msg.lower()}") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = first["loc"]
        reason = explain(first, model)
        raise UsageError(f"{path}, line {line_of(text, place)}: {reason}") from error


def read_text(path: Path) -> str:
    """A text file's content.  Raises UsageError if it is missing, unreadable or not UTF-8."""
    try:
        return path.read_bytes().decode()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{path} cannot be read: {reason}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start}); convert it first") from error


def explain(problem: Any, model: type[BaseModel]) -> str:
    """One of pydantic's problems as a sentence."""
    place = [str(part) for part in problem["loc"] if isinstance(part, str)]
    name = ".".join(place)
    match problem["type"]:
        case "extra_forbidden":
            keys = _keys(model, place[:-1])
            return f"unknown key “{name}”; {mend(place[-1], keys)}"
        case "missing":
            return f"“{name}” is missing"
        case "value_error":
            reason = str(problem["ctx"]["error"])
            return f"“{name}”: {reason}" if name else reason
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return f"“{name}”: {message}, not {problem['input']!r}"


def mend(given: str, valid: list[str]) -> str:
    """What to write instead: the nearest valid name, else all of them."""
    near = get_close_matches(given, valid, 1, 0.5)
    return f"did you mean “{near[0]}”?" if near else f"known are {', '.join(sorted(valid)) or '–'}"


def _keys(model: type[BaseModel], place: list[str]) -> list[str]:
    """Names that may stand in the table at `place`."""
    for part in place:
        found = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
        inner = found and next(iter(_models(found.annotation)), None)
        if inner is None:
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Models anywhere inside a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in getattr(annotation, "__args__", ()) for m in _models(part)]


def line_of(text: str, place: tuple[int | str, ...]) -> int:
    """The line (from 1) where the key or table at `place` stands, as near as a search comes.

    Follows `[table]` and the n-th `[[table]]` headers, then looks for the key below.
    """
    lines = text.splitlines()
    at = 0
    parts = list(place)
    while parts:
        name = parts.pop(0)
        if isinstance(name, int):
            continue
        nth = parts[0] if parts and isinstance(parts[0], int) else 0
        heading = re.compile(rf"\s*\[\[?\s*([\w.]+\.)?{re.escape(name)}\s*\]\]?")
        key = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*=""")
        headings = [i for i in range(at, len(lines)) if heading.match(lines[i])]
        keys = [i for i in range(at, len(lines)) if key.match(lines[i])]
        if nth < len(headings):
            at = headings[nth]
        elif keys:
            at = keys[0]
        else:
            break
    return at + 1
