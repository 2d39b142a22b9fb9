"""What stands for each position in a pane: inert text, a KL level and marks.

Knows the fold's record; nothing of rows, colours or widgets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, IntFlag
from math import fsum

from corefeel_tui.folding import Record, Run, Track, Trajectory
from corefeel_tui.summaries import hard_flip
from corefeel_tui.text.inert import inert, inert_lines, label_of
from corefeel_tui.text.numbers import plural, short
from corefeel_tui.ui.text.pieces import mended
from corefeel_tui.ui.text.ramp import level
from corefeel_tui.ui.text.worddiff import Edit

FORK_MARK = "⑂"
END_MARK = "∎"


class View(Enum):
    """What the panes show of a run."""

    FREE = "free"
    LOCKED = "locked"
    DIFF = "diff"


class Mark(IntFlag):
    """Why a cell looks special."""

    NONE = 0
    FLIP = 1
    HARD = 2
    FORK = 4
    ASIDE = 8
    """What the variant would have said instead; not part of the answer."""
    END = 16
    ADDED = 32
    REMOVED = 64
    """A word of the reference that this answer lacks; not part of the answer."""
    FOLDED = 128
    """One line that stands for many positions."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Text that belongs to positions `position`…`last` of a trajectory."""

    position: int
    text: str
    level: int = 0
    mark: Mark = Mark.NONE
    last: int = -1

    def covers(self, position: int | None) -> bool:
        """Whether a position is shown by this cell."""
        return position is not None and self.position <= position <= max(self.last, self.position)


@dataclass(frozen=True, slots=True)
class Script:
    """One pane's text: a trajectory as one model scores it."""

    record: Record
    run: Run
    name: str
    view: View
    unfolded: bool = False
    """Whether the thinking part is shown word by word."""

    @property
    def trajectory(self) -> Trajectory:
        """The answer on show: the reference's when locked."""
        return self.run.reference if self.view is View.LOCKED else self.run.trajectories[self.name]

    @property
    def track(self) -> Track:
        """The pane's model on the answer on show."""
        return self.trajectory.tracks.get(self.name, _NOTHING)

    @property
    def key(self) -> tuple[object, ...]:
        """Changes when cells already given are no longer right."""
        shown = self.trajectory
        told = self.fold_line() if self.fold else None
        return (self.run.started.run, self.view, shown.name, shown.text is None, id(self.run), told)

    def __len__(self) -> int:
        return len(self.trajectory.ids)

    def cells(self, start: int = 0, edits: Sequence[Edit] = ()) -> Iterator[Cell]:
        """Cells of the positions from `start` on; `edits` are those of the word diff."""
        if edits:
            yield from self._edited(edits)
            return
        fold = self.fold or range(0)
        for position, last, text in self._pieces(start):
            if position in fold:
                if position == fold.start:
                    tint = level(self._fold_kl())
                    yield Cell(position, self.fold_line(), tint, Mark.FOLDED, fold.stop - 1)
                continue
            if fold and position == fold.stop and not text.startswith("\n"):
                yield Cell(position, "\n")
            yield from self._position(position, last, text)

    @property
    def fold(self) -> range | None:
        """Positions of the thinking part where it is told in one line."""
        if self.unfolded or self.view is View.DIFF or not self.trajectory.thought:
            return None
        return self.trajectory.thought

    def fold_line(self) -> str:
        """thinking · 143 tokens · KL .03"""
        fold = self.fold or range(0)
        parts = ["▸ thinking", plural(len(fold), "token")]
        if self.name != self.run.started.reference and (kl := self._fold_kl()) is not None:
            parts.append(f"KL {short(kl)}")
        forked = self.run.trajectories[self.name].fork
        return " · ".join(parts) + (
            f" {FORK_MARK}" if forked is not None and forked in fold else ""
        )

    def _fold_kl(self) -> float | None:
        """Mean over the thinking part, as far as it was scored."""
        fold = self.fold or range(0)
        kls = [kl for kl in self.track.columns["kl"][fold.start : fold.stop] if kl is not None]
        return fsum(kls) / len(kls) if kls else None

    def stepped(self, position: int, before: int) -> int:
        """Where a cursor that was on `before` goes for `position`: a folded part is one step."""
        fold = self.fold
        if fold is None or position not in fold or position == fold.start:
            return position
        return fold.stop if position > before and fold.stop < len(self) else fold.start

    def _position(self, position: int, last: int, text: str) -> Iterator[Cell]:
        tint, mark = self._scores(position, last)
        if self._ends(position):
            yield Cell(position, END_MARK, tint, mark | Mark.END)
            return
        if self._forks(position):
            body = text.lstrip(" ")
            if len(body) < len(text):
                yield Cell(position, text[: len(text) - len(body)], tint, mark, last)
            yield Cell(position, FORK_MARK, tint, Mark.FORK, last)
            text = body
        if text:
            yield Cell(position, inert_lines(text), tint, mark, last)
        if self.view is View.LOCKED and mark & Mark.FLIP:
            said = self.track.columns["argmax"][position]
            label = label_of(self.record.pieces.get(said, "?"))
            yield Cell(position, f"⟨{label}⟩", tint, Mark.ASIDE, last)

    def _edited(self, edits: Sequence[Edit]) -> Iterator[Cell]:
        """Cells of the whole answer with the reference's words beside those that replaced them."""
        marks = {edit.start: edit for edit in edits}
        ends = {edit.stop for edit in edits}
        offset, inside, before = 0, False, " "
        for position, last, text in self._pieces(0):
            if self._ends(position):
                continue
            if self._forks(position):
                yield Cell(position, FORK_MARK, 0, Mark.FORK, last)
            part = ""
            for letter in text:
                if offset in ends or offset in marks:
                    yield from _part(position, last, part, inside)
                    part = ""
                    inside = inside and offset not in ends
                    if edit := marks.get(offset):
                        yield from _heads(position, edit, before)
                        inside = edit.stop > edit.start
                part += letter
                before = letter
                offset += 1
            yield from _part(position, last, part, inside)
        if edit := marks.get(offset):
            yield from _heads(max(0, len(self) - 1), edit, before)

    def text(self) -> str:
        """The answer as the pieces say it, in the units `edits` count in."""
        pieces = self._pieces(0)
        return "".join(text for position, _, text in pieces if not self._ends(position))

    def _pieces(self, start: int) -> Iterator[tuple[int, int, str]]:
        """(position, last position, text); broken pieces of one character stand together."""
        shown = self.trajectory
        pieces = [self.record.pieces.get(i, f"⟨{i}⟩") for i in shown.ids[start:]]
        if start == 0 and shown.text is not None:
            yield from mended(pieces, shown.text)
            return
        for position, text in enumerate(pieces, start):
            yield position, position, text

    def _scores(self, position: int, last: int) -> tuple[int, Mark]:
        columns = self.track.columns
        kls = [kl for kl in columns["kl"][position : last + 1] if kl is not None]
        if not any(columns["flip"][position : last + 1]):
            return level(max(kls, default=None)), Mark.NONE
        base = self.trajectory.tracks.get(self.run.started.reference)
        hard = base is not None and position < len(base) and hard_flip(base, position)
        return level(max(kls, default=None)), Mark.FLIP | (Mark.HARD if hard else Mark.NONE)

    def _forks(self, position: int) -> bool:
        return position == self.run.trajectories[self.name].fork

    def _ends(self, position: int) -> bool:
        """Whether this is the end-of-sequence token, which an answer's text does not hold."""
        shown = self.trajectory
        if shown.text is None or shown.reason != "stop" or position != len(shown.ids) - 1:
            return False
        piece = self.record.pieces.get(shown.ids[position])
        return not piece or not shown.text.endswith(piece)


_NOTHING = Track()


def _part(position: int, last: int, text: str, added: bool) -> Iterator[Cell]:
    if text:
        yield Cell(position, inert_lines(text), 0, Mark.ADDED if added else Mark.NONE, last)


def _heads(position: int, edit: Edit, before: str) -> Iterator[Cell]:
    """The removed words and the sign that opens the added ones; `before` stands to their left."""
    replaced = edit.stop > edit.start
    if edit.removed:
        if not before.isspace():
            yield Cell(position, " ")
        yield Cell(position, f"−{inert(edit.removed)}", 0, Mark.REMOVED)
        if replaced or before.isspace():
            yield Cell(position, " ")
    if replaced:
        yield Cell(position, "+", 0, Mark.ADDED)
