"""The panel of counterfactual words: heat strips, the tinted prompt, and the table of parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from corefeel_tui.edge.telling import heat, sorted_words
from corefeel_tui.text.inert import inert
from corefeel_tui.text.numbers import plural
from corefeel_tui.ui.edge import heat as hot
from corefeel_tui.ui.edge.painting import EdgeLines, Line
from corefeel_tui.ui.edge.panel import (
    Look,
    Panel,
    Taken,
    margin_labels,
    refusal_lines,
    waiting_line,
)
from corefeel_tui.ui.edge.prose import painted_rows, window, wrapped
from corefeel_tui.ui.edge.rows import Rows
from corefeel_tui.ui.edge.view import UNITS

if TYPE_CHECKING:
    from corefeel_tui.edge.fold import ScanRun
    from corefeel_tui.events import WordMargin

ROOMY = 8
"""Rows of the prompt from which there is room for a legend too."""

EMPTY: list[Line] = [
    [("strong", " Which words hold the verdict up?")],
    [("key", " F2"), ("quiet", " measures the margin without each word, clause and line.")],
]


class WordsPanel(Panel):
    """What each part of the prompt does to every model's margin."""

    def __init__(self) -> None:
        super().__init__()
        self.border_title = "words"
        self.upper = EdgeLines()
        self.table = Rows()
        self._words: list[WordMargin] = []

    def compose(self) -> ComposeResult:
        yield self.upper
        yield self.table

    def clear(self, lines: Sequence[Line]) -> None:
        """Show these lines and nothing else."""
        self._words = []
        self.upper.show(lines)
        self.table.show([], [])

    def draw(self, look: Look) -> None:
        scan = look.view.scan(look.record)
        if scan is None or scan.base is None:
            self.clear(refusal_lines(look, scan, EMPTY))
            return
        self._words = sorted_words(scan, look.view.unit)
        self._draw(look, scan)

    def _draw(self, look: Look, scan: ScanRun) -> None:
        started, base = scan.started, scan.base
        assert started is not None
        assert base is not None
        size, names = self.content_size, _names(scan)
        variant = look.view.variant if look.view.variant in names else names[0]
        heats = {name: heat(scan, name, look.view.unit) for name in names}
        top = hot.largest(list(heats.values()))
        length = len(base.prompt)
        lines: list[Line] = [self._head(look, scan, variant)]
        lines += [hot.strip_line(n, heats[n], length, top, size.width) for n in names]
        labels = margin_labels(base.readout)
        rows = min(len(self._words) + 1, max(4, (size.height - len(lines)) // 2))
        room = size.height - len(lines) - rows
        if room >= ROOMY:
            lines += [[], *self._prose(base.prompt, heats[variant], top, room - 3)]
            lines += [hot.legend(*labels), []]
        elif room > 0:
            lines += self._prose(base.prompt, heats[variant], top, room)
        self.upper.show(lines)
        self.table.show(
            hot.table_head(names, look.view.unit, labels[0], size.width),
            [hot.table_row(word, base, names, size.width) for word in self._words],
        )

    def _prose(self, prompt: str, found: hot.Heat, top: float, room: int) -> list[Line]:
        """The prompt tinted for one variant, around the part under the cursor."""
        rows = wrapped(prompt, self.content_size.width - 2)
        tints = hot.tints(found, top)
        word = self.word
        if word is not None:
            tints.append((word.start, word.end, "here"))
        lines = painted_rows(prompt, rows, tints)
        return window(lines, rows, room, word.start if word else 0)

    def _head(self, look: Look, scan: ScanRun, variant: str) -> Line:
        line = waiting_line(scan, look.live)
        if not line:
            line = [("quiet", f" {plural(len(self._words), look.view.unit)}, most disputed first")]
        line += [("text", "   "), ("key", "u"), ("text", " ")]
        for unit in UNITS:
            on = unit == look.view.unit
            line.append(("strong" if on else "faint", f"[{unit}]" if on else f" {unit} "))
        return [*line, ("text", "  "), ("key", "v"), ("text", f" tint: {inert(variant)}")]

    @property
    def word(self) -> WordMargin | None:
        """The part under the cursor."""
        return self._words[self.table.at] if self.table.at < len(self._words) else None

    def on_rows_moved(self) -> None:
        self.redraw()

    def taken(self) -> Taken | None:
        """The prompt without the part under the cursor."""
        scan = self.seen.view.scan(self.seen.record) if self.seen else None
        word = self.word
        if scan is None or scan.base is None or word is None:
            return None
        prompt = scan.base.prompt
        without = prompt[: word.start] + prompt[word.end :]
        return Taken(without, scan.base.readout, scan.base.system)


def _names(scan: ScanRun) -> list[str]:
    assert scan.started is not None
    reference = scan.started.reference
    return [reference, *(name for name in scan.started.variants if name != reference)]
