"""The answers of one run while they grow: text, lines, verdicts, ends.

Knows steps and their measurements, verdict rules and events; no model and no cache.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from corefeel_tui import events as ev
from corefeel_tui import verdicts
from corefeel_tui.engine.lockstep import Owner, Row, Step, group_by_choice
from corefeel_tui.engine.measure import Measured
from corefeel_tui.engine.question import Question
from corefeel_tui.engine.readout import DecisionReader, LabelTokens, margin
from corefeel_tui.engine.thinking import ThinkingPart
from corefeel_tui.engine.trajectories import Answer, Lines, PieceTexts, Position, Scores
from corefeel_tui.evidence import CONTROL, FLOOR

Margins = dict[str, float | None]


def _gauge(name: str) -> bool:
    """Whether a model only shows how well is measured: the control, a floor."""
    return name == CONTROL or name.startswith(FLOOR)


PATIENT_POSITIONS = 64
"""Positions of an answer that nobody watches, on one line."""


class RunAnswers:
    """Every model's answer to one question."""

    def __init__(
        self,
        question: Question,
        models: Sequence[str],
        reference: str,
        tokenizer: Any,
        pieces: PieceTexts,
    ) -> None:
        self.question = question
        self.reference = reference
        self.live = list(models)
        self.over = False
        self.ending: dict[Owner, str] = {}
        self._eos = set(tokenizer.eos_token_ids)
        self._answers = {name: Answer(name, tokenizer.detokenizer) for name in models}
        self._before: dict[str, str] = {}
        self._lines = Lines(question.run, reference, pieces)
        self._thinking = {n: ThinkingPart(tokenizer, question.prompts[n]) for n in models}
        self._thought: list[ev.Thought] = []
        self._verdicts: dict[str, ev.Verdict] = {}
        self._readers: dict[str, DecisionReader] = {}
        if question.verdict is not None:
            self._label_tokens = LabelTokens(tokenizer, question.verdict)
            self._readers = {name: DecisionReader(question.verdict) for name in models}

    # --- the course of a run ----------------------------------------------------------------

    def opening(self, rows: list[Row]) -> Iterator[ev.Event]:
        """Models that go on from different conversations are forked before the first token."""
        groups = [list(row.owners) for row in rows if row.run == self.question.run]
        if len(groups) > 1:
            yield ev.Fork(self.question.run, 0, groups)
        for name, part in self._thinking.items():
            if part.start is not None:
                yield ev.Thought(self.question.run, name, part.start)

    def take(self, step: Step) -> None:
        """Add every live model's token; notes in `ending` whose answer ends with it, and why."""
        self.ending = {}
        for name in self.live:
            token = step.choice[self.question.run, name]
            answer = self._answers[name]
            self._before[name] = self._said(name)
            answer.take(token, end=token in self._eos)
            part = self._thinking[name]
            if part.take(answer.ids, answer.text) and part.start is not None:
                self._thought.append(ev.Thought(self.question.run, name, part.start, part.stop))
            if token in self._eos or any(stop in answer.text for stop in self.question.stop):
                self.ending[self.question.run, name] = "stop"
            elif len(answer.ids) >= self.question.max_tokens:
                self.ending[self.question.run, name] = "length"

    def tell(self, step: Step, measured: Measured) -> Iterator[ev.Event]:
        """What the step meant: lines when due, forks, verdicts, ends."""
        rows = {r: o for r, o in step.owners.items() if r.run == self.question.run}
        forks = list(self._forks(step, rows))
        decisions = list(self._decisions(step, measured, rows))
        for row, owners in rows.items():
            for name in owners:
                self._record(step, measured, row, owners, name)
        if self.ending or self._due(urgent=bool(forks or decisions or self._thought)):
            yield from self._lines.flush(list(self._answers.values()))
        yield from self._thought
        self._thought = []
        yield from forks
        yield from decisions
        for (_, name), reason in self.ending.items():
            yield from self._finish(name, reason)

    def _due(self, urgent: bool) -> bool:
        """Whether what waits is to be told now."""
        if self.question.patient:
            longest = max(len(answer.pending) for answer in self._answers.values())
            return longest >= PATIENT_POSITIONS
        return urgent or self._lines.due()

    def fail(self, name: str, position: int) -> Iterator[ev.Event]:
        """A model broke; a variant leaves the run, the reference takes it down."""
        if self.over or (name != self.reference and name not in self._answers):
            return
        reason = f"{name} gave no finite distribution at position {position}"
        self.ending.pop((self.question.run, name), None)
        if name in self.live:
            self.live.remove(name)
        yield ev.Failed(reason, run=self.question.run, variant=name)

    def cut_short(self) -> Iterator[ev.Event]:
        """Tell what is there; unfinished answers end as cancelled."""
        yield from self._lines.flush(list(self._answers.values()))
        for name in list(self.live):
            yield from self._finish(name, "cancelled")

    def finished(self, status: str, began: float) -> ev.ItemFinished:
        """The run's last event."""
        self.over = True
        seconds = round(time.monotonic() - began, 3)
        return ev.ItemFinished(self.question.run, status, seconds)

    # --- one step ---------------------------------------------------------------------------

    def _record(
        self, step: Step, measured: Measured, row: Row, owners: list[str], name: str
    ) -> None:
        if name not in self.live:
            return
        token = step.choice[self.question.run, name]
        shared = (
            name != self.reference
            and self.reference in owners
            and token == step.choice[self.question.run, self.reference]
        )
        scores: Scores = {}
        if not shared:
            shown = self._shown(measured, row, name)
            notable = self._notable(step, measured, row, name, shown)
            scores = measured.scores(row, token, shown, self.question.top, notable)
        self._answers[name].pending.append(Position(token, scores, shared))

    def _notable(
        self, step: Step, measured: Measured, row: Row, name: str, shown: list[str]
    ) -> list[str]:
        """The models among `shown` whose top-k is worth keeping."""
        reader = self._readers.get(name)
        decides = reader is not None and reader.position == step.position
        if self.question.top_everywhere or decides:
            return shown
        flipped = [m for m in shown if not _gauge(m) and measured.flips(row, m)]
        choices = {step.choice.get((self.question.run, owner)) for owner in step.owners[row]}
        forks = len(choices) > 1 and not _gauge(name)
        return [self.reference, *flipped] if flipped or forks else []

    def _shown(self, measured: Measured, row: Row, name: str) -> list[str]:
        """Whose scores stand on a trajectory: all on the reference's, else the owner's and it."""
        scorers = measured.scorers(row)
        if name == self.reference:
            return scorers
        return [m for m in scorers if m in (self.reference, name)]

    def _forks(self, step: Step, rows: Mapping[Row, list[str]]) -> Iterator[ev.Fork]:
        run = self.question.run
        for owners in rows.values():
            alive = [name for name in owners if name in self.live]
            groups = group_by_choice(run, alive, step.choice, first=self.reference)
            if len(groups) > 1:
                yield ev.Fork(run, step.position, list(groups.values()))

    def _said(self, name: str) -> str:
        """What an answer has said so far, its thinking left out."""
        part = self._thinking[name]
        return "" if part.open else self._answers[name].text[part.said_from :]

    # --- verdicts ---------------------------------------------------------------------------

    def _decisions(
        self, step: Step, measured: Measured, rows: Mapping[Row, list[str]]
    ) -> Iterator[ev.Verdict]:
        for row, owners in rows.items():
            for name in owners:
                if name in self.live and name in self._readers:
                    yield from self._read(step, measured, row, name)

    def _read(self, step: Step, measured: Measured, row: Row, name: str) -> Iterator[ev.Verdict]:
        reader = self._readers[name]
        known = reader.label
        if reader.feed(self._before[name], self._said(name), step.position):
            margins = self._margins(row, measured, name, reader.opened_before)
            self._verdicts[name] = self._verdict(name, "", reader.position, margins)
        if reader.label is not None and known is None and name in self._verdicts:
            seen = self._verdicts[name]
            self._verdicts[name] = self._verdict(name, reader.label, seen.position, seen.margins)
            yield self._verdicts[name]

    def _margins(self, row: Row, measured: Measured, name: str, opened: bool) -> Margins:
        spec = self.question.verdict
        if spec is None or spec.margin is None:
            return {}
        tokens = self._label_tokens.inside if opened else self._label_tokens.quoted
        found: Margins = {}
        for model in self._shown(measured, row, name):
            value = margin(measured.logprobs(model, row), tokens, spec.margin)
            found[model] = None if value is None else float(f"{value:.6g}")
        return found

    def _verdict(
        self,
        name: str,
        label: str,
        position: int | None,
        margins: Margins,
        provisional: bool = True,
        reason: str | None = None,
    ) -> ev.Verdict:
        return ev.Verdict(
            run=self.question.run,
            trajectory=name,
            label=label,
            position=position,
            margin=margins.get(name),
            provisional=provisional,
            margins=margins,
            reason=reason,
        )

    # --- ends -------------------------------------------------------------------------------

    def _finish(self, name: str, reason: str) -> Iterator[ev.Event]:
        answer = self._answers[name]
        self.live.remove(name)
        answer.detokenizer.finalize()
        text = _before_stop(answer.text, self.question.stop)
        said = "" if self._thinking[name].open else text[self._thinking[name].said_from :]
        verdict = None if reason == "cancelled" else self._final_verdict(name, said, reason)
        if verdict is not None:
            yield verdict
        run, count = self.question.run, len(answer.ids)
        yield ev.TrajectoryFinished(run, name, reason, text, tokens=count)

    def _final_verdict(self, name: str, text: str, reason: str) -> ev.Verdict | None:
        spec = self.question.verdict
        if spec is None:
            return None
        seen = self._verdicts.get(name)
        tried = seen is not None or verdicts.mentions_verdict(text, spec)
        if not tried and not self.question.verdict_expected:
            return None
        label = verdicts.UNPARSED if reason == "length" else verdicts.parse(text, spec)
        why = None
        if label == verdicts.UNPARSED:
            why = "cut at the token limit" if reason == "length" else "not one exact verdict"
        position, margins = (seen.position, seen.margins) if seen else (None, {})
        return self._verdict(name, label, position, margins, provisional=False, reason=why)


def _before_stop(text: str, stops: tuple[str, ...]) -> str:
    found = [at for at in (text.find(stop) for stop in stops) if at != -1]
    return text[: min(found)] if found else text
