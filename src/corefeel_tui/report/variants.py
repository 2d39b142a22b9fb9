"""A set of models told in text: what it would take, or what it turned out to be.

Knows what `planned_set` and `loaded` say of each; measures nothing.
"""

from __future__ import annotations

from rich.console import Console

from corefeel_tui.costs import Cost, costs
from corefeel_tui.events import JSON, Loaded, PlannedSet
from corefeel_tui.report import terminal as t
from corefeel_tui.text.numbers import MISSING, plural, short, times, whole

HEADINGS = (
    "variant", "treatment", "bits", "stored", "of bf16", "resident", "tok/s", "speed", "prefill",
    "execution", "note",
)  # fmt: skip
PLANNED = tuple(heading for heading in HEADINGS if heading not in ("tok/s", "speed", "prefill"))
"""Without the speeds, which only a load can measure."""
WORDS = ("treatment", "execution", "note")


def print_variants(loaded: Loaded) -> None:
    """A table of the variants, then the floors they are measured against."""
    out = t.console()
    _print_table(out, HEADINGS, loaded.variants, loaded.reference)
    floors = (f"{name} {short(data.get('kl_mean'))}" for name, data in loaded.floors.items())
    t.small_print(
        out,
        loaded.model,
        f"context {loaded.context}",
        *floors,
        f"loaded in {loaded.seconds:.1f} s",
        f"speeds are solo, and beside {loaded.reference}'s",
    )


def print_plan(plan: PlannedSet) -> None:
    """A table of the variants, what all take together, and whether there is room."""
    out = t.console()
    _print_table(out, PLANNED, plan.variants, plan.reference)
    size = t.bytes_short
    t.small_print(
        out,
        f"{plan.model}: models {size(plan.models_bytes)}",
        f"cache {size(plan.cache_bytes)} and logits {size(plan.logits_bytes)} for "
        f"{plural(plan.length, 'token')} in {plural(plan.rows, 'row')}",
        f"making a variant {size(plan.making_bytes)} for a while",
    )
    verdict = "fits" if plan.fits else "does not fit"
    out.print(
        t.line(
            (verdict, "bold"),
            f": {size(plan.needed_bytes)} at most, of {size(plan.usable_bytes)} of {plan.source} "
            f"({size(plan.reserve_bytes)} more stay in reserve)",
        ),
        soft_wrap=True,
    )
    for sentence in plan.advice:
        out.print(t.line(sentence), soft_wrap=True)


def _print_table(
    out: Console, headings: tuple[str, ...], variants: list[JSON], reference: str
) -> None:
    told = zip(variants, costs(variants, reference), strict=True)
    rows = [[_cells(data, cost)[heading] for heading in headings] for data, cost in told]
    named = [h.replace("bf16", reference) for h in headings]
    out.print(t.table(named, rows, WORDS))
    for data in variants:
        for note in data.get("notes") or []:
            t.small_print(out, f"{data.get('name')}: {note}")


def _cells(data: JSON, cost: Cost) -> dict[str, str]:
    """Heading → text of one model."""
    return {
        "variant": cost.name,
        "treatment": str(data.get("treatment", MISSING)),
        "bits": short(cost.bits_per_weight),
        "stored": t.bytes_short(cost.bytes),
        "of bf16": MISSING if cost.size_ratio is None else f"{100 * cost.size_ratio:.0f} %",
        "resident": t.bytes_short(cost.resident_bytes),
        "tok/s": whole(cost.decode),
        "speed": times(cost.decode_ratio),
        "prefill": whole(cost.prefill),
        "execution": str(data.get("execution", MISSING)),
        "note": _note(data, cost),
    }


def _note(data: JSON, cost: Cost) -> str:
    """What a reader must know before believing the row."""
    if failure := data.get("failure"):
        return str(failure)
    notes = ["reference"] if cost.is_reference else []
    notes += [] if data.get("included", True) else ["left out"]
    return ", ".join([*notes, *cost.remarks])
