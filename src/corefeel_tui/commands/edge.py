"""Commands that feel for an edge: margins while somebody types, words, ladders, searches.

Everywhere `readout` is an `edge.readouts.Readout` as a dict: which labels, which two make the
margin, and what stands before them.  `system` and `history` are the chat before the prompt.
`variants` (None: all loaded) always include the reference.  `Cancel` of the run ends any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .wire import Command


@dataclass(frozen=True, slots=True)
class Meter(Command):
    """Margins of one prompt, now.  Answered by `Margins`, by nothing if superseded.

    A `Meter` of the same run with another `revision` takes the place of those that still wait or
    compute.  What all models have read of the prompt before the first changed token is not read
    again.
    """

    name = "meter"
    run: str
    revision: int
    prompt: str
    readout: dict[str, Any]
    system: str | None = None
    history: list[dict[str, str]] = field(default_factory=list)
    thinking: bool = False
    variants: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Scan(Command):
    """Margins without each removable part of the prompt: `EdgeStarted`, one `Margins` of the whole
    prompt, then a `WordMargin` a part, in the order they are computed, and `ItemFinished`.

    `units` are of "word", "clause" and "line" (a line of JSON evidence, or of a list).
    """

    name = "scan"
    run: str
    prompt: str
    readout: dict[str, Any]
    units: list[str] = field(default_factory=lambda: ["word", "clause", "line"])
    system: str | None = None
    history: list[dict[str, str]] = field(default_factory=list)
    thinking: bool = False
    variants: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Ladder(Command):
    """Margins of every rung: `EdgeStarted`, a `RungMargin` a rung, and `ItemFinished`.

    Either `prompt` holds one or two slots, `{a|b|c}` or `{name}` with `slots[name]` given, or
    `rungs` are whole prompts, the mildest first.  More than `budget` combinations are refused.
    """

    name = "ladder"
    run: str
    readout: dict[str, Any]
    prompt: str = ""
    slots: dict[str, list[str]] = field(default_factory=dict)
    rungs: list[str] = field(default_factory=list)
    suite: str | None = None
    item: str | None = None
    budget: int = 256
    system: str | None = None
    history: list[dict[str, str]] = field(default_factory=list)
    thinking: bool = False
    variants: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Search(Command):
    """The smallest change at which a variant's verdict leaves the reference's.

    Of a `prompt` (which may hold slots), of one item of a suite (`suite` and `item`), or of a
    suite: its first `pool` items are ranked by the reference's own margin, and the `limit`
    narrowest searched.
    `readout` None means the suite's.  At most `budget` changed prompts are tried an item, of at
    most `depth` changes each.  Answered by `Ranked` (a suite), then for every item `EdgeStarted`,
    `Tried` a prompt, `EdgeFound` a variant that left, `EdgeSearched`; `ItemFinished` is last.
    """

    name = "search"
    run: str
    prompt: str | None = None
    suite: str | None = None
    item: str | None = None
    readout: dict[str, Any] | None = None
    slots: dict[str, list[str]] = field(default_factory=dict)
    limit: int = 10
    pool: int = 200
    budget: int = 200
    depth: int = 2
    system: str | None = None
    history: list[dict[str, str]] = field(default_factory=list)
    thinking: bool = False
    variants: list[str] | None = None
