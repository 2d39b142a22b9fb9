"""What the reader has chosen to see in the Batch pane, and the words its lines are made of.

Pure; knows no widget.
"""

from __future__ import annotations

from dataclasses import dataclass

from corefeel_tui.ui.widgets.painting import Part

Line = list[Part]
"""Words with the last part of a component class: text, quiet, faint, strong, accent, …"""


@dataclass(slots=True)
class BatchView:
    """`run` is the one on show; `against` "expected" or "reference"; `suite` "" lets the pane
    choose; `first` is the leftmost variant of the matrices."""

    run: str = ""
    flipped_only: bool = False
    against: str = "expected"
    suite: str = ""
    first: int = 0


def bar(fraction: float, width: int) -> Line:
    """A thin bar."""
    full = min(width, round(width * fraction))
    if fraction < 1:
        full = min(full, width - 1)
    return [("accent", "━" * full), ("faint", "─" * (width - full))]


def width_of(line: Line) -> int:
    """Cells of a line; its words hold no wide characters."""
    return sum(len(text) for _, text in line)


def cut(line: Line, width: int) -> Line:
    """A line that fits, its end replaced by an ellipsis where it did not."""
    if width_of(line) <= width:
        return line
    fitted: Line = []
    room = width - 1
    for name, text in line:
        fitted.append((name, text[:room]))
        room -= len(text)
        if room <= 0:
            break
    return [*fitted, ("faint", "…")]


def beside(left: list[Line], right: list[Line], width: int) -> list[Line]:
    """Two columns, the left one `width` wide."""
    rows = max(len(left), len(right))
    found = []
    for row in range(rows):
        one = cut(left[row], width) if row < len(left) else []
        other = right[row] if row < len(right) else []
        found.append([*one, ("text", " " * (width - width_of(one))), *other])
    return found
