"""One line of a session file → its event, every type checked.

Knows the events' types; nothing of files but their names.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from corefeel_tui import events as ev
from corefeel_tui.errors import SessionError


class _Top(TypedDict):
    ids: list[list[int] | None]
    logprob: list[list[float] | None]


class _Columns(TypedDict, total=False):
    kl: list[float | None]
    argmax: list[int | None]
    rank: list[int | None]
    token_rank: list[int | None]
    logprob: list[float | None]
    entropy: list[float | None]
    gap: list[float | None]
    confidence: list[float | None]
    flip: list[bool | None]
    top: _Top | None


_SCORES = TypeAdapter(dict[str, _Columns])


@cache
def _adapter(name: str) -> TypeAdapter[ev.Event]:
    return TypeAdapter(ev.REGISTRY[name])


def checked(data: Any, path: Path, number: int) -> ev.Event:
    """The event of a line that anybody may have edited, with every type checked.

    Raises SessionError naming file, line and what is wrong.
    """
    try:
        name = data["event"]
        known = name in ev.REGISTRY
        event = _adapter(name).validate_python(data) if known else ev.from_dict(data)
        if isinstance(event, ev.Tokens):
            _check_columns(event)
        if isinstance(event, ev.Pieces) and not all(map(str.isdecimal, event.texts)):
            raise ValueError("pieces has a key that is no token id")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"{where}: {first['msg'].lower()}"
        raise SessionError(f"{path}, line {number}: {reason}") from error
    except (TypeError, KeyError) as error:  # no object, or one without the key
        raise SessionError(f"{path}, line {number}: not an event, no key “event”") from error
    except ValueError as error:
        raise SessionError(f"{path}, line {number}: {error}") from error
    return event


def _check_columns(event: ev.Tokens) -> None:
    """Every column of scores is a list as long as the ids.  Raises ValueError."""
    count = len(event.ids)
    for model, scores in _SCORES.validate_python(event.scores or {}).items():
        for name, column in [*scores.items(), *(scores.get("top") or {}).items()]:
            if isinstance(column, list) and len(column) != count:
                raise ValueError(f"scores.{model}.{name} is not a list of {count} values")
