"""One fork under test: what each model writes with the other's token, and what that says of it.

Knows fork cases, token ids and a detokenizer; no model and no cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from corefeel_tui import events as ev
from corefeel_tui import healing
from corefeel_tui.engine.lockstep import Start
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.forks import ForkCase


@dataclass(slots=True)
class Healing:
    """One fork under test: what each model writes from its forced token on."""

    case: ForkCase
    run: str
    budget: int
    ids: dict[str, list[int]] = field(default_factory=dict)
    reason: dict[str, str] = field(default_factory=dict)
    top: dict[str, ev.JSON] = field(default_factory=dict)
    logprob: dict[str, list[float | None]] = field(default_factory=dict)
    broken: str = ""

    @property
    def models(self) -> tuple[str, str]:
        """The reference, the variant."""
        return self.case.reference, self.case.variant

    @property
    def taken(self) -> dict[str, int]:
        """The token each model took at the fork."""
        return {name: self.case.ids[name][self.case.position] for name in self.models}

    @property
    def forced(self) -> dict[str, list[int]]:
        """The token each model is given: the other's."""
        reference, variant = self.models
        return {reference: [self.taken[variant]], variant: [self.taken[reference]]}

    @property
    def start(self) -> Start:
        """How its rows begin: all that was read and written before the fork."""
        context = [*self.case.prompt, *self.case.ids[self.case.reference][: self.case.position]]
        noise = self.case.noise or [0, 0]
        return Start(
            run=self.run,
            prompts=dict.fromkeys(self.models, context),
            key=(noise[0], noise[1]),
            forced=self.forced,
            answered=self.case.position,
        )

    def take(self, name: str, token: int, eos: set[int]) -> None:
        """Add a model's token; notes in `reason` when its text has ended."""
        own = self.ids.setdefault(name, [])
        own.append(token)
        if token in eos:
            self.reason[name] = "stop"
        elif len(own) >= self.budget:
            self.reason[name] = "length"


def tell(run: str, test: Healing, tokenizer: Any, pieces: PieceTexts) -> Iterator[ev.Event]:
    """The fork's `healed`, after the texts of its tokens; `failed` where a model broke."""
    case = test.case
    if test.broken:
        yield ev.Failed(test.broken, run=run, variant=case.variant)
        return
    reference, variant = test.models
    eos = set(tokenizer.eos_token_ids)
    told = {
        reference: _told(test, reference, variant, eos, tokenizer),
        variant: _told(test, variant, reference, eos, tokenizer),
    }
    ways = {name: healing.Rejoining(**told[name]["rejoins"]) for name in told}
    changed = any(side["was"] != side["label"] for side in told.values())
    shown = {id for own in test.top.values() for id in own["ids"]}
    shown |= {id for ids in test.ids.values() for id in ids}
    if fresh := pieces.fresh(shown):
        yield ev.Pieces(fresh)
    yield ev.Healed(
        run=run,
        of=case.of,
        reference=reference,
        variant=variant,
        position=case.position,
        label=healing.label(ways[variant], ways[reference], changed).value,
        tokens=test.taken,
        top=test.top,
        logprob=test.logprob,
        healed=told,
    )


def _told(test: Healing, name: str, other: str, eos: set[int], tokenizer: Any) -> ev.JSON:
    """What a model wrote with the other's token, and how that compares."""
    case, ids = test.case, test.ids[name]
    before = case.ids[case.reference][: case.position]
    text, whole = _texts(tokenizer, before, [id for id in ids if id not in eos])
    healed = _continuation(ids, test.reason[name] == "stop", eos)
    theirs = _continuation(case.ids[other][case.position :], case.ended[other], eos)
    return {
        "ids": ids,
        "text": text,
        "reason": test.reason[name],
        "label": healing.carried(whole, test.reason[name], case.rule),
        "was": case.was[name],
        "rejoins": asdict(healing.rejoin(healed, theirs)),
    }


def _continuation(ids: Sequence[int], ended: bool, eos: set[int]) -> healing.Continuation:
    """What follows a fork's token; an end-of-sequence token is an end, not a token."""
    plain = [id for id in ids if id not in eos]
    stopped_at_once = bool(ids) and ids[0] in eos
    return healing.Continuation(plain if stopped_at_once else plain[1:], ended)


def _texts(tokenizer: Any, before: Sequence[int], after: Sequence[int]) -> tuple[str, str]:
    """The text of `after`, and of all."""
    detokenizer = tokenizer.detokenizer
    for id in before:
        detokenizer.add_token(id)
    start = len(detokenizer.text)
    for id in after:
        detokenizer.add_token(id)
    detokenizer.finalize()
    whole = str(detokenizer.text)
    return whole[start:], whole
