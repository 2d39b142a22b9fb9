"""Forks of recorded runs, ready to be tested: which there are, which cannot be, how they came out.

Pure: folded runs in, cases and counts out; no model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from math import exp
from typing import Any

from corefeel_tui.errors import UsageError
from corefeel_tui.events import JSON, Healed, Loaded
from corefeel_tui.evidence import CONTROL, FLOOR
from corefeel_tui.folding import Record, Run, Trajectory
from corefeel_tui.healing import carried

Place = tuple[str, str]
"""(run, variant): a variant leaves the reference's answer once."""


@dataclass(frozen=True, slots=True)
class ForkCase:
    """One fork as the engine needs it: what was read, both answers, and how they were drawn.

    `ended` and `was` map both models to whether its answer ended by itself, and to the label it
    carries; `rule` is the run's verdict rule, `sampling` and `noise` are those of `started`, and
    `origin` tells which models that was (`origin_of`).
    """

    of: str
    reference: str
    variant: str
    position: int
    prompt: list[int]
    ids: dict[str, list[int]]
    ended: dict[str, bool]
    was: dict[str, str | None]
    rule: JSON | None = None
    sampling: JSON = field(default_factory=dict)
    noise: list[int] = field(default_factory=list)
    origin: JSON = field(default_factory=dict)

    def as_dict(self) -> JSON:
        """A JSON-able description."""
        return asdict(self)


def forked(run: Run) -> list[str]:
    """The variants whose answer left the reference's; the control and the floors are none."""
    return [
        name
        for name, own in run.trajectories.items()
        if own.fork is not None and name != CONTROL and not name.startswith(FLOOR)
    ]


def case_of(run: Run, variant: str) -> ForkCase:
    """The fork between a variant and the reference.  Raises UsageError where none can be tested."""
    reason = untestable(run, variant)
    if reason:
        raise UsageError(reason)
    started, own = run.started, run.trajectories[variant]
    assert own.fork is not None
    both = {started.reference: run.reference, variant: own}
    return ForkCase(
        of=started.run,
        reference=started.reference,
        variant=variant,
        position=own.fork,
        prompt=started.prompt_ids[started.reference],
        ids={name: list(answer.ids) for name, answer in both.items()},
        ended={name: answer.reason == "stop" for name, answer in both.items()},
        was={name: _carried(answer, started.verdict) for name, answer in both.items()},
        rule=started.verdict,
        sampling=started.sampling,
        noise=started.noise,
        origin=origin_of(run.loaded),
    )


def untestable(run: Run, variant: str) -> str:
    """Why a variant's fork cannot be tested, in a sentence; "" if it can."""
    started, own = run.started, run.trajectories.get(variant)
    if own is None or own.fork is None:
        return f"{variant} does not leave the reference's answer here; choose one that does"
    if own.text is None or run.reference.text is None:
        return "the answers are still being written; wait for their end"
    if started.reference not in started.prompt_ids:
        return "this run was recorded without the tokens of its prompt; ask it again"
    if (
        started.prompt_ids.get(variant, started.prompt_ids[started.reference])
        != (started.prompt_ids[started.reference])
    ):
        return f"{variant} had read another conversation; only forks of one context can be healed"
    if own.fork >= min(len(own.ids), len(run.reference.ids)):
        return "one answer breaks off before the fork, so there is no token to force"
    return ""


def _carried(answer: Trajectory, rule: JSON | None) -> str | None:
    return carried(answer.text or "", answer.reason or "cancelled", rule)


def all_forks(record: Record) -> Iterator[Place]:
    """Every fork of a record, run by run."""
    for name, run in record.runs.items():
        yield from ((name, variant) for variant in forked(run))


def testable(record: Record) -> list[Place]:
    """The forks that can be tested and have not been."""
    return [
        (name, variant)
        for name, variant in all_forks(record)
        if (name, variant) not in record.healed and not untestable(record.runs[name], variant)
    ]


# --- what a healed fork says ---------------------------------------------------------------------


def moved(healed: Healed, token: int = 0) -> float | None:
    """Δp at the fork: the variant's probability of a token less the reference's.

    Token 0 is the one the reference took, 1 the variant's.
    """
    theirs, own = healed.logprob.get(healed.reference), healed.logprob.get(healed.variant)
    before, after = (theirs or [None, None])[token], (own or [None, None])[token]
    return None if before is None or after is None else exp(after) - exp(before)


def lead(healed: Healed, model: str) -> float | None:
    """Log-odds (nats) that a model gives the reference's token over the variant's."""
    first, second = healed.logprob.get(model) or (None, None)
    return None if first is None or second is None else first - second


# --- which models -------------------------------------------------------------------------------


def origin_of(loaded: Loaded | None) -> JSON:
    """What a session's runs were made with: content of the model, treatment of each variant."""
    if loaded is None:
        return {}
    treatments = {str(v.get("name")): str(v.get("treatment")) for v in loaded.variants}
    return {"model": loaded.model, "fingerprint": loaded.fingerprint, "treatments": treatments}


def refuse_foreign(origin: Mapping[str, Any], now: Loaded, names: Iterable[str]) -> None:
    """Raises UsageError unless the models loaded now are those that `origin` tells of."""
    here = origin_of(now)
    if origin.get("fingerprint", here["fingerprint"]) != here["fingerprint"]:
        raise UsageError(
            f"this run was made with another model ({origin.get('model')}, loaded is {now.model}); "
            "open that model to go on from it"
        )
    for name in names:
        if name not in here["treatments"]:
            raise UsageError(f"{name} is not loaded; load it with --variants to go on from its run")
        before = origin.get("treatments", {}).get(name, here["treatments"][name])
        if before != here["treatments"][name]:
            raise UsageError(
                f"{name} was {before} in this run and is {here['treatments'][name]} now; load the "
                "same variants to go on from it"
            )


def made_by(record: Record, places: Iterable[Place], now: Loaded) -> list[Place]:
    """The forks between models that are loaded now, of all those places.

    Raises UsageError where there are places and none is, naming the first one's reason.
    """
    found, reason = [], ""
    for run, variant in places:
        names = (record.runs[run].started.reference, variant)
        try:
            refuse_foreign(origin_of(record.runs[run].loaded), now, names)
        except UsageError as error:
            reason = reason or str(error)
        else:
            found.append((run, variant))
    if reason and not found:
        raise UsageError(reason)
    return found


# --- tally --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tally:
    """Forks by variant and label; `reasons` counts those that cannot be tested, by sentence."""

    labels: dict[str, dict[str, int]]
    waiting: int
    reasons: dict[str, int]

    @property
    def tested(self) -> int:
        """Forks that have a label."""
        return sum(sum(counts.values()) for counts in self.labels.values())


def tally(record: Record) -> Tally:
    """The forks of a whole session as they stand."""
    labels: dict[str, Counter[str]] = {}
    reasons: Counter[str] = Counter()
    waiting = 0
    for name, variant in all_forks(record):
        healed: Healed | None = record.healed.get((name, variant))
        counts = labels.setdefault(variant, Counter())
        if healed is not None:
            counts[healed.label] += 1
        elif reason := untestable(record.runs[name], variant):
            reasons[reason] += 1
        else:
            waiting += 1
    return Tally({v: dict(c) for v, c in labels.items()}, waiting, dict(reasons))
