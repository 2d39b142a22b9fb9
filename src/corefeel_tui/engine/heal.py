"""The heal test on loaded models: the rows of many forks side by side, each given its token.

Knows models and lockstep rows; what a fork was is told in `engine.healing`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

from corefeel_tui import events as ev
from corefeel_tui.engine.branching import check_tokens
from corefeel_tui.engine.divergence import Distribution, describe, logprob, top_k
from corefeel_tui.engine.healing import Healing, tell
from corefeel_tui.engine.lockstep import Lockstep, Step
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.sampling import Sampling, make_picker
from corefeel_tui.engine.trajectories import PieceTexts, significant
from corefeel_tui.errors import UsageError
from corefeel_tui.forks import ForkCase

SIDE_BY_SIDE = 16
"""Forks healed at once: as many rows for the reference, and shares of them for the variants."""

Steps = Iterator[ev.Event | None]


def heal_steps(
    run: str,
    models: ModelSet,
    cases: Sequence[ForkCase],
    top: int,
    pieces: PieceTexts,
    cancelled: Callable[[], bool],
) -> Steps:
    """Every fork's `healed`, with progress; the command's `item_finished` last."""
    for case in cases:
        check_case(case, models)
    done = 0
    yield ev.Progress(run, done, len(cases), "forks")
    for sampling, alike in _by_sampling(cases).items():
        ordered = sorted(alike, key=_length)
        for first in range(0, len(ordered), SIDE_BY_SIDE):
            group = ordered[first : first + SIDE_BY_SIDE]
            tests = [_healing(case, models, i) for i, case in enumerate(group)]
            yield from _run(tests, models, sampling, top, cancelled)
            if cancelled():
                yield ev.ItemFinished(run, "cancelled")
                return
            for test in tests:
                yield from tell(run, test, models.tokenizer, pieces)
            done += len(group)
            yield ev.Progress(run, done, len(cases), "forks")
            yield None
    yield ev.ItemFinished(run)


def check_case(case: ForkCase, models: ModelSet) -> None:
    """Raises UsageError where a stored fork cannot be one of these models'."""
    check_tokens(case.prompt, models.vocabulary, "the stored prompt")
    for name in (case.reference, case.variant):
        check_tokens(case.ids[name], models.vocabulary, f"the stored answer of {name}")
        if not 0 <= case.position < len(case.ids[name]):
            raise UsageError(
                f"position {case.position} is past the end of the answer of {name}, which has "
                f"{len(case.ids[name])} tokens; choose an earlier one"
            )
    if not case.prompt or len(case.prompt) + case.position + 1 >= models.context:
        raise UsageError(
            f"the prompt and the answer up to the fork do not fit this model's context of "
            f"{models.context} tokens"
        )


def _by_sampling(cases: Sequence[ForkCase]) -> dict[Sampling, list[ForkCase]]:
    found: dict[Sampling, list[ForkCase]] = {}
    names = Sampling.__dataclass_fields__
    for case in cases:
        own = {k: v for k, v in case.sampling.items() if k in names}
        found.setdefault(Sampling(**own), []).append(case)
    return found


def _length(case: ForkCase) -> int:
    """About how long a fork runs on, so that those side by side end together."""
    return max(map(len, case.ids.values())) - case.position


def _healing(case: ForkCase, models: ModelSet, number: int) -> Healing:
    limit = int(case.sampling.get("max_tokens", max(map(len, case.ids.values()))))
    room = models.context - len(case.prompt)
    return Healing(case, str(number), max(1, min(limit, room) - case.position))


# --- running ------------------------------------------------------------------------------------


def _run(
    tests: Sequence[Healing],
    models: ModelSet,
    sampling: Sampling,
    top: int,
    cancelled: Callable[[], bool],
) -> Generator[None, None, None]:
    """Let all of them run to their ends."""
    taking = {name for test in tests for name in test.models}
    modules = {n: m.model for n, m in models.models.items() if n in taking}
    eos = set(models.tokenizer.eos_token_ids)
    lock = Lockstep(modules, models.reference, make_picker(sampling), crossed=False)
    by_run = {test.run: test for test in tests}
    for _ in lock.read([test.start for test in tests]):
        if cancelled():
            return
        yield None
    while lock.rows and not cancelled():
        step = lock.take()
        if step.position == 0:
            _look(step, by_run, top)
        ended = set()
        for (run, name), token in step.choice.items():
            by_run[run].take(name, token, eos)
            if name in by_run[run].reason or by_run[run].broken:
                ended.add((run, name))
        lock.advance(step.choice, ended)
        yield None


def _look(step: Step, tests: Mapping[str, Healing], top: int) -> None:
    """Note what every model thinks at its fork."""
    for name, logits in step.logits.items():
        distributions = describe(logits)
        for index, row in enumerate(step.scored[name]):
            _note(tests[row.run], name, distributions.row(index), top)


def _note(test: Healing, name: str, seen: Distribution, top: int) -> None:
    if not seen.confidence[0] > 0:
        test.broken = f"{name} gave no finite distribution at position {test.case.position}"
        return
    ids, logprobs = top_k(seen, top)
    test.top[name] = {"ids": ids[0].tolist(), "logprob": significant(logprobs[0].tolist())}
    both = [float(logprob(seen, [test.taken[model]])[0]) for model in test.models]
    test.logprob[name] = list(significant(both))
