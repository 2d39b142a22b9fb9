"""The forks of a session as a table and as an object: what each was, and how many of each kind.

Knows folded records; reads no file.
"""

from __future__ import annotations

from pathlib import Path

from corefeel_tui import forks
from corefeel_tui.events import JSON, Healed
from corefeel_tui.folding import Record
from corefeel_tui.healing import MEANINGS, ForkLabel
from corefeel_tui.report import terminal as t
from corefeel_tui.role_drift import fork_role, forks_by_role
from corefeel_tui.text.inert import label_of, one_line
from corefeel_tui.text.numbers import change, plural

HEADINGS = (
    "run",
    "variant",
    "at",
    "where",
    "reference",
    "its own",
    "Δp",
    "reference's verdict",
    "its verdict",
    "what",
)


def print_forks(record: Record, path: Path) -> None:
    """Every tested fork, then the tally."""
    out = t.console()
    tally = forks.tally(record)
    if not tally.labels:
        out.print(t.line(f"no answer in {path.name} leaves the reference's"))
        return
    if record.healed:
        rows = [_row(record, healed) for healed in record.healed.values()]
        out.print(t.table(HEADINGS, rows, set(HEADINGS) - {"at", "Δp"}))
        out.print()
    kinds = [label.value for label in ForkLabel]
    rows = [
        [variant, str(sum(counts.values())), *(str(counts.get(kind, 0)) for kind in kinds)]
        for variant, counts in tally.labels.items()
    ]
    out.print(t.table(("variant", "tested", *kinds), rows))
    roles = [
        [role, str(sum(counts.values())), *(str(counts.get(kind, 0)) for kind in kinds)]
        for role, counts in forks_by_role(record).items()
    ]
    if roles:
        out.print()
        out.print(t.table(("where", "tested", *kinds), roles))
    for label in ForkLabel:
        t.small_print(out, f"{label.value}: {MEANINGS[label]}")
    for reason, count in tally.reasons.items():
        t.small_print(out, f"{plural(count, 'fork')} not tested: {reason}")
    if tally.waiting:
        t.small_print(out, f"{plural(tally.waiting, 'fork')} not tested yet")


def verdicts(healed: Healed, model: str) -> str:
    """The label a model's answer carries, without → with the other's token."""
    side = healed.healed.get(model, {})
    was, now = side.get("was") or "none", side.get("label") or "none"
    if was == now:
        return "" if was == "none" else was
    return f"{was} → {now}"


def _row(record: Record, healed: Healed) -> list[str]:
    run = record.runs.get(healed.of)
    name = run.started.item or one_line(run.started.prompt, 28) if run else healed.of
    return [
        name,
        healed.variant,
        str(healed.position),
        fork_role(record, healed),
        label_of(record.pieces.get(healed.tokens[healed.reference], "?")),
        label_of(record.pieces.get(healed.tokens[healed.variant], "?")),
        change(forks.moved(healed)),
        verdicts(healed, healed.reference),
        verdicts(healed, healed.variant),
        healed.label,
    ]


def forks_as_dict(record: Record, path: Path) -> JSON:
    """What `corefeel forks --format json` prints."""
    tally = forks.tally(record)
    return {
        "session": str(path),
        "tally": tally.labels,
        "by_role": forks_by_role(record),
        "tested": tally.tested,
        "waiting": tally.waiting,
        "not_testable": tally.reasons,
        "forks": [_as_dict(record, healed) for healed in record.healed.values()],
    }


def _as_dict(record: Record, healed: Healed) -> JSON:
    run = record.runs.get(healed.of)
    return {
        "run": healed.of,
        "item": run.started.item if run else None,
        "variant": healed.variant,
        "position": healed.position,
        "role": fork_role(record, healed),
        "label": healed.label,
        "tokens": {
            model: {"id": id, "text": record.pieces.get(id)} for model, id in healed.tokens.items()
        },
        "logprob": healed.logprob,
        "delta_p": forks.moved(healed),
        "healed": {
            model: {key: side.get(key) for key in ("text", "reason", "was", "label", "rejoins")}
            for model, side in healed.healed.items()
        },
    }
