"""Works → questions: the chat each model has seen, rendered, and how its answers are announced.

Knows suites' prompts, a tokenizer and the names of runs; computes nothing.
"""

from __future__ import annotations

from collections.abc import Container, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from corefeel_tui import events as ev
from corefeel_tui.engine import chat
from corefeel_tui.engine.batch.plan import Work
from corefeel_tui.engine.branching import told_prompts
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.question import Question
from corefeel_tui.engine.sampling import Sampling
from corefeel_tui.folding import Run

__all__ = ["Asking", "Question", "Said", "hear", "opening"]

Said = dict[str, list[chat.Message]]
"""Model → the chat so far."""

TOP = 5
"""Choices kept of a model where it flips."""

MOST_TURNS = 64
"""Turns of a conversation that get noise of their own."""


class Asking:
    """How works of one batch run are put to the models."""

    def __init__(self, run: str, models: ModelSet) -> None:
        self._name = run
        self._models = models

    @property
    def tokenizer(self) -> Any:
        """The models' own."""
        return self._models.tokenizer

    def render(self, messages: list[chat.Message]) -> list[int]:
        """Tokens of a chat, thinking off."""
        return chat.render(self._models.tokenizer, messages, False)

    def fitting(
        self, works: Sequence[Work], done: Container[str]
    ) -> Generator[ev.ItemFinished, None, list[Work]]:
        """The works that fit; each other one is told, unless its key is among the `done`."""
        found = []
        for work in works:
            if self._fits(work):
                found.append(work)
            elif work.key not in done:
                yield self._skipped(work)
        return found

    def _fits(self, work: Work) -> bool:
        """Whether a work's words leave room for an answer."""
        messages = chat.conversation(work.system, [], "\n".join(work.turns))
        return len(self.render(messages)) + 16 < self._models.context

    def _skipped(self, work: Work) -> ev.ItemFinished:
        item = {
            "id": work.id,
            "suite": work.suite.name,
            "status": "skipped",
            "reason": "longer than the model's context",
            "prompt": work.item.first_prompt[:200],
        }
        return ev.ItemFinished(self.run(work), "finished", item=work.id, evidence=item)

    def run(self, work: Work, part: str = "") -> str:
        """What a work's runs are called; `part` tells samples and turns apart."""
        return f"{self._name}:{work.key}{part}"

    def questions(
        self, works: Sequence[Work], said: Mapping[str, Said], turn: int, broken: Container[str]
    ) -> list[tuple[Work, Question]]:
        """Every work's next turn, a question a sample, for the models that are sound."""
        found = []
        for work in works:
            head = work.suite.suite
            for sample in range(head.samples):
                part = f"#{sample}" if head.samples > 1 else f"/{turn}" if turn else ""
                asked = {
                    name: [*messages, {"role": "user", "content": work.turns[turn]}]
                    for name, messages in said[work.key].items()
                    if name not in broken
                }
                prompts = {name: self.render(messages) for name, messages in asked.items()}
                longest = max(map(len, prompts.values()))
                question = Question(
                    run=self.run(work, part),
                    prompts=prompts,
                    max_tokens=max(1, min(head.max_tokens, self._models.context - longest)),
                    key=(work.number * MOST_TURNS + turn, sample),
                    verdict=work.suite.verdict,
                    verdict_expected=work.suite.verdict is not None,
                    top=TOP,
                    top_everywhere=False,
                    patient=True,
                    last=turn + 1 == len(work.turns),
                )
                found.append((work, question))
        return found

    def started(
        self, asked: Sequence[tuple[Work, Question]], sampling: Sampling, turn: int
    ) -> Iterator[ev.Started]:
        """The announcements."""
        for work, question in asked:
            yield ev.Started(
                run=question.run,
                prompt=work.turns[turn],
                variants=list(question.prompts),
                reference=self._models.reference,
                messages=[] if turn else chat.conversation(work.system, [], work.turns[0]),
                sampling={
                    "temperature": sampling.temperature,
                    "seed": sampling.seed,
                    "max_tokens": question.max_tokens,
                },
                prompt_tokens={name: len(prompt) for name, prompt in question.prompts.items()},
                verdict=_rule(work, question),
                turn=turn,
                item=work.id,
                suite=work.suite.name,
                prompt_ids=told_prompts(question.prompts, self._models.reference),
                noise=list(question.key),
            )


def _rule(work: Work, question: Question) -> ev.JSON | None:
    """How a stored answer's label is read, openers included."""
    if question.verdict is not None:
        return question.verdict.as_dict()
    rule = work.suite.suite.verdict
    return {"openers": rule.openers} if rule and rule.openers else None


def opening(work: Work, names: Iterable[str]) -> Said:
    """Everybody's chat before the first turn."""
    system = [{"role": "system", "content": work.system}] if work.system else []
    return {name: list(system) for name in names}


def hear(said: Said, run: Run, work: Work) -> None:
    """Append a turn and its replies to everybody's chat: its own, or the reference's to all."""
    for name, messages in said.items():
        speaker = name if work.history == "own" else run.started.reference
        if speaker not in run.trajectories:
            continue
        reply = run.trajectories[speaker].text or ""
        messages += [
            {"role": "user", "content": run.started.prompt},
            {"role": "assistant", "content": reply},
        ]
