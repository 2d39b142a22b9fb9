"""Events of one comparison: its answers, token by token, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from .wire import JSON, Event


@dataclass(frozen=True, slots=True)
class Started(Event):
    """A run begins.  `prompt` is what the user typed; `messages` the whole chat sent.

    `sampling` holds temperature, top_p, top_k, min_p, seed, max_tokens.  `turn` counts from 0;
    from turn 1 on each model goes on from its own earlier answers (`continues` names the run).
    `prompt_ids` are the tokens read: the reference's, and another model's where they differ.
    `noise` keys the run's noise beside seed and position.  A branch says in `branches_from` whose
    answer (run, trajectory) it takes over up to `position`, and the `token` put there, or none
    under a prompt that was `edited`.
    """

    name = "started"
    run: str
    prompt: str
    variants: list[str]
    reference: str
    messages: list[JSON] = field(default_factory=list)
    sampling: JSON = field(default_factory=dict)
    prompt_tokens: dict[str, int] = field(default_factory=dict)
    thinking: bool = False
    verdict: JSON | None = None
    continues: str | None = None
    turn: int = 0
    item: str | None = None
    suite: str | None = None
    prompt_ids: dict[str, list[int]] = field(default_factory=dict)
    noise: list[int] = field(default_factory=list)
    branches_from: JSON | None = None


@dataclass(frozen=True, slots=True)
class Pieces(Event):
    """Text of token ids, sent before an id first appears; keys are decimal ids.

    A piece that is not valid UTF-8 by itself is given as its replacement-character text; the exact
    text of an answer is in `trajectory_finished`.
    """

    name = "pieces"
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Tokens(Event):
    """Some consecutive positions of one trajectory, columnar.

    `scores[MODEL]` holds equally long lists: kl (nats, KL(reference‖MODEL) on this trajectory's
    context), argmax, rank (of the reference's argmax under MODEL, 1 = agreement), token_rank (of
    the token taken), logprob (of the token taken), entropy (nats), gap (log p1 − log p2),
    confidence (p1), flip (bool), and in interactive runs top = {"ids": [[k]], "logprob": [[k]]}.
    With `same_as` the scores are those of the named trajectory at the same positions.
    """

    name = "tokens"
    run: str
    trajectory: str
    start: int
    ids: list[int]
    scores: dict[str, JSON] | None = None
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class Fork(Event):
    """At `position` the models that shared a row chose different tokens; groups share a row on."""

    name = "fork"
    run: str
    position: int
    groups: list[list[str]]


@dataclass(frozen=True, slots=True)
class Thought(Event):
    """Positions `start`…`stop` − 1 of an answer are thinking, both tags included.

    Sent once where thinking begins, with `stop` None, and once more where it ends; where the
    template opens it in the prompt, it begins at position 0.
    """

    name = "thought"
    run: str
    trajectory: str
    start: int
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict(Event):
    """The label an answer carries.  `label` may be "UNPARSED"; `position` is the deciding position.

    `margins[MODEL]` is that model's log-odds between the two labels that matter, at `position` of
    this trajectory's context; `margin` is the trajectory owner's.
    """

    name = "verdict"
    run: str
    trajectory: str
    label: str
    position: int | None = None
    margin: float | None = None
    provisional: bool = False
    margins: dict[str, float | None] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TrajectoryFinished(Event):
    """reason: stop, length or cancelled; `tokens` counts positions, end-of-sequence included."""

    name = "trajectory_finished"
    run: str
    trajectory: str
    reason: str
    text: str
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class ItemFinished(Event):
    """A run is over; status: "finished" | "cancelled" | "failed".

    A batch item carries its `evidence.ItemEvidence` as an object.
    """

    name = "item_finished"
    run: str
    status: str = "finished"
    seconds: float = 0.0
    item: str | None = None
    evidence: JSON | None = None


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """A run, a variant, or (with neither) a command failed; the others go on.

    With `fatal` nothing can be answered until another load.
    """

    name = "failed"
    reason: str
    run: str | None = None
    variant: str | None = None
    fatal: bool = False
