"""Words with style names, painted as one line of a widget."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

Part = tuple[str, str]
"""The last word of a component class ("head" of "table--head") and a text."""


def painted(widget: Widget, prefix: str, parts: Iterable[Part]) -> Strip:
    """One line, as wide as the widget."""
    style = widget.get_component_rich_style
    segments = [Segment(text, style(f"{prefix}--{name}")) for name, text in parts]
    return Strip(segments).adjust_cell_length(widget.size.width, widget.rich_style)
