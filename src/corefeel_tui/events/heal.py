"""Events of the heal test: what became of a fork when each side was given the other's token."""

from __future__ import annotations

from dataclasses import dataclass, field

from .wire import JSON, Event


@dataclass(frozen=True, slots=True)
class Healed(Event):
    """One fork of run `of`, between the reference's answer and `variant`'s at `position`.

    `label` is a `healing.ForkLabel`; `tokens` maps both models to the token each took, `top` to its
    top-k there ({"ids", "logprob"}), and `logprob` to its log-probabilities of the reference's and
    the variant's token, in this order.  `healed` maps both models to what they wrote with the
    other's token: ids (that token first), text (from it on), reason (stop or length), label and
    was (the label carried with and without it, or null), and rejoins, shift and told, a
    `healing.Rejoining`.  `run` is the command's.
    """

    name = "healed"
    run: str
    of: str
    reference: str
    variant: str
    position: int
    label: str
    tokens: dict[str, int]
    top: dict[str, JSON]
    logprob: dict[str, list[float | None]]
    healed: dict[str, JSON] = field(default_factory=dict)
