"""Suite items: one prompt or one conversation, its expected label and its checks; ladders of them.

Knows what one item says and whether it is sound; no file, no suite and no generator.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from corefeel_tui import evidence
from corefeel_tui.diagnostics.checks import holds

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*$", max_length=80)]


class Table(BaseModel):
    """One table of a suite file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(Table):
    """One thing that code verifies of a reply; without `turn` (from 0) it holds of every reply.

    `kind` says what it is evidence of: a constraint kept, an entity tracked, a topic come back to,
    a persona's marker, a needle found, a step of a working, the right answer.
    """

    kind: Literal["constraint", "entity", "topic", "marker", "needle", "step", "answer"]
    rule: evidence.Rule
    value: str = ""
    turn: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def check(self) -> Self:
        """A value of the rule's form."""
        if self.rule not in ("lowercase", "uppercase") and not self.value:
            raise ValueError(f"{self.rule} needs a value")
        assert self.as_evidence
        return self

    @property
    def as_evidence(self) -> evidence.Check:
        """The form in which a session keeps it; raises ValueError where the value is wrong."""
        return evidence.Check(self.kind, self.rule, self.value, self.turn)


class Item(Table):
    """One prompt, or the user's turns of one conversation.

    `system` takes the place of the suite's.  `group` says where the item stands in its suite:
    rule, ladder and rung, depth and length, register, persona, constraint.  `replies` are right
    replies, one a turn: they prove the checks and are never shown to a model.
    """

    id: Name
    prompt: str | None = None
    turns: tuple[str, ...] = ()
    expected: str | None = None
    tags: tuple[str, ...] = ()
    domain: str | None = None
    system: str | None = Field(default=None, min_length=1)
    group: dict[str, str | int] = Field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    replies: tuple[str, ...] = ()

    @model_validator(mode="after")
    def check(self) -> Self:
        """Exactly one of the two forms, nothing empty, checks that can be kept."""
        if (self.prompt is None) == (not self.turns):
            raise ValueError("set either prompt or turns")
        if not all(text.strip() for text in self.turns or (self.prompt or "",)):
            raise ValueError("the prompt is empty")
        count = len(self.turns) or 1
        if any(check.turn is not None and check.turn >= count for check in self.checks):
            raise ValueError(f"a check names a turn beyond the last of {count} (from 0)")
        if len(self.replies) not in (0, count):
            raise ValueError(f"replies has {len(self.replies)} entries for {count} turns")
        for turn, reply in enumerate(self.replies):
            for failed in self.failures(reply, turn):
                raise ValueError(f"its reply {turn} fails its check {failed.rule} “{failed.value}”")
        return self

    @property
    def first_prompt(self) -> str:
        """What is asked first."""
        return self.prompt if self.prompt is not None else self.turns[0]

    def failures(self, reply: str, turn: int = 0) -> Iterator[Check]:
        """The checks that a reply to one turn (from 0) fails."""
        answer = evidence.Answer(reply, turn=turn)
        for check in self.checks:
            if check.turn in (None, turn) and not holds(check.as_evidence, answer):
                yield check


class Ladder(Table):
    """One request at graded severity; an empty `expected` is an edge that has no right side.

    Two rungs are a pair, a request and its look-alike; they count to no ladder.
    """

    name: Name
    rungs: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=2)
    expected: tuple[str, ...]
    tags: tuple[str, ...] = ()
    domain: str | None = None

    @model_validator(mode="after")
    def check(self) -> Self:
        """One expectation a rung."""
        if len(self.expected) != len(self.rungs):
            raise ValueError(f"{len(self.rungs)} rungs but {len(self.expected)} expectations")
        return self

    def items(self) -> list[Item]:
        """The rungs as items, the mildest first."""
        form = "pair" if len(self.rungs) == 2 else "ladder"
        return [
            Item(
                id=f"{self.name}-{rung}",
                prompt=text,
                expected=expected or None,
                tags=self.tags,
                domain=self.domain,
                group={form: self.name, "rung": rung},
            )
            for rung, (text, expected) in enumerate(zip(self.rungs, self.expected, strict=True))
        ]
