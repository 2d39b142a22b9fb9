"""Lines that show a confusion matrix per variant with its running bound on critical errors.

Pure: a tally in, lines out.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from corefeel_tui.text.inert import inert
from corefeel_tui.ui.batch.view import BatchView, Line

if TYPE_CHECKING:
    from corefeel_tui.batch_fold import Critical, SuiteProgress, Tally

UNPARSED = "UNPARSED"
CELL = 5
HEAD = 14
NARROWEST = 21
"""A block holds "12 of 137: < 13.9 %"."""


def suite_shown(tally: Tally, view: BatchView) -> SuiteProgress | None:
    """The suite whose matrix is shown: the chosen one, else one with results, best with dangers."""
    labelled = [suite for suite in tally.suites.values() if suite.labels]
    chosen = next((s for s in labelled if s.plan.name == view.suite), None)
    begun = [suite for suite in labelled if suite.done] or labelled
    dangerous = next((s for s in begun if s.plan.forbidden), None)
    return chosen or dangerous or next(iter(begun), None)


def labelled_suites(tally: Tally) -> list[str]:
    """Suites that have a matrix."""
    return [suite.plan.name for suite in tally.suites.values() if suite.labels]


def matrix_lines(tally: Tally, view: BatchView, width: int, rows: int = 0) -> list[Line]:
    """As many variants side by side as fit, from the view's first; more below while `rows` last."""
    suite = suite_shown(tally, view)
    if suite is None:
        return [[("quiet", " no suite of this batch has labels")]] if tally.suites else []
    names = shown_variants(tally, view)
    across = max(1, (width - HEAD) // _block_width(suite))
    column = _labels_column(suite)
    bands = max(1, min(ceil(len(names) / across), (rows - 1) // (len(column) + 1)))
    hidden = len(names) - bands * across
    more: Line = [("faint", f"  v: {hidden} more")] if hidden > 0 else []
    lines: list[Line] = [
        [("quiet", f" {suite.plan.base} · {view.against} ↓ given →"), *more],
    ]
    for band in range(bands):
        shown = names[band * across : (band + 1) * across]
        lines += [[]] if band else []
        lines += _joined(column, [_block(tally, suite, view, name) for name in shown])
    return lines


def shown_variants(tally: Tally, view: BatchView) -> list[str]:
    """The variants, turned so that the view's first comes first."""
    names = tally.others
    if view.against == "expected":  # the reference makes mistakes too, after all variants
        last = [name for name in names if name == tally.control]
        names = [*(name for name in names if name not in last), tally.reference, *last]
    at = view.first % len(names) if names else 0
    return names[at:] + names[:at]


def _block_width(suite: SuiteProgress) -> int:
    return max(NARROWEST, CELL * (len(suite.labels) + 1) + 1)


def _joined(column: list[Line], blocks: list[list[Line]]) -> list[Line]:
    rows = []
    for number, head in enumerate(column):
        line = list(head)
        for block in blocks:
            line += block[number]
        rows.append(line)
    return rows


def _labels_column(suite: SuiteProgress) -> list[Line]:
    words = ["", "critical new", "", *suite.labels, "unparsed"]
    return [[("quiet", f" {inert(word)[: HEAD - 2]:<{HEAD - 1}}")] for word in words]


def short_label(label: str) -> str:
    """A label at the head of a column."""
    return "?" if label == UNPARSED else inert(label)[: CELL - 1]


def _block(tally: Tally, suite: SuiteProgress, view: BatchView, variant: str) -> list[Line]:
    """Title, bound, column heads, one row a label, unparsed: all of one width."""
    width = _block_width(suite)
    tables = tally.expected_given if view.against == "expected" else tally.reference_given
    table = tables.get((suite.plan.name, variant), {})
    columns = (*suite.labels, UNPARSED)
    control = variant == tally.control
    bound = _bound(tally.critical_new.get(variant), control)
    if variant == tally.reference:
        bound = ("faint", "the reference")
    title = f"{inert(variant)}{': must fail' if control else ''}"[: width - 1]
    lines: list[Line] = [
        [("quiet" if control else "strong", title)],
        [bound],
        [("faint", "".join(f"{short_label(c):>{CELL}}" for c in columns))],
    ]
    forbidden = set(suite.plan.forbidden)
    lines += [
        [_cell(table.get((row, c), 0), row, c, forbidden, control) for c in columns]
        for row in suite.labels
    ]
    lines.append([_unparsed(tally, (suite.plan.name, variant))])
    return [_padded(line, width) for line in lines]


def _cell(
    count: int, row: str, column: str, forbidden: set[tuple[str, str]], control: bool
) -> tuple[str, str]:
    if not count:
        return "faint", f"{'·':>{CELL}}"
    if (row, column) in forbidden:
        return "warn" if control else "alarm", f"{'‼' + str(count):>{CELL}}"
    return "quiet" if row == column else "warn", f"{count:>{CELL}}"


def _bound(critical: Critical | None, control: bool) -> tuple[str, str]:
    if critical is None or not critical.eligible:
        return "faint", "none eligible yet"
    tone = "quiet" if control else "error" if critical.count else "text"
    upper = 100 * (critical.upper95 or 0.0)
    return tone, f"{critical.count} of {critical.eligible}: < {upper:.1f} %"


def _unparsed(tally: Tally, where: tuple[str, str]) -> tuple[str, str]:
    count, of = tally.unparsed[where], tally.decided[where]
    return ("warn" if count else "quiet"), f"{count} of {of}"


def _padded(line: Line, width: int) -> Line:
    used = sum(len(text) for _, text in line)
    return [*line, ("text", " " * (width - used))]
