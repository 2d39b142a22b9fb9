"""Tables of Markdown: any rows, who answered what, needles by depth and length.

Knows sheets and the form of a table; chooses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from corefeel_tui.diagnostics import decisions, recall
from corefeel_tui.report.evaluation import Evaluation
from corefeel_tui.text.inert import inert


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar in a cell is kept from ending it."""
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    lines += ["| " + " | ".join(cell(x) for x in row) + " |" for row in rows]
    return "\n".join(lines)


def cell(text: str) -> str:
    """A cell's text."""
    return inert(text).replace("|", "\\|")


def confusions(evaluation: Evaluation) -> Iterator[str]:
    profile = evaluation.profile
    for sheet in profile.sheets:
        if not sheet.has_labels:
            continue
        yield f"## Who answered what: {cell(sheet.name)}"
        for variant in evaluation.evidence.variants:
            if variant not in sheet.variants:
                continue
            truth = decisions.confusion(sheet, variant)
            if truth:
                yield f"{cell(variant)}, rows what was right, columns what was given:"
                yield _matrix(truth, sheet.plan.labels)
            if variant in evaluation.evidence.judged:
                reference = evaluation.evidence.reference
                yield f"{cell(variant)}, rows what {cell(reference)} gave, columns its own answer:"
                yield _matrix(decisions.against_reference(sheet, variant), sheet.plan.labels)


def _matrix(confusion: decisions.Confusion, labels: Sequence[str]) -> str:
    given = {label for row in confusion.values() for label in row}
    order = [*labels, *sorted((given | set(confusion)) - set(labels))]
    columns = [label for label in order if label in given]
    rows = [
        (label, *(str(confusion[label].get(column, 0)) for column in columns))
        for label in order
        if label in confusion
    ]
    return table(("", *columns), rows)


def grids(evaluation: Evaluation) -> Iterator[str]:
    for sheet in evaluation.profile.sheets:
        if sheet.plan.kind != "recall":
            continue
        yield f"## Needles found, by depth and length: {cell(sheet.name)}"
        for variant in sheet.variants:
            if variant in evaluation.evidence.variants:
                yield f"{cell(variant)}:"
                yield _grid(recall.grid(sheet, variant))


def _grid(cells: dict[recall.Cell, tuple[int, int]]) -> str:
    def numeric(text: str) -> tuple[float, str]:
        return (float(text) if re.fullmatch(r"[\d.]+", text) else float("inf"), text)

    depths = sorted({depth for depth, _ in cells}, key=numeric)
    lengths = sorted({length for _, length in cells}, key=numeric)
    rows = [
        (depth, *("{} of {}".format(*cells.get((depth, length), (0, 0))) for length in lengths))
        for depth in depths
    ]
    return table(("depth \\ length", *lengths), rows)
