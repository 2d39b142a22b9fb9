"""What an edge's events mean: labels, what is left of a margin, sentences about both.

Pure: knows the events' dictionaries and no stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corefeel_tui import events as ev
from corefeel_tui.edge.fold import LadderRun, ScanRun

THIN = 0.5
"""A variant that keeps less than this share of the reference's margin is called out."""

FINE = 0.05
"""Nats; a reference nearer to the edge than this has no margin to lose."""

Shares = Mapping[str, float | None]
"""Label → probability."""


def leading(shares: Shares) -> str | None:
    """The likeliest label; None where nothing is known, the first of equals."""
    known = {label: share for label, share in shares.items() if share is not None}
    return max(known, key=lambda label: known[label]) if known else None


def labels(probabilities: Mapping[str, Shares]) -> dict[str, str | None]:
    """What every model says."""
    return {name: leading(shares) for name, shares in probabilities.items()}


def left(probabilities: Mapping[str, Shares], reference: str) -> list[str]:
    """The variants whose likeliest label is not the reference's."""
    said = labels(probabilities)
    return [
        name
        for name, label in said.items()
        if name != reference and label is not None and label != said[reference]
    ]


def kept(margins: Mapping[str, float | None], variant: str, reference: str) -> float | None:
    """The share of the reference's margin that a variant has; below 0 on the other side.

    None where either is unknown, or the reference stands on the edge itself.
    """
    own, whole = margins.get(variant), margins.get(reference)
    if own is None or whole is None or abs(whole) < FINE:
        return None
    return own / whole


def called_out(event: ev.Margins) -> list[str]:
    """A sentence for every variant that disagrees, or has lost most of its margin."""
    said = labels(event.probabilities)
    sentences = [
        _called_out(event, name, said) for name in event.margins if name != event.reference
    ]
    return [sentence for sentence in sentences if sentence]


def _called_out(event: ev.Margins, name: str, said: Mapping[str, str | None]) -> str | None:
    own, right = said[name], said[event.reference]
    if own is None:
        return f"{name} gives no finite probability to any label"
    if own != right:
        return f"{name} says {own} where {event.reference} says {right}"
    share = kept(event.margins, name, event.reference)
    if share is None or share >= THIN:
        return None
    if share < 0:
        return f"{name} leans to {_nearer(event, name)} and still says {own}"
    return f"{name} has lost {1 - share:.0%} of its margin and still says {own}".replace("%", " %")


def _nearer(event: ev.Margins, name: str) -> str:
    first, second = event.readout["margin"]
    return str(first if (event.margins[name] or 0.0) > 0 else second)


def moves(word: ev.WordMargin, base: ev.Margins) -> dict[str, float | None]:
    """How much of every model's margin the part holds up: the whole's less that without it."""
    return {
        name: None if whole is None or without is None else whole - without
        for name, whole in base.margins.items()
        for without in (word.margins.get(name),)
    }


def spread(word: ev.WordMargin, base: ev.Margins) -> float:
    """The most that a variant's move differs from the reference's."""
    moved = moves(word, base)
    right = moved.get(base.reference)
    if right is None:
        return 0.0
    return max((abs(value - right) for value in moved.values() if value is not None), default=0.0)


def describe_change(change: Mapping[str, Any]) -> str:
    """A change of a search in words."""
    before, after = str(change["before"]).strip(), str(change["after"]).strip()
    match change["kind"]:
        case "drop":
            return f"dropped: {before}"
        case "reorder":
            return f"reordered: {after}"
    return f"“{before}” → “{after}”"


def sorted_words(scan: ScanRun, unit: str | None = None) -> list[ev.WordMargin]:
    """The parts on which variants differ most from the reference first."""
    base = scan.base
    if base is None:
        return []
    words = [word for word in scan.words if unit in (None, word.unit)]
    return sorted(words, key=lambda word: (-spread(word, base), word.start))


def heat(scan: ScanRun, variant: str, unit: str = "word") -> list[tuple[int, int, float]]:
    """(start, end, move) of every part of a unit, in the order of the prompt."""
    base = scan.base
    found = []
    for word in scan.words if base else ():
        moved = moves(word, base).get(variant) if base else None
        if word.unit == unit and moved is not None:
            found.append((word.start, word.end, moved))
    return sorted(found)


def flips(ladder: LadderRun) -> dict[str, int | None]:
    """The first rung on which a model does not say what the reference says on the mildest.

    None where that never comes, or (for a model's rungs not all there) has not come yet.
    """
    rungs = _rungs(ladder)
    if ladder.started is None or not rungs or 0 not in rungs:
        return {}
    start = leading(rungs[0].probabilities[ladder.started.reference])
    return {
        name: next(
            (i for i, rung in rungs.items() if leading(rung.probabilities[name]) != start), None
        )
        for name in ladder.started.variants
    }


def shifts(ladder: LadderRun) -> dict[str, int | None]:
    """Rungs by which a variant flips later (+) or earlier (−) than the reference; None if never."""
    rungs = flips(ladder)
    if ladder.started is None:
        return {}
    right = rungs.get(ladder.started.reference)
    return {
        name: None if rung is None or right is None else rung - right
        for name, rung in rungs.items()
        if name != ladder.started.reference
    }


def _rungs(ladder: LadderRun) -> dict[int, ev.RungMargin]:
    return {place[0]: cell for place, cell in sorted(ladder.cells.items()) if len(place) == 1}


def disagreement(ladder: LadderRun) -> dict[tuple[int, ...], list[str]]:
    """The variants that do not say what the reference says, by cell."""
    if ladder.started is None:
        return {}
    return {
        place: left(cell.probabilities, ladder.started.reference)
        for place, cell in sorted(ladder.cells.items())
    }
