"""A search as lines: what was found, item by item or variant by variant, and one example in full.

Pure: the fold's record of a search in, entries and lines out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import set_cell_size

from corefeel_tui.edge.telling import describe_change
from corefeel_tui.events import EdgeFound
from corefeel_tui.text.inert import inert, one_line
from corefeel_tui.text.numbers import MISSING, plural
from corefeel_tui.ui.edge.painting import Line, figure
from corefeel_tui.ui.edge.prose import Tint
from corefeel_tui.ui.text.worddiff import word_edits

if TYPE_CHECKING:
    from corefeel_tui.edge.fold import ItemSearch, SearchRun

ITEM, NAME, LABEL = 22, 9, 24


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: an item (or "") and, where there is one, the example of a variant."""

    item: str = ""
    variant: str = ""
    found: EdgeFound | None = None
    margin: float | None = None
    label: str = ""
    state: str = ""


def entries(record: SearchRun) -> list[Entry]:
    """Ranked items in their order with their examples; of a single prompt, a variant a row."""
    if record.ranked is None:
        return [entry for item in record.items.values() for entry in _of_prompt(record, item)]
    rows: list[Entry] = []
    for place, ranked in enumerate(record.ranked.items):
        waits = place < record.ranked.searched and record.finished is None
        rows += _of_item(record, ranked, "waits" if waits else "not searched · ⏎ F4 searches it")
    return rows


def _of_prompt(record: SearchRun, item: ItemSearch) -> list[Entry]:
    names = [name for name in item.started.variants if name != item.started.reference]
    names.sort(key=lambda variant: variant not in item.found)
    name = item.started.item or ""
    return [Entry(name, v, item.found.get(v), state=_state(record, item, v)) for v in names]


def _of_item(record: SearchRun, ranked: dict[str, Any], unsearched: str) -> list[Entry]:
    name = str(ranked["item"])
    margin, label = ranked.get("margin"), str(ranked.get("label") or "")
    item = record.items.get(name)
    if item is None:
        return [Entry(name, margin=margin, label=label, state=unsearched)]
    found = [Entry(name, v, f, margin, label) for v, f in item.found.items()]
    state = _state(record, item, None)
    return found or [Entry(name, margin=margin, label=label, state=state)]


def _state(record: SearchRun, item: ItemSearch, variant: str | None) -> str:
    if item.searched is not None:
        if variant in item.searched.unstable:
            return "an example did not come out again, so none is told"
        return f"none in {plural(item.searched.tried, 'prompt')}"
    return "not finished" if record.finished is not None else "searching…"


def row(entry: Entry, width: int, suite: bool) -> Line:
    """One entry: in a suite the item and its margin; who leaves for what, after which changes."""
    line: Line = []
    if suite:
        line = [
            ("strong", set_cell_size(inert(entry.item), ITEM)),
            ("quiet", f"{figure(entry.margin):>6} "),
            ("quiet", set_cell_size(inert(entry.label), 9)),
        ]
    if entry.variant:
        line.append(("strong", set_cell_size(inert(entry.variant), NAME)))
    if entry.found is None:
        return [*line, ("quiet", entry.state)]
    return [*line, *_leaving(entry.found), ("quiet", f" {_changes(entry.found)}")]


def _leaving(found: EdgeFound) -> Line:
    reference = next((name for name in found.labels if name != found.variant), "")
    before, after = found.labels.get(reference, MISSING), found.labels.get(found.variant, MISSING)
    return [
        ("text", f"{inert(before)} → "),
        ("alarm", f" {inert(after)} "),
        ("text", f" {figure(found.margins.get(found.variant)):>5}"),
    ]


def _changes(found: EdgeFound) -> str:
    if not found.changes:
        return "as it stands"
    return " + ".join(one_line(describe_change(change), 60) for change in found.changes)


def example_head(found: EdgeFound) -> list[Line]:
    """What the example shows, in words and figures."""
    reference = next((name for name in found.labels if name != found.variant), "")
    many = plural(len(found.changes), "change") if found.changes else "no change at all"
    head: Line = [
        ("strong", f" {inert(found.variant)} says "),
        ("alarm", f" {inert(found.labels.get(found.variant, MISSING))} "),
        ("strong", f" where {inert(reference)} says {inert(found.labels.get(reference, MISSING))}"),
        ("quiet", f"  after {many}"),
    ]
    figures: Line = [("text", " ")]
    for name, margin in found.margins.items():
        figures += [("quiet", f"{inert(name)} "), ("text", f"{figure(margin)}   ")]
    return [head, figures, *(_change_line(change) for change in found.changes)]


def _change_line(change: dict[str, Any]) -> Line:
    before, after = str(change["before"]).strip(), str(change["after"]).strip()
    line: Line = [("quiet", f" {change['kind']:<8}")]
    if before and change["kind"] != "reorder":
        line.append(("removed", "−" + one_line(before, 160)))
    if after:
        line.append(("added", (" " if before else "") + "+" + one_line(after, 160)))
    return line


def example_tints(base: str, found: EdgeFound) -> list[Tint]:
    """What of the example's text was not there before."""
    return [(edit.start, edit.stop, "added") for edit in word_edits(base, found.prompt)]


def summary(record: SearchRun, entries: Sequence[Entry]) -> str:
    """How far the search is: tried, of how many, found."""
    tried = sum(len(item.tried) for item in record.items.values())
    found = sum(entry.found is not None for entry in entries)
    bound = sum(item.started.total for item in record.items.values())
    parts = [f"{tried} of ≤ {bound} prompts tried", f"{found} found"]
    if record.ranked is not None:
        parts.insert(0, f"{plural(len(record.ranked.items), 'item')}, narrowest first")
    return " · ".join(parts)
