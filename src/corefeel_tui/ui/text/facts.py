"""What a pane's frame says: name, drift, verdict against the reference's, cost.

Pure: a record in, small frozen facts out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corefeel_tui.costs import EMULATED, remarks, speed_mark, speeds
from corefeel_tui.events import Verdict
from corefeel_tui.folding import Record, Run
from corefeel_tui.summaries import Summary, summarise
from corefeel_tui.text.inert import inert
from corefeel_tui.text.numbers import MISSING, percent, plural, rate, short, signed, size
from corefeel_tui.ui.text.cells import View

UNPARSED = "UNPARSED"
"""As `verdicts` spells it; importing that costs a regex engine before the first paint."""

LOSS_SHOWN = 0.05
"""Changes of the margin smaller than this fraction go unmentioned."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A verdict at a glance.  `tone`: "" | "weak" (margin lost) | "alarm" (another verdict)."""

    label: str = ""
    margin: str = ""
    note: str = ""
    tone: str = ""
    provisional: bool = False


def floor_of(record: Record) -> float | None:
    """Mean KL that reads from batching alone, F1."""
    floors = record.loaded.floors if record.loaded else {}
    value = floors.get("F1", {}).get("kl_mean")
    return float(value) if value is not None else None


def broken_floor(record: Record) -> bool:
    """Whether an identical rerun differed: nothing measured here can be trusted then."""
    floors = record.loaded.floors if record.loaded else {}
    return bool(floors.get("F0", {}).get("kl_max"))


def description(record: Record, name: str) -> dict[str, Any]:
    """What was told of a model."""
    return next((v for v in record.variants if v.get("name") == name), {})


def drift(kl: float | None, floor: float | None) -> str:
    """KL in words: below the floor there is nothing to tell apart."""
    if kl is None:
        return f"KL {MISSING}"
    if kl == 0:
        return "KL 0"
    return "KL ≈ 0" if floor is not None and kl <= floor else f"KL {short(kl)}"


def titles(
    run: Run | None, name: str, reference: str, view: View, floor: float | None
) -> tuple[str, ...]:
    """name · KL · flips, longest form first."""
    shown = inert(name)
    if name == reference:
        return f"{shown} · reference", shown
    if run is None or name not in run.trajectories:
        return (shown,)
    summary = summarise(run, name, view is View.LOCKED)
    if not summary.positions:
        return (shown,)
    kl, flips = drift(summary.kl_mean, floor), plural(summary.flips, "flip")
    bare = kl.removeprefix("KL ")
    return f"{shown} · {kl} · {flips}", f"{shown} · {bare} · {flips}", f"{shown} · {kl}", shown


def subtitles(record: Record, name: str) -> tuple[str, ...]:
    """Solo speeds and bytes, longest form first; what is emulated has no speed of its own."""
    told = description(record, name)
    decode, prefill = speeds(told)
    shown = rate(decode) and rate(decode) + speed_mark(told)
    stored, resident, coverage = (told.get(k) for k in ("bytes", "resident_bytes", "kv_coverage"))
    long = (
        EMULATED if told.get("emulated") else shown,
        f"prefill {prefill:.0f}" if prefill else "",
        f"cache in {coverage}" if coverage else "",
        size(stored) if stored else "",
        f"{size(resident)} in memory" if resident else "",
    )
    brief = ("emulated" if told.get("emulated") else shown, size(stored) if stored else "")
    forms = (long, long[:4], (long[0], long[3]), brief, brief[:1])
    return tuple(" · ".join(part for part in form if part) for form in forms)


def badge(run: Run, name: str, view: View) -> Badge:
    """The verdict of one pane against the reference's."""
    base = run.reference.verdict
    if view is View.LOCKED and name != run.started.reference:
        return _locked(base, name) if base else _plain(run, name, view)
    own = run.trajectories[name].verdict
    if own is None and base is not None and run.trajectories[name].text is not None:
        return Badge("no verdict", "", f"‼ was {base.label}", "alarm")
    if own is None or (own.label == UNPARSED and not own.margins and own.provisional):
        return _plain(run, name, view)
    margin = signed(own.margin)
    if name == run.started.reference or base is None:
        return Badge(own.label, margin, _why(own), "", own.provisional)
    if own.label != base.label:
        return Badge(own.label, margin, f"‼ was {base.label}", "alarm", own.provisional)
    note, tone = _loss(base.margin, own.margin)
    return Badge(own.label, margin, note or _why(own), tone, own.provisional)


def _locked(base: Verdict, name: str) -> Badge:
    """The reference's verdict with the margin the variant gave it at the same position."""
    margin = base.margins.get(name)
    if margin is not None and base.margin is not None and margin * base.margin < 0:
        return Badge(base.label, signed(margin), "‼ leans away", "alarm", base.provisional)
    note, tone = _loss(base.margin, margin)
    return Badge(base.label, signed(margin), note, tone, base.provisional)


def _why(verdict: Verdict) -> str:
    return inert(verdict.reason or "") if verdict.label == UNPARSED else ""


def _loss(reference: float | None, own: float | None) -> tuple[str, str]:
    """How much of the reference's margin is left."""
    if reference is None or own is None or reference * own <= 0:
        return "", ""
    lost = 1 - own / reference
    if abs(lost) < LOSS_SHOWN:
        return "", ""
    return (f"▼{percent(lost)}", "weak") if lost > 0 else (f"▲{percent(-lost)}", "")


def _plain(run: Run, name: str, view: View) -> Badge:
    """Without a verdict the badge tells where the texts part."""
    own = run.trajectories[name]
    failures = [f.reason for f in run.failures if f.variant in (name, None)]
    if failures and own.text is None:
        return Badge("failed", "", inert(failures[0]), "alarm")
    if name == run.started.reference or not own.ids:
        return Badge(
            "", "", {"length": "cut at the limit", "cancelled": "stopped"}.get(own.reason or "", "")
        )
    if view is View.LOCKED:
        agreement = summarise(run, name, True).top1_agreement
        return Badge("", "", f"agrees on {percent(agreement)}")
    if own.fork is None:
        return Badge("", "", "same text")
    return Badge("", "", f"⑂ differs from token {own.fork}")


def summaries(run: Run, view: View) -> list[Summary]:
    """One row per model, the reference first."""
    names = [run.started.reference, *(n for n in run.trajectories if n != run.started.reference)]
    return [summarise(run, name, view is View.LOCKED) for name in names]


def about(record: Record, name: str) -> list[str]:
    """What a model costs and how it was treated, for a pane with nothing to show yet."""
    told = description(record, name)
    if not told:
        return []
    bits, resident = told.get("bits_per_weight"), told.get("resident_bytes")
    decode, prefill = speeds(told)
    lines = [
        f"{bits:.3g} bits per weight" if bits else "",
        f"{size(told.get('bytes'))} stored",
        f"{size(resident)} in memory" if resident else "",
        f"{rate(decode)}{speed_mark(told)} answering" if decode else "",
        f"{rate(prefill)}{speed_mark(told)} reading" if prefill else "",
        *remarks(told, name == (record.loaded.reference if record.loaded else "")),
        *(told.get("notes") or ()),
    ]
    return [inert(line) for line in lines if line]


def execution(record: Record) -> str:
    """How variants are computed here, and on what."""
    if record.engine:
        return f"{record.engine.execution}: {record.engine.backend.upper()}"
    told = record.loaded.variants[-1] if record.loaded and record.loaded.variants else {}
    return str(told.get("execution") or "")
