"""A set of models told in text: what it would take, or what it turned out to be.

Knows what `planned_set` and `loaded` say of each; measures nothing.
"""

from __future__ import annotations

from corefeel_tui.events import JSON, Loaded, PlannedSet
from corefeel_tui.report import terminal as t
from corefeel_tui.text.numbers import MISSING, plural, short

HEADINGS = ("variant", "treatment", "bits", "stored", "resident", "tok/s", "execution", "note")
NAMED = 2
"""So many skipped modules are named; of more, the first and how many there are."""


def print_variants(loaded: Loaded) -> None:
    """A table of the variants, then the floors they are measured against."""
    out = t.console()
    rows = [_row(data, loaded.reference) for data in loaded.variants]
    out.print(t.table(HEADINGS, rows, ("treatment", "execution", "note")))
    floors = (f"{name} {short(data.get('kl_mean'))}" for name, data in loaded.floors.items())
    t.small_print(
        out, loaded.model, f"context {loaded.context}", *floors, f"loaded in {loaded.seconds:.1f} s"
    )


def print_plan(plan: PlannedSet) -> None:
    """A table of the variants, what all take together, and whether there is room."""
    out = t.console()
    rows = [_row(data, plan.reference) for data in plan.variants]
    without_speed = [row[:5] + row[6:] for row in rows]
    headings = HEADINGS[:5] + HEADINGS[6:]
    out.print(t.table(headings, without_speed, ("treatment", "execution", "note")))
    for data in plan.variants:
        for note in data.get("notes") or []:
            t.small_print(out, f"{data.get('name')}: {note}")
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


def _row(data: JSON, reference: str) -> list[str]:
    speed = data.get("tokens_per_second")
    return [
        str(data.get("name")),
        str(data.get("treatment", MISSING)),
        short(data.get("bits_per_weight")),
        t.bytes_short(data.get("bytes")),
        t.bytes_short(data.get("resident_bytes")),
        MISSING if speed is None else f"{speed:.0f}",
        str(data.get("execution", MISSING)),
        _note(data, reference),
    ]


def _note(data: JSON, reference: str) -> str:
    """What a reader must know before believing the row."""
    if failure := data.get("failure"):
        return str(failure)
    notes = ["reference"] if data.get("name") == reference else []
    notes += ["identical to the reference"] if data.get("identical") else []
    notes += [] if data.get("included", True) else ["left out"]
    notes += ["emulated"] if data.get("emulated") else []
    if (skipped := data.get("skipped")) and data.get("name") != reference:
        named = ", ".join(skipped[:NAMED] if len(skipped) <= NAMED else skipped[:1])
        more = f" and {len(skipped) - 1} more" if len(skipped) > NAMED else ""
        notes.append(f"not quantized: {named}{more}")
    return ", ".join(notes)
