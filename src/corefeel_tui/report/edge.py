"""What a search or a ladder found, in text.  Knows the edge's fold; measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from corefeel_tui import events as ev
from corefeel_tui.edge import telling
from corefeel_tui.edge.fold import EdgeRecord, ItemSearch, LadderRun, SearchRun
from corefeel_tui.report import terminal as t
from corefeel_tui.text.inert import one_line, preview
from corefeel_tui.text.numbers import MISSING, plural, signed

SHOWN_ITEMS = 10
"""Items of a ranking that are listed."""


def print_edge(
    record: EdgeRecord, session: Path | None, suite: Path | None, kept: Sequence[str]
) -> None:
    """Every search and ladder of a record, and where things were saved."""
    print_edges(record)
    t.small_print(
        t.console(),
        "margins in nats, the log-odds of the first label",
        f"saved as {session}" if session else "not saved",
        f"{plural(len(kept), 'example')} added to {suite}" if suite else "",
    )


def print_edges(record: EdgeRecord) -> None:
    """Every search and ladder, then where the needles of every meter stood last."""
    out = t.console()
    for ladder in record.ladders.values():
        _print_ladder(out, ladder)
    for search in record.searches.values():
        _print_search(out, search)
    for meter in record.meters.values():
        if meter.latest:
            _print_needles(out, meter.latest, len(meter.trail))


def _print_needles(out: Console, latest: ev.Margins, revisions: int) -> None:
    out.print(t.line(("meter", "bold"), f"  {preview(latest.prompt, 80)}"))
    said = telling.labels(latest.probabilities)
    rows = [
        [name, said[name] or MISSING, signed(own) or MISSING]
        for name, own in latest.margins.items()
    ]
    out.print(t.table(("variant", "says", "margin"), rows, ("says",)))
    out.print(t.line((f"after {plural(revisions, 'revision')}", "dim")))
    for sentence in telling.called_out(latest):
        out.print(t.line(sentence))
    out.print()


def _print_search(out: Console, search: SearchRun) -> None:
    if search.ranked:
        _print_ranking(out, search.ranked)
    for item in search.items.values():
        _print_item(out, item)
        out.print()


def _print_ranking(out: Console, ranked: ev.Ranked) -> None:
    out.print(t.line((ranked.suite, "bold"), f" · the narrowest of {len(ranked.items)} items"))
    rows = [
        (str(row["item"]), str(row["label"] or MISSING), signed(row["margin"]))
        for row in ranked.items[: min(ranked.searched, SHOWN_ITEMS)]
    ]
    out.print(t.table(("item", "says", "margin"), rows, ("says",)))
    out.print()


def _print_item(out: Console, item: ItemSearch) -> None:
    started = item.started
    title = started.item or "prompt"
    out.print(t.line((title, "bold"), "  ", preview(started.prompt, 80)))
    if item.tried:
        base = item.tried[0]
        said = telling.labels(base.probabilities)
        out.print(t.line(f"{started.reference} says {said[started.reference]}"))
    if item.searched is None:
        out.print(t.line(("cut off", "dim")))
        return
    rows = [_variant_row(item, name) for name in item.searched.found]
    out.print(t.table(("variant", "margin", "", "there", "change"), rows, ("", "change")))
    out.print(t.line((f"tried {item.searched.tried} of {item.searched.bound}", "dim")))


def _variant_row(item: ItemSearch, name: str) -> list[str]:
    own = signed(item.tried[0].margins.get(name)) or MISSING
    found = item.found.get(name)
    if found is None:
        stays = "not reproduced" if item.searched and name in item.searched.unstable else "stays"
        return [name, own, stays, "", ""]
    changes = "; ".join(telling.describe_change(change) for change in found.changes)
    said = f"says {found.labels[name]} for {found.labels[item.started.reference]}"
    there = signed(found.margins.get(name))
    return [name, own, said, there, one_line(changes or "as it is", 100)]


def _print_ladder(out: Console, ladder: LadderRun) -> None:
    started = ladder.started
    if started is None:
        return
    if len(started.slots) > 1:
        _print_map(out, ladder, started)
        return
    rows = [
        [
            f"{place[0]}",
            *(_cell(cell, name) for name in started.variants),
            one_line(cell.fillers[0], 60),
        ]
        for place, cell in sorted(ladder.cells.items())
    ]
    out.print(t.table(("rung", *started.variants, "text"), rows, ("text",)))
    out.print()
    shifts = telling.shifts(ladder)
    for name, rung in telling.flips(ladder).items():
        out.print(t.line((name, "bold"), f" {_flip(rung, shifts.get(name))}"))
    out.print()


def _cell(cell: ev.RungMargin, name: str) -> str:
    label = telling.leading(cell.probabilities[name]) or MISSING
    return f"{label} {signed(cell.margins.get(name))}"


def _flip(rung: int | None, shift: int | None) -> str:
    if rung is None:
        return "never flips"
    moved = {None: "", 0: ", as the reference"}.get(shift)
    if moved is None and shift is not None:
        moved = f", {plural(abs(shift), 'rung')} {'later' if shift > 0 else 'earlier'}"
    return f"flips on rung {rung}{moved}"


def _print_map(out: Console, ladder: LadderRun, started: ev.EdgeStarted) -> None:
    first, second = (slot["fillers"] for slot in started.slots)
    cells = telling.disagreement(ladder)
    rows = [
        [one_line(str(row), 40), *(_agreement(cells.get((i, j))) for j in range(len(second)))]
        for i, row in enumerate(first)
    ]
    out.print(t.table(("", *(one_line(str(c), 24) for c in second)), rows))
    out.print()


def _agreement(names: list[str] | None) -> str:
    if names is None:
        return MISSING
    return ", ".join(names) or "agree"
