"""The queue of batches: which one the engine works on, and what their events mean for it.

Knows clients and commands; nothing of what is drawn.  The first run that wants its turn has it;
the others rest in the engine or wait here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from corefeel_tui import events as ev
from corefeel_tui.commands import Cancel, Command, Evaluate, Pause
from corefeel_tui.errors import CorefeelError
from corefeel_tui.ui.batch.answer import SAYS
from corefeel_tui.ui.batch.run import BatchRun, State, batch_of, head_of
from corefeel_tui.ui.desk import Desk, Severity
from corefeel_tui.ui.keeping import Keeper

if TYPE_CHECKING:
    from corefeel_tui.batch_resume import Unfinished

NOWHERE = "a batch is kept in a session file: ^S turns saving on"

Work = Callable[[Coroutine[Any, Any, None]], object]
Tell = Callable[[str, Severity], None]


class BatchQueue:
    """`runs` in the order of their turn; `work` starts something that may take a while."""

    def __init__(self, desk: Desk, keeper: Keeper | None, tell: Tell, work: Work) -> None:
        self.runs: list[BatchRun] = []
        self._desk = desk
        self._keeper = keeper
        self._tell = tell
        self._work = work

    # --- what is known ----------------------------------------------------------------------------

    def run(self, name: str) -> BatchRun | None:
        """The run of a name."""
        return next((run for run in self.runs if run.name == name), None)

    @property
    def head(self) -> BatchRun | None:
        """The run whose turn it is; one that rests where nothing else is left to do."""
        return head_of(self.runs)

    @property
    def unfinished(self) -> int:
        """Runs that leaving would cut short."""
        return sum(run.state.pending for run in self.runs)

    @property
    def ready(self) -> bool:
        """Whether the engine would listen."""
        desk = self._desk
        return desk.live.live and not desk.died and desk.live.record.loaded is not None

    def refusal(self) -> str:
        """Why no batch can be started; "" if one can."""
        if not self._desk.live.live:
            return "this is a recording: open a model to evaluate it"
        return "" if self._keeper is not None and self._keeper.saving else NOWHERE

    # --- what is asked ----------------------------------------------------------------------------

    async def add(self, suites: Sequence[str], limit: int | None) -> BatchRun:
        """Queue a run of some suites or mixes."""
        from corefeel_tui.batch_fold import Tally

        run = BatchRun(tuple(suites), limit, Tally(""))
        run.tally.run = run.name
        self.runs.append(run)
        await self.settle()
        return run

    async def resume(self, found: Unfinished) -> BatchRun:
        """Queue what is missing of a batch that was cut off, in its own session file."""
        run = BatchRun(
            found.suites,
            found.limit,
            found.tally,
            path=found.path,
            quick=found.quick,
            stop_collapsed=found.stop_collapsed,
            seed=found.seed,
            answers=found.answers,
        )
        run.tally.run = run.name
        self.runs.append(run)
        await self.settle()
        return run

    async def pause(self, run: BatchRun) -> None:
        """Let a run rest while the next in line has its turn, or go on before all others.

        Also one goes on that was stopped, cancelled or failed, at the place it has.
        """
        if run.state is State.FINISHED:
            return
        if run.sent and not run.state.pending:
            self._tell(f"{run.title} is still ending; again in a moment", "warning")
            return
        if run.state is State.RUNNING:
            await self._step_aside(run)
        elif run.state is State.PAUSED:
            self._come_back(run)
        elif run.state.pending:
            run.state = State.PAUSED
        else:
            run.state, run.reason, run.judgement = State.QUEUED, "", None
        await self.settle()

    async def _step_aside(self, run: BatchRun) -> None:
        await self._rest(run, State.PAUSED)
        if (other := self.head) is not None and other is not run:
            self._tell(f"{run.title} is paused; {other.title} has its turn", "information")

    def _come_back(self, run: BatchRun) -> None:
        """Before the first in line, which waits then."""
        other = next((other for other in self.runs if other.state.in_line), None)
        run.state = State.WAITING if run.sent else State.QUEUED
        if other is None:
            return
        if self.runs.index(run) > self.runs.index(other):
            self.runs.remove(run)
            self.runs.insert(self.runs.index(other), run)
        self._tell(f"{run.title} goes on; {other.title} waits", "information")

    async def cancel(self, run: BatchRun) -> None:
        """End a run; what it has stays in its session."""
        if not run.state.pending:
            return
        run.state = State.CANCELLED
        if run.sent:
            await self._send(Cancel(run.name))
        await self.settle()

    async def up(self, run: BatchRun) -> bool:
        """Let a run have its turn before the one before it; False if it is the first already."""
        at = self.runs.index(run)
        earlier = [i for i in range(at) if self.runs[i].state.in_line]
        if not run.state.in_line or not earlier:
            return False
        self.runs.insert(earlier[-1], self.runs.pop(at))
        await self.settle()
        return True

    # --- what happens -----------------------------------------------------------------------------

    async def settle(self) -> None:
        """See to it that the engine works on the first run, and on no other."""
        head = self.head
        if not self.ready:
            return
        for run in self.runs:
            if run is not head and run.state is State.RUNNING:
                await self._rest(run, State.WAITING)
        if head is None or head.state not in (State.QUEUED, State.WAITING):
            return
        if head.sent:
            head.state = State.RUNNING
            await self._send(Pause(head.name, False))
        else:
            await self._begin(head)

    async def take(self, events: Sequence[ev.Event]) -> bool:
        """Take in what belongs to batches; whether there was any."""
        if not events:
            return False
        from corefeel_tui import batch_fold

        now = monotonic()
        ended = []
        for event in events:
            run = self.run(batch_of(event))
            if run is None:
                continue
            batch_fold.apply(run.tally, event, now)
            if self._ends(run, event):
                ended.append(run)
        if ended:
            await self.settle()
        return True

    async def meet(self, event: ev.Event) -> None:
        """Take in what happens to the engine."""
        match event:
            case ev.Loaded():
                await self.settle()
            case ev.EngineDied():
                for run in self.runs:
                    run.tally.rest()
                    run.sent = False
                    if run.state in (State.RUNNING, State.WAITING):
                        run.state = State.QUEUED

    def _ends(self, run: BatchRun, event: ev.Event) -> bool:
        """Whether an event ends a run, which it then has."""
        match event:
            case ev.Failed(run=run.name, variant=None, reason=reason):
                run.state, run.reason = State.STOPPED, reason
                self._tell(f"{run.title}: {reason}", "error")
            case ev.ItemFinished(run=run.name, status=status):
                run.sent = False
                if status == "failed":
                    run.state = State.FAILED
                elif run.state is not State.STOPPED:
                    run.state = State.FINISHED if status == "finished" else State.CANCELLED
                if run.tally.done:
                    self._work(self._judge(run))
            case _:
                return False
        run.tally.rest()
        return True

    async def _judge(self, run: BatchRun) -> None:
        """The gate's answer, off this thread."""
        from corefeel_tui.report.evaluation import evaluate

        if run.path is None:
            return
        try:
            found = await asyncio.to_thread(evaluate, run.path)
        except CorefeelError as error:
            self._tell(str(error), "error")
            return
        run.judgement = found.judgement
        if run.state is State.FINISHED:
            self._tell(f"{run.title}: {SAYS[found.judgement.answer].lower()}", "information")

    # --- to the engine ----------------------------------------------------------------------------

    async def _begin(self, run: BatchRun) -> None:
        """Ask for a run, or for what is missing of it, with its session file open."""
        from corefeel_tui.arrays import directory_of
        from corefeel_tui.session_writer import free_path, slugify

        try:
            if self._keeper is None:
                raise CorefeelError(NOWHERE)
            run.path = run.path or free_path(slugify("-".join(run.suites)))
            self._keeper.keep_batch(run.name, run.path)
        except (CorefeelError, OSError) as error:
            run.state, run.reason = State.STOPPED, str(error)
            self._tell(run.reason, "error")
            await self.settle()
            return
        run.state, run.sent = State.RUNNING, True
        await self._send(
            Evaluate(
                run=run.name,
                suites=list(run.suites),
                limit=run.limit,
                seed=self._desk.question.seed if run.seed is None else run.seed,
                arrays=str(directory_of(run.path).absolute()),
                done=sorted(run.tally.keys),
                quick=run.quick,
                stop_collapsed=run.stop_collapsed,
                glances=run.tally.glances,
                answers=run.answers,
            )
        )

    async def _rest(self, run: BatchRun, state: State) -> None:
        run.state = state
        run.tally.rest()
        await self._send(Pause(run.name))

    async def _send(self, command: Command) -> None:
        try:
            await self._desk.live.client.send(command)
        except CorefeelError as error:
            self._tell(str(error), "error")
