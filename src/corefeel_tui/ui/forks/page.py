"""One healed fork as a page: what it was, both top-k lists, and the four texts from it on.

Pure: a folded run and a `healed` event in, content out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

from rich.cells import set_cell_size
from textual.content import Content

from corefeel_tui import forks
from corefeel_tui.events import JSON, Healed
from corefeel_tui.folding import Record, Run, Trajectory
from corefeel_tui.healing import MEANINGS, ForkLabel
from corefeel_tui.text.inert import inert, inert_lines, label_of
from corefeel_tui.text.numbers import change, plural, probability, signed
from corefeel_tui.ui.forks.differing import differing

COLOURS = {
    ForkLabel.TIE_BREAK: "$success",
    ForkLabel.DRIFT: "$warning",
    ForkLabel.VERDICT: "$error",
    ForkLabel.CUT_OFF: "$quiet",
}

WIDEST = 44
"""Columns one model's list needs at most."""


def page(record: Record, run: Run, healed: Healed, width: int) -> Content:
    """The whole page for so many columns."""
    lines = [
        Content.assemble(said(healed.label), f"  {meaning(healed.label)}"),
        *_verdicts(run, healed),
        Content(""),
        *_lists(record, healed, min(WIDEST, (width - 1) // 2)),
        *_odds(record, healed),
        Content(""),
        *_texts(record, run, healed, healed.variant, healed.reference),
        Content(""),
        *_texts(record, run, healed, healed.reference, healed.variant),
    ]
    return Content("\n").join(lines)


def said(label: str) -> Content:
    """The label, in its colour and in words."""
    colour = COLOURS.get(ForkLabel(label)) if label in list(ForkLabel) else None
    return Content.styled(inert(label), f"bold {colour or '$foreground'}")


def meaning(label: str) -> str:
    """What a label means."""
    return MEANINGS[ForkLabel(label)] if label in list(ForkLabel) else ""


def token(record: Record, id: int | None) -> str:
    """A token's text as a name."""
    return label_of(record.pieces.get(id, f"⟨{id}⟩")) if id is not None else "?"


def _verdicts(run: Run, healed: Healed) -> Iterator[Content]:
    for name in (healed.reference, healed.variant):
        side = healed.healed.get(name, {})
        was, now = side.get("was"), side.get("label")
        if was is None and now is None:
            continue
        own = run.trajectories[name].verdict if name in run.trajectories else None
        margin = f" {signed(own.margin)}" if own and own.margin is not None else ""
        changed = "stays" if was == now else f"becomes {inert(now or 'no verdict')}"
        parts = (f"{inert(name)} ", "$quiet"), f"{inert(was or 'no verdict')}{margin} {changed}"
        yield Content.assemble(*parts, " with the other's token")


# --- both lists -----------------------------------------------------------------------------------


def _lists(record: Record, healed: Healed, column: int) -> Iterator[Content]:
    names = (healed.reference, healed.variant)
    base = _probabilities(healed.top.get(healed.reference, {}))
    columns = [_list(record, healed, name, base, column) for name in names]
    for y in range(max(map(len, columns))):
        row = [lines[y] if y < len(lines) else Content(" " * column) for lines in columns]
        yield Content(" ").join(row)


def _list(
    record: Record, healed: Healed, name: str, base: dict[int, float], column: int
) -> list[Content]:
    """A model's head and its top-k, each line `column` cells wide."""
    own = _probabilities(healed.top.get(name, {}))
    ordered = list(own.values())
    gap = f"p1 − p2 {probability(ordered[0] - ordered[1])}" if len(ordered) > 1 else ""
    lines = [Content.styled(set_cell_size(f"{inert(name)} · {gap}", column), "bold")]
    for id, p in own.items():
        taken = healed.tokens.get(name) == id
        moved = change(p - base[id]) if name != healed.reference and id in base else ""
        numbers = f"{probability(p):>6} {moved:<5}"
        text = set_cell_size(("▸ " if taken else "  ") + token(record, id), column - len(numbers))
        style = "bold $accent" if taken else "$foreground"
        lines.append(Content.assemble((text, style), numbers))
    return lines


def _probabilities(top: JSON) -> dict[int, float]:
    pairs = zip(top.get("ids") or [], top.get("logprob") or [], strict=False)
    return {id: exp(logprob) for id, logprob in pairs}


def _odds(record: Record, healed: Healed) -> Iterator[Content]:
    """How far apart the two tokens are, for each model, and how far p moved."""
    first, second = (
        token(record, healed.tokens.get(name)) for name in (healed.reference, healed.variant)
    )
    leads = " · ".join(
        f"{inert(name)} {signed(forks.lead(healed, name))}"
        for name in (healed.reference, healed.variant)
    )
    moved = (
        f"Δp “{first}” {change(forks.moved(healed))}, “{second}” {change(forks.moved(healed, 1))}"
    )
    yield Content.assemble((f"log-odds of “{first}” over “{second}”  ", "$quiet"), leads)
    yield Content(moved)


# --- texts ----------------------------------------------------------------------------------------


def _texts(record: Record, run: Run, healed: Healed, name: str, other: str) -> Iterator[Content]:
    """What `other` wrote from the fork on, and `name` with its token, as changes of that."""
    side = healed.healed.get(name, {})
    theirs = rest(record, run.trajectories.get(other), healed.position)
    given = token(record, healed.tokens.get(other))
    yield Content.assemble((f"{inert(other)} wrote", "$quiet"))
    yield Content(inert_lines(theirs) or "∎")
    how = fell_in_step(side.get("rejoins") or {})
    yield Content.assemble((f"{inert(name)}, given “{given}”: ", "$quiet"), (how, "bold"))
    yield differing(theirs, str(side.get("text") or "")) or Content("∎")


def rest(record: Record, answer: Trajectory | None, position: int) -> str:
    """The exact text of an answer from a position on; by its tokens where that is unknown."""
    if answer is None:
        return ""
    before = record.text(answer.ids[:position])
    if answer.text is not None and answer.text.startswith(before):
        return answer.text[len(before) :]
    return record.text(answer.ids[position:])


def fell_in_step(rejoins: JSON) -> str:
    """A `healing.Rejoining` in words."""
    at, shift = rejoins.get("at"), int(rejoins.get("shift") or 0)
    if at is None:
        return "goes its own way" if rejoins.get("told") else "cut off too soon to tell"
    if at == 0:
        return "goes on the same"
    more = f", {abs(shift)} {'more' if shift > 0 else 'fewer'} by then" if shift else ""
    return f"goes on the same after {plural(at, 'token')}{more}"
