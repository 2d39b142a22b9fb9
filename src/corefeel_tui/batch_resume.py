"""A batch session that was cut off → the batch as it stood, to go on with.

Knows the lines of a session that matter for that; never reads a line of tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corefeel_tui import batch_fold
from corefeel_tui import events as ev
from corefeel_tui.errors import SessionError
from corefeel_tui.sessions import newest_first, read_session

_WANTED = ("planned", "started", "verdict", "item_finished", "variant_stopped", "session_finished")
_HEADS = tuple(f'{{"event":"{name}"'.encode() for name in _WANTED)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A batch with items left; `suites` and `limit` are what it was asked for, `answers` how
    many were written side by side."""

    path: Path
    created: str
    model: str
    variants: tuple[str, ...]
    suites: tuple[str, ...]
    limit: int | None
    quick: bool
    stop_collapsed: bool
    seed: int
    answers: int | None
    tally: batch_fold.Tally

    @property
    def title(self) -> str:
        """The suites, and how many items of each where that was limited."""
        names = " + ".join(self.suites)
        return f"{names} ≤ {self.limit}" if self.limit else names


def unfinished(directory: Path) -> list[Unfinished]:
    """The batches of a directory that can be gone on with, the latest first."""
    return newest_first(directory, read_unfinished)


def read_unfinished(path: Path) -> Unfinished:
    """The batch of a session.  Raises SessionError where it has none, or none with items left."""
    header, _ = read_session(path)
    tally, asked, seed = batch_fold.Tally(""), None, 0
    for event in _told(path):
        if isinstance(event, ev.Planned):
            asked, seed = event.asked or asked, event.seed
            tally.run = event.run
        batch_fold.apply(tally, event, 0.0)
    if not asked or tally.done >= tally.planned:
        raise SessionError(f"{path} holds no batch to go on with")
    tally.forget_times()
    return Unfinished(
        path,
        header.created,
        header.model,
        tuple(str(variant.get("name")) for variant in header.variants),
        tuple(asked["suites"]),
        asked.get("limit"),
        bool(asked.get("quick")),
        bool(asked.get("stop_collapsed")),
        seed,
        asked.get("answers"),
        tally,
    )


def _told(path: Path) -> Iterator[ev.Event]:
    with path.open("rb") as file:
        for line in file:
            if line.startswith(_HEADS) and line.endswith(b"\n"):
                try:
                    yield ev.decode(line)
                except ValueError as error:
                    raise SessionError(f"{path} has a line that cannot be read: {error}") from error
