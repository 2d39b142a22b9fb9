"""One comparison told in text or as an object.

Knows the fold's record and its summaries; measures nothing.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from corefeel_tui.costs import remarks
from corefeel_tui.folding import Record, Run, Trajectory
from corefeel_tui.parts import parts
from corefeel_tui.report import terminal as t
from corefeel_tui.role_drift import run_by_role
from corefeel_tui.summaries import Summary, summarise
from corefeel_tui.text.inert import one_line
from corefeel_tui.text.numbers import MISSING, plural, short, signed

HEADINGS = (
    "variant", "bits", "verdict", "margin", "fork", "KL", "p99", "flips", "hard", "agree",
    "tokens", "own KL",
)  # fmt: skip


def run_as_dict(record: Record, run: Run, session: Path | None) -> dict[str, Any]:
    """A run as one JSON-able object; `locked` on the reference's answer, `free` on the own one."""
    started, loaded = run.started, record.loaded
    return {
        "session": str(session) if session else None,
        "model": loaded.model if loaded else None,
        "reference": started.reference,
        "prompt": started.prompt,
        "sampling": started.sampling,
        "status": run.finished.status if run.finished else None,
        "floors": loaded.floors if loaded else {},
        "variants": {name: _answer_as_dict(run, run.trajectories[name]) for name in order(run)},
        "by_role": {
            "locked": _roles_as_dict(record, run, locked=True),
            "free": _roles_as_dict(record, run, locked=False),
        },
    }


def _roles_as_dict(record: Record, run: Run, locked: bool) -> dict[str, Any]:
    """Variant → token role → positions, mean KL in nats, flips."""
    return {
        name: {
            role: {"positions": one.positions, "kl_mean": one.kl_mean, "flips": one.flips}
            for role, one in roles.items()
        }
        for name, roles in run_by_role(record, run, locked).items()
    }


def _answer_as_dict(run: Run, answer: Trajectory) -> dict[str, Any]:
    verdict = answer.verdict
    return {
        "text": answer.text,
        "reason": answer.reason,
        "tokens": len(answer.ids),
        "fork": answer.fork,
        "verdict": verdict and {"label": verdict.label, "margin": verdict.margin},
        "locked": _drift_as_dict(run, answer.name, locked=True),
        "free": _drift_as_dict(run, answer.name, locked=False),
    }


def _drift_as_dict(run: Run, name: str, locked: bool) -> dict[str, Any]:
    """A summary, and where the text has a thinking part those of the two parts."""
    found = parts(run, name, locked)
    apart = asdict(found) if found else {}
    return asdict(summarise(run, name, locked)) | apart


def order(run: Run) -> list[str]:
    """The variants, the reference first."""
    reference = run.started.reference
    return [reference, *(name for name in run.trajectories if name != reference)]


def print_run(record: Record, run: Run, session: Path | None) -> None:
    """Answers, then a table, then what it takes to read the table."""
    out = t.console()
    out.print(t.line(("> ", "bold"), one_line(run.started.prompt, 400)))
    for name in order(run):
        _print_answer(out, run, run.trajectories[name])
    out.print()
    out.print(t.table(HEADINGS, [_row(record, run, name) for name in order(run)], ("verdict",)))
    for told in record.loaded.variants if record.loaded else []:
        known = list(remarks(told, told.get("name") == run.started.reference))
        if known and told.get("name") in run.trajectories:
            t.small_print(out, str(told["name"]), *known)
    for name in order(run):
        if found := parts(run, name, locked=False):
            t.small_print(
                out, name, _part("thinking", found.thinking), _part("answer", found.answer)
            )
    sampling = run.started.sampling
    t.small_print(
        out,
        record.loaded.model if record.loaded else "",
        f"T {sampling.get('temperature', 0):g}",
        f"seed {sampling.get('seed', 0)}",
        f"floor {short(_floor(record))}",
        f"KL in nats on {run.started.reference}'s answer",
        f"saved as {session}" if session else "not saved",
    )


def _part(name: str, summary: Summary) -> str:
    """thinking 143 tokens, KL .03, 2 flips"""
    drift = f", KL {short(summary.kl_mean)}, {plural(summary.flips, 'flip')}"
    return f"{name} {plural(summary.positions, 'token')}{drift if summary.kl_mean else ''}"


def _print_answer(out: Console, run: Run, answer: Trajectory) -> None:
    reference = run.reference
    verdict = answer.verdict
    title: list[str | tuple[str, str]] = [(answer.name, "bold")]
    if answer is reference:
        title.append(" · reference")
    if verdict:
        title += ["  ", (verdict.label, "bold"), f" {signed(verdict.margin)}"]
        if reference.verdict and reference.verdict.label != verdict.label:
            title.append((f"  ‼ {reference.name} says {reference.verdict.label}", "bold red"))
    if answer.reason and answer.reason != "stop":
        title.append((f"  ({answer.reason})", "dim"))
    out.print()
    out.print(t.line(*title))
    if answer is not reference and answer.text is not None and answer.text == reference.text:
        out.print(t.line((f"the same words as {reference.name}", "dim italic")))
    else:
        out.print(t.body(answer.text or missing_text(answer)))


def missing_text(answer: Trajectory) -> str:
    """What stands for an answer whose end never came."""
    return f"({len(answer.ids)} tokens, cut off)" if answer.ids else "(no answer)"


def _row(record: Record, run: Run, name: str) -> list[str]:
    answer = run.trajectories[name]
    locked, free = summarise(run, name, locked=True), summarise(run, name, locked=False)
    floor = _floor(record)
    is_reference = name == run.started.reference
    verdict = answer.verdict
    return [
        name,
        _bits(record, name),
        verdict.label if verdict else MISSING,
        signed(verdict.margin) if verdict else MISSING,
        MISSING if answer.fork is None else str(answer.fork),
        MISSING if is_reference else t.above_floor(locked.kl_mean, floor),
        MISSING if is_reference else short(locked.kl_p99),
        MISSING if is_reference else str(locked.flips),
        MISSING if is_reference else str(locked.hard_flips),
        MISSING if is_reference else t.percent(locked.top1_agreement),
        str(len(answer.ids)),
        MISSING if is_reference else t.above_floor(free.kl_mean, floor),
    ]


def _bits(record: Record, name: str) -> str:
    variants = record.loaded.variants if record.loaded else []
    bits = next((v.get("bits_per_weight") for v in variants if v.get("name") == name), None)
    return MISSING if bits is None else f"{bits:.3g}"


def _floor(record: Record) -> float | None:
    """Mean KL of the reference against itself in another shape."""
    floors = record.loaded.floors if record.loaded else {}
    return floors.get("F1", {}).get("kl_mean")
