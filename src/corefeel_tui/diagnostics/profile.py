"""All diagnostics of a session: the profile, metric by metric, of every variant and its floor.

Knows which diagnostic belongs to which kind of suite; the measuring is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from corefeel_tui.arrays import pool
from corefeel_tui.diagnostics import (
    consistency,
    decisions,
    divergence,
    domains,
    recall,
    refusal,
    style,
    turns,
)
from corefeel_tui.diagnostics.collapse import collapsed
from corefeel_tui.diagnostics.measurement import Measurement, Result, settle
from corefeel_tui.diagnostics.sequential import SEQUENTIAL, Outcome, outcome
from corefeel_tui.diagnostics.sheet import Sheet, sheets
from corefeel_tui.evidence import Evidence

Diagnostic = Callable[[Sheet, str], Iterator[Result]]

BY_KIND: dict[str, tuple[Diagnostic, ...]] = {
    "verdicts": (decisions.measure,),
    "refusal": (decisions.measure, refusal.measure),
    "style": (style.measure, turns.measure),
    "reasoning": (consistency.measure,),
    "recall": (recall.measure,),
    "turns": (turns.measure,),
    "domains": (decisions.measure, domains.measure),
}
OTHER_KINDS: tuple[Diagnostic, ...] = (decisions.measure,)
"""What a suite of a user's own kind is measured by."""

Values = dict[str, Measurement]


@dataclass(frozen=True)
class Profile:
    """What was measured; `values` by variant and metric, the reference's own values included."""

    evidence: Evidence
    sheets: tuple[Sheet, ...]
    values: dict[str, Values]
    collapsed: dict[str, str]
    sequential: dict[str, dict[str, Outcome]] = field(default_factory=dict)
    """Variant → suite → the sequential test's answer, where a suite asked for one."""

    def critical(self, variant: str) -> decisions.Critical:
        """Forbidden answers over all suites."""
        return decisions.critical(self.sheets, variant)

    def critical_new(self, variant: str) -> decisions.Critical:
        """Forbidden answers where the reference was right."""
        return decisions.critical_new(self.sheets, variant)


def measure(evidence: Evidence, confidence: float = 0.95) -> Profile:
    """Everything the evidence can tell; `confidence` is that of resampled intervals."""
    made = tuple(sheets(evidence))
    models = (*evidence.variants, *evidence.floor_variants)
    plan = [
        (model, metric, result)
        for model in models
        for metric, result in _all(evidence, made, model)
    ]
    values: dict[str, Values] = {model: {} for model in models}
    settled = settle([result for _, _, result in plan], confidence)
    for (model, metric, _), measurement in zip(plan, settled, strict=True):
        values[model][metric] = replace(measurement, metric=metric)
    floors = _floors(evidence, values)
    for model in evidence.variants:
        for metric, found in values[model].items():
            if model != evidence.reference and metric in floors:
                values[model][metric] = replace(found, floor=floors[metric])
    base = values[evidence.reference]
    fallen = {
        x: rule
        for x in evidence.variants
        if x != evidence.reference and (rule := collapsed(values[x], base))
    }
    for stop in evidence.stopped:
        if stop.rule == "collapse":
            fallen[stop.variant] = f"{stop.reason}; stopped after {stop.items} items"
    kept = {model: values[model] for model in evidence.variants}
    return Profile(evidence, made, kept, fallen, _sequential(evidence, made))


def _sequential(evidence: Evidence, made: tuple[Sheet, ...]) -> dict[str, dict[str, Outcome]]:
    asked = [sheet for sheet in made if sheet.plan.sequential and sheet.has_labels]
    return {
        variant: {
            sheet.name: found
            for sheet in asked
            if variant in sheet.variants and (found := outcome(sheet, variant, SEQUENTIAL))
        }
        for variant in evidence.judged
    }


def _all(evidence: Evidence, made: tuple[Sheet, ...], model: str) -> Iterator[tuple[str, Result]]:
    """(full metric name, result) of one model."""
    items = [item for item in evidence.items if item.status == "finished"]
    pooled = pool(evidence, items, model) if model != evidence.reference else None
    for result in divergence.measure(items, evidence.reference, model, pooled):
        yield result.metric, result
    for sheet in made:
        if model in sheet.variants:
            for diagnostic in BY_KIND.get(sheet.plan.kind, OTHER_KINDS):
                for result in diagnostic(sheet, model):
                    yield f"{sheet.name}/{result.metric}", result


def _floors(evidence: Evidence, values: dict[str, Values]) -> dict[str, float]:
    """Metric → what it reads when nothing was quantized: measured here, else at load.

    Of several floors the one with the largest magnitude of change counts.
    """
    floors: dict[str, float] = {}
    for name, measured in evidence.floors.items():
        for metric, value in measured.items():
            if name != "F0" and isinstance(value, int | float) and metric in ("kl_mean", "kl_p99"):
                floors[metric] = max(floors.get(metric, 0.0), float(value))
    for model in reversed(evidence.floor_variants):
        for metric, found in values[model].items():
            if found.value is not None:
                floors[metric] = found.value
    return floors
