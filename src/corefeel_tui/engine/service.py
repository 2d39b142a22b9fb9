"""Commands → events: holds the loaded models, what they have read, and their conversations.

Knows every part of the engine and nothing of pipes, queues or threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from corefeel_tui import commands, verdicts
from corefeel_tui import events as ev
from corefeel_tui.engine import chat
from corefeel_tui.engine.batch.in_turn import PassRunner
from corefeel_tui.engine.batch.room import seat
from corefeel_tui.engine.batch.runner import BatchRunner
from corefeel_tui.engine.branching import check_branch, stored_prompts, told_prompts
from corefeel_tui.engine.compare import compare
from corefeel_tui.engine.control import make_control
from corefeel_tui.engine.edge import feeling
from corefeel_tui.engine.edge.reading import Reading
from corefeel_tui.engine.edge.search import Probe, probe
from corefeel_tui.engine.examine import examine
from corefeel_tui.engine.heal import heal_steps
from corefeel_tui.engine.memory import release
from corefeel_tui.engine.modelset import POCKET, ModelSet, load_set, may_share, plan_set
from corefeel_tui.engine.prefill import Prefixes
from corefeel_tui.engine.question import Question
from corefeel_tui.engine.sampling import Sampling
from corefeel_tui.engine.scoring import check_floor, score_steps
from corefeel_tui.engine.scoring_in_turn import score_in_turn
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.engine.windows import read_windows
from corefeel_tui.errors import CorefeelError, EngineError, UsageError
from corefeel_tui.forks import ForkCase, refuse_foreign
from corefeel_tui.suites import resolve

KEPT_CONVERSATIONS = 32
"""So many runs can be continued; older ones are forgotten."""

Steps = Iterator[ev.Event | None]
Cancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where a run's chat stands: every model's own messages, answers included."""

    messages: dict[str, list[chat.Message]]
    turn: int


class Service:
    """What one engine process knows between commands."""

    def __init__(self) -> None:
        self.models: ModelSet | None = None
        self._cache_bytes = 0
        self._prefixes = Prefixes()
        self._conversations: dict[str, Conversation] = {}
        self._pieces: PieceTexts | None = None
        self._readings: dict[str, Reading] = {}

    def load(self, command: commands.Load, emit: Callable[[ev.Event], None]) -> Steps:
        """Make a set of models the ones that answer; those that answered stay where it fails.

        Those of another directory go before the new ones are read, once these can be opened, so
        that the two never share the memory.  Progress goes straight to `emit`.
        """
        if command.cache_bytes is not None:
            self._cache_bytes = command.cache_bytes
        command = replace(command, cache_bytes=self._cache_bytes)
        previous = self.models
        try:
            if previous is not None and not may_share(previous, command):
                previous = None
                self._forget()
            loaded = load_set(command, emit, previous)
        except CorefeelError as error:
            yield ev.Failed(str(error), fatal=self.models is None)
            return
        self.models = loaded
        self._prefixes, self._readings = Prefixes(), {}
        self._pieces = PieceTexts(loaded.tokenizer)
        if previous is None or previous.model != loaded.model:
            self._conversations.clear()
        yield loaded.describe()

    def _forget(self) -> None:
        """Let go of every array."""
        self.models, self._prefixes, self._readings = None, Prefixes(), {}
        self._conversations.clear()
        release()

    def plan(self, command: commands.Plan) -> Steps:
        """What a load would take; nothing changes."""
        yield plan_set(command)

    def examine(self) -> Steps:
        """What this machine's arithmetic is worth."""
        yield examine()

    def ask(self, command: commands.Ask, cancelled: Cancelled) -> Steps:
        """One comparison: announce, answer, remember the conversation."""
        models = self._loaded()
        names = self._names(models, command)
        check_branch(command, models, names)
        messages, turn = self._messages(command, names)
        if command.prompt_ids:
            prompts = stored_prompts(command.prompt_ids, names, models.reference)
        else:
            prompts = {
                n: chat.render(models.tokenizer, messages[n], command.thinking) for n in names
            }
        sampling = Sampling(
            command.temperature, command.top_p, command.top_k, command.min_p, command.seed
        )
        spec = verdicts.VerdictSpec.from_dict(command.verdict) if command.verdict else None
        question = Question(
            run=command.run,
            prompts=prompts,
            key=(command.noise[0], command.noise[1]) if command.noise else (turn, 0),
            forced=command.forced,
            boundaries={
                n: chat.header_boundary(models.tokenizer, messages[n], prompts[n]) for n in names
            },
            max_tokens=room(prompts, models.context, command.max_tokens, len(command.forced)),
            stop=tuple(command.stop),
            verdict=spec or verdicts.JUDGE,
            verdict_expected=spec is not None,
            top=command.top,
        )
        yield self._started(command, models, messages, prompts, turn, question, sampling)
        answers = {}
        assert self._pieces is not None
        modules = {n: models.models[n].model for n in names}
        for event in compare(
            modules,
            models.tokenizer,
            [question],
            sampling,
            self._pieces,
            self._prefixes,
            cancelled,
        ):
            if isinstance(event, ev.TrajectoryFinished):
                answers[event.trajectory] = event.text
            yield event
        self._remember(command.run, messages, answers, turn)

    def score(self, command: commands.Score, cancelled: Cancelled) -> Steps:
        """Teacher-forced drift on given text or tokens."""
        models = self._loaded()
        windows = read_windows(models, command.text, command.tokens, command.context)
        per_token = Path(command.per_token) if command.per_token else None
        score = score_in_turn if models.turns else score_steps
        result = yield from score(
            command.run, models, windows, command.context, per_token, cancelled
        )
        if models.turns and models.turns.gave_up_reference:
            self._forget()
        if result is not None:
            yield ev.Scored(command.run, result)
        yield ev.ItemFinished(command.run, "cancelled" if result is None else "finished")

    def heal(self, command: commands.Heal, cancelled: Cancelled) -> Steps:
        """What some forks were: each side goes on from the other's token."""
        models = self._loaded()
        cases = [ForkCase(**fork) for fork in command.forks]
        for case in cases:
            refuse_foreign(case.origin, models.describe(), (case.reference, case.variant))
        assert self._pieces is not None
        yield from heal_steps(command.run, models, cases, command.top, self._pieces, cancelled)

    def meter(self, command: commands.Meter, cancelled: Cancelled) -> Steps:
        """The margins of a prompt that is being typed; what was read of it before stays read."""
        yield from feeling.meter(command, self._loaded(), self._readings, cancelled)

    def probe(self, command: Probe, cancelled: Cancelled) -> Steps:
        """The margins of many prompts that differ a little."""
        yield from probe(command, self._loaded(), cancelled)

    def evaluate(self, command: commands.Evaluate, cancelled: Cancelled) -> Steps:
        """The batch evaluation of some suites."""
        models = self._loaded()
        check_floor(models)
        pocket = models.model == POCKET
        suites = [suite for name in command.suites for suite in resolve(name, pocket)]
        control = make_control(models) if command.control and not models.turns else None
        command, notices = seat(command, models, suites)
        yield from notices
        assert self._pieces is not None
        if models.turns:
            passes = PassRunner(command, models, suites, self._pieces, cancelled)
            try:
                yield from passes.steps()
            finally:
                if models.turns.gave_up_reference:
                    self._forget()
            return
        runner = BatchRunner(command, models, control, suites, self._pieces, cancelled)
        yield from runner.steps()

    def _loaded(self) -> ModelSet:
        if self.models is None:
            raise EngineError("no model is loaded yet; wait for the load to finish")
        return self.models

    def _names(self, models: ModelSet, command: commands.Ask) -> list[str]:
        names = list(models.models) if command.variants is None else list(command.variants)
        for name in names:
            if name not in models.models:
                raise UsageError(
                    f"no loaded model is called “{name}”; loaded are {', '.join(models.models)}"
                )
        rest = [name for name in names if name != models.reference]
        return [models.reference, *rest]

    def _messages(
        self, command: commands.Ask, names: list[str]
    ) -> tuple[dict[str, list[chat.Message]], int]:
        if command.continues is None:
            messages = chat.conversation(command.system, command.history, command.prompt)
            return dict.fromkeys(names, messages), 0
        earlier = self._conversations.get(command.continues)
        if earlier is None:
            raise UsageError("the conversation to go on from is not known any more; start anew")
        missing = [name for name in names if name not in earlier.messages]
        if missing:
            raise UsageError(
                f"{missing[0]} did not take part in this conversation; start a new one"
            )
        asked = chat.conversation(None, [], command.prompt)
        return {name: earlier.messages[name] + asked for name in names}, earlier.turn + 1

    def _started(
        self,
        command: commands.Ask,
        models: ModelSet,
        messages: dict[str, list[chat.Message]],
        prompts: dict[str, list[int]],
        turn: int,
        question: Question,
        sampling: Sampling,
    ) -> ev.Started:
        return ev.Started(
            run=command.run,
            prompt=command.prompt,
            variants=list(prompts),
            reference=models.reference,
            messages=[dict(m) for m in messages[models.reference]],
            sampling=asdict(sampling) | {"max_tokens": question.max_tokens},
            prompt_tokens={name: len(prompt) for name, prompt in prompts.items()},
            thinking=command.thinking,
            verdict=question.verdict.as_dict() if question.verdict else None,
            continues=command.continues,
            turn=turn,
            prompt_ids=told_prompts(prompts, models.reference),
            noise=list(question.key),
            branches_from=command.branches_from,
        )

    def _remember(
        self,
        run: str,
        messages: dict[str, list[chat.Message]],
        answers: dict[str, str],
        turn: int,
    ) -> None:
        said = {
            name: [*asked, {"role": "assistant", "content": answers[name]}]
            for name, asked in messages.items()
            if name in answers
        }
        self._conversations[run] = Conversation(said, turn)
        while len(self._conversations) > KEPT_CONVERSATIONS:
            del self._conversations[next(iter(self._conversations))]


def room(prompts: dict[str, list[int]], context: int, max_tokens: int, forced: int = 0) -> int:
    """How many tokens may be answered, `forced` of them besides `max_tokens`.

    Raises UsageError where the prompt and what is forced fill the context.
    """
    longest = forced + max(len(prompt) for prompt in prompts.values())
    if longest >= context:
        raise UsageError(
            f"the prompt is {longest} tokens long, {longest - context + 1} more than this model's "
            f"context of {context} can take with an answer; shorten it"
        )
    return forced + min(max_tokens, context - longest)
