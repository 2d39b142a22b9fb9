"""Recall: whether needles hidden at a depth of a long text come back, paired over the grid.

Knows needle checks and the grid's keys; nothing of the haystack.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from corefeel_tui import statistics as st
from corefeel_tui.diagnostics.checks import holds
from corefeel_tui.diagnostics.measurement import Draft, Result, rate, shift
from corefeel_tui.diagnostics.reading import normalised
from corefeel_tui.diagnostics.sheet import Sheet
from corefeel_tui.evidence import ItemEvidence
from corefeel_tui.verdicts import spoken

Cell = tuple[str, str]
"""Depth and length, as written."""


def measure(sheet: Sheet, variant: str) -> Iterator[Result]:
    """The share found, the paired change stratified by length, and KL at the needle's tokens."""
    rows = [(item, hit(item, sheet.reference), hit(item, variant)) for item in sheet.items]
    known = [(item, base, own) for item, base, own in rows if base is not None and own is not None]
    strata: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for item, base, own in known:
        strata[str(item.group.get("length", ""))].append((base, own))
    p = st.stratified_mcnemar([_discordant(pairs) for pairs in strata.values()])
    yield rate("recall_rate", sum(own for _, _, own in known), len(known), p=p)
    if variant == sheet.reference:
        return
    yield shift("recall_shift", ((base, own) for _, base, own in known))
    found = [
        drift.roles["needle"]
        for item in sheet.items
        for drift in item.drift.get(variant, ())
        if "needle" in drift.roles
    ]
    if found:
        yield Draft("needle_kl_mean", [kl for _, kl, _ in found], [float(n) for n, _, _ in found])


def hit(item: ItemEvidence, variant: str) -> bool | None:
    """Whether every needle (else the expected text) stands in the answer; None without one."""
    given = item.given(variant)
    if not given:
        return None
    needles = [check for check in item.checks if check.kind == "needle"]
    if needles:
        return all(holds(needle, given[0]) for needle in needles)
    return normalised(item.expected or "") in normalised(spoken(given[0].text))


def _discordant(pairs: list[tuple[bool, bool]]) -> tuple[int, int]:
    return sum(b and not a for a, b in pairs), sum(a and not b for a, b in pairs)


def grid(sheet: Sheet, variant: str) -> dict[Cell, tuple[int, int]]:
    """(depth, length) → (found, asked)."""
    cells: dict[Cell, tuple[int, int]] = {}
    for item in sheet.items:
        found = hit(item, variant)
        if found is not None:
            cell = str(item.group.get("depth", "–")), str(item.group.get("length", "–"))
            hits, asked = cells.get(cell, (0, 0))
            cells[cell] = hits + found, asked + 1
    return cells
