"""The Batch pane by what it shows and what it sends, beside a chat that goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui.commands import Ask, Cancel, Command, Evaluate, Load, Pause
from corefeel_tui.errors import SessionError
from corefeel_tui.evidence_file import read_evidence
from corefeel_tui.recording import Recorder
from corefeel_tui.ui.app import make_app
from corefeel_tui.ui.batch import progress
from corefeel_tui.ui.batch.run import BatchRun, State
from corefeel_tui.ui.screens.help import help_text
from tests.evaluation import planted
from tests.ui import stream
from tests.ui.conftest import Stage, rows
from tests.ui.scripted import ScriptedClient

NAMES = ["bf16", "4bit"]
PLANT = planted.Plant(
    behaviours={
        "bf16": planted.truthful,
        "4bit": planted.approves_one_veto,
        "control": planted.mute,
    },
    verdicts=9,
    refusals=0,
    styles=0,
)
ITEMS = planted.items_of(PLANT)


def planned(run: BatchRun) -> ev.Planned:
    suite = replace(planted.VERDICTS, items=len(ITEMS))
    return ev.Planned(len(ITEMS), [asdict(suite)], "control", 0, run.name)


def told(run: BatchRun, numbers: Iterable[int]) -> list[ev.Event]:
    """Items as the engine tells them, with answers to look at."""
    events: list[ev.Event] = []
    for item in (ITEMS[number] for number in numbers):
        name = f"{run.name}:{item.suite}/{item.id}"
        answers = {v: item.given(v)[0].text for v in NAMES}
        comparison = stream.Comparison(name, answers, item.prompt)
        started, *rest = comparison.events(step=40)
        assert isinstance(started, ev.Started)
        events += [
            replace(started, item=item.id, suite=item.suite, variants=[*NAMES, "control"]),
            *rest,
        ]
        events.append(ev.ItemFinished(name, item=item.id, evidence=asdict(item)))
    return events


class Engine(Stage):
    """An app with a real recorder over a scripted engine."""

    def last(self, kind: type[Command]) -> Command:
        return [command for command in self.client.commands if isinstance(command, kind)][-1]

    def sent(self, kind: type[Command]) -> int:
        return sum(isinstance(command, kind) for command in self.client.commands)

    @property
    def runs(self) -> list[BatchRun]:
        return self.app.batch.queue.runs

    @property
    def pane(self) -> str:  # type: ignore[override]
        """Everything the Batch pane shows."""
        pane = self.app.compare.batch_pane
        return f"{rows(pane.head)}\n{rows(pane.items)}"

    async def begin(self, suites: Sequence[str] = ("verdicts",)) -> BatchRun:
        run = await self.app.batch.queue.add(suites, None)
        if not self.app.compare.batch_pane.display:
            self.app.batch.toggle_batch()
            await self.until(lambda: self.app.batch.focused)
        return run

    async def tell(self, run: BatchRun, numbers: Iterable[int], *more: ev.Event) -> None:
        """Let the engine tell of items, and the pane show them."""
        numbers = list(numbers)
        done = run.tally.done + len(numbers)
        self.client.say(*told(run, numbers), *more)
        await self.until(lambda: run.tally.done == done)
        if more:
            await self.until(lambda: not run.sent)
        self.app.batch.refresh()
        await self.pilot.pause()


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sessions").mkdir()
    monkeypatch.chdir(tmp_path)


@asynccontextmanager
async def engine(
    size: tuple[int, int] = (120, 40), recorder: type[Recorder] = Recorder
) -> AsyncIterator[Engine]:
    client = ScriptedClient()
    keeper = recorder(client)
    app = make_app(keeper, load=Load(None, NAMES), recorder=keeper)
    async with app.run_test(size=size) as pilot:
        on = Engine(app, pilot, client)
        client.say(stream.engine_started(), stream.loaded(NAMES))
        await on.until(lambda: app.desk.live.record.loaded)
        yield on


# --- going on with an earlier one -----------------------------------------------------------------


async def test_a_batch_of_an_earlier_session_is_gone_on_with(tmp_path: Path) -> None:
    async with engine() as before:
        run = await before.begin()
        asked = {"suites": ["verdicts"], "limit": 9, "stop_collapsed": True, "answers": 2}
        before.client.say(replace(planned(run), asked=asked))
        await before.tell(run, range(4))
        path, rows_before = run.path, [row.item for row in run.tally.rows]
        await before.app.desk.live.client.stop()
    assert path is not None
    async with engine() as on:
        await on.press("ctrl+o")
        await on.until(lambda: on.app.batch.focused)
        await on.press("r")
        options = on.app.screen.query_one("OptionList")
        await on.until(lambda: options.has_focus and options.option_count == 1)  # type: ignore[attr-defined]
        line = str(options.get_option_at_index(0).prompt)  # type: ignore[attr-defined]
        assert "verdicts ≤ 9" in line
        assert "4 of 9 items" in line
        await on.press("enter")
        await on.until(lambda: on.sent(Evaluate))
        command = on.last(Evaluate)
        assert isinstance(command, Evaluate)
        assert (command.suites, command.limit, command.stop_collapsed) == (["verdicts"], 9, True)
        assert (command.quick, command.answers) == (False, 2)
        assert len(command.done) == len(command.glances) == 4
        again = on.runs[0]
        assert again.path is not None
        assert again.path.resolve() == path.resolve()
        assert [row.item for row in again.tally.rows] == rows_before
        on.client.say(replace(planned(again), asked=asked))
        await on.tell(again, range(4, 9), ev.ItemFinished(again.name))
    assert len(read_evidence(path).items) == 9


async def test_nothing_to_go_on_with_says_so() -> None:
    async with engine() as on:
        await on.press("ctrl+o")
        await on.until(lambda: on.app.batch.focused)
        await on.press("r")
        options = on.app.screen.query_one("OptionList")
        await on.until(lambda: options.option_count == 1)  # type: ignore[attr-defined]
        assert "no batch here" in str(options.get_option_at_index(0).prompt)  # type: ignore[attr-defined]


# --- starting -------------------------------------------------------------------------------------


async def test_one_key_opens_the_pane_and_says_how_to_begin() -> None:
    async with engine() as on:
        assert not on.app.compare.batch_pane.display
        await on.press("ctrl+o")
        await on.until(lambda: on.app.batch.focused)
        assert "n picks suites" in on.pane
        await on.press("ctrl+o")
        assert not on.app.compare.batch_pane.display
        assert on.app.compare.prompt.has_focus


async def test_the_form_starts_what_is_marked_with_its_limit() -> None:
    async with engine() as on:
        await on.press("ctrl+o")
        await on.until(lambda: on.app.batch.focused)
        await on.press("n")
        form = on.app.screen
        options = form.query_one("OptionList")
        await on.until(lambda: options.has_focus and options.option_count > 5)  # type: ignore[attr-defined]
        assert "quick" in str(options.get_option_at_index(0).prompt)  # type: ignore[attr-defined]
        await on.press("down", "space", "end", "space", "tab", *"16", "enter")
        await on.until(lambda: on.sent(Evaluate))
        asked = on.last(Evaluate)
        assert isinstance(asked, Evaluate)
        assert (asked.suites, asked.limit, asked.done) == (["core", "verdicts"], 16, [])
        assert on.runs[0].title == "core + verdicts ≤ 16"


async def test_without_saving_no_batch_begins() -> None:
    async with engine() as on:
        await on.press("ctrl+s", "ctrl+o")
        await on.until(lambda: on.app.batch.focused)
        await on.press("n")
        assert "^S turns saving on" in on.notices[-1]
        assert on.app.screen is on.app.compare


async def test_what_cannot_be_written_is_said_and_the_next_has_its_turn() -> None:
    class Full(Recorder):
        def keep_batch(self, run: str, path: Path) -> None:
            if not path.name.endswith("style.jsonl"):
                raise SessionError(f"{path} cannot be written: no space left on device")
            super().keep_batch(run, path)

    async with engine(recorder=Full) as on:
        run, other = await on.begin(["verdicts"]), await on.begin(["style"])
        assert (run.state, other.state) == (State.STOPPED, State.RUNNING)
        assert on.sent(Evaluate) == 1
        await on.press("left_square_bracket")
        assert "no space left on device" in on.pane


# --- what it shows --------------------------------------------------------------------------------


async def test_progress_matrix_bound_and_disagreements() -> None:
    async with engine((120, 45)) as on:
        run = await on.begin()
        on.client.say(planned(run))
        await on.tell(run, range(6))
        shown = on.pane
        assert "6 of 9" in shown
        assert "67 %" in shown
        assert "1 of 2: < 97.5 %" in shown
        assert "‼1" in shown
        assert "control: must fail" in shown
        assert "6 of 6" in shown, "all of the control's answers are unparsed"
        first = rows(on.app.compare.batch_pane.items).splitlines()[1]
        assert first.split()[:5] == ["‼", "verdicts/v2", "VETO", "→", "APPROVE"]
        assert "4bit" in first
        assert "all the same" in shown
        await on.press("f")
        assert "all the same" not in on.pane
        assert "1 flipped" in on.pane
        await on.press("m")
        assert "reference ↓ given" in on.pane


async def test_a_batch_never_disturbs_the_chat() -> None:
    async with engine() as on:
        chat = stream.Comparison("ui-1", {n: stream.ANSWERS[n] for n in NAMES})
        on.client.say(*chat.events())
        await on.until(lambda: on.app.compare.reading.run)
        run = await on.begin()
        on.client.say(planned(run))
        await on.tell(run, range(9), ev.ItemFinished(run.name))
        assert on.app.compare.reading.feed.run == "ui-1"
        assert list(on.app.desk.live.record.runs) == ["ui-1"]
        await on.press("escape")
        assert on.app.compare.prompt.has_focus
        on.app.compare.prompt.write("and now?")
        await on.press("enter")
        await on.until(lambda: on.sent(Ask))
        assert run.path is not None
        assert len(read_evidence(run.path).items) == 9


async def test_hidden_it_is_told_everything_and_draws_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with engine() as on:
        run = await on.begin()
        await on.press("ctrl+o")
        drawn: list[object] = []
        pane = on.app.compare.batch_pane
        monkeypatch.setattr(pane, "show", lambda *given: drawn.append(given))
        on.client.say(planned(run))
        await on.tell(run, range(3))
        assert not drawn
        assert on.app.batch.summary() == "batch 33 %"
        assert run.tally.critical_new["4bit"].count == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_every_size_shows_progress_bound_and_worst_item(size: tuple[int, int]) -> None:
    async with engine(size) as on:
        run = await on.begin()
        on.client.say(planned(run))
        await on.tell(run, range(9))
        for wanted in ("9 of 9", "1 of 3: < 86.5 %", "VETO → APPROVE"):
            assert wanted in on.pane
        assert on.app.compare.board.display == (size != (80, 24))


async def test_a_forecast_is_said_only_once_it_means_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with engine() as on:
        run = await on.begin()
        on.client.say(planned(run))
        await on.tell(run, range(3))
        assert progress.forecast(run) == "measuring the pace"
        suite = run.tally.suites[planted.VERDICTS.name]
        suite.timed_items, suite.timed_seconds = 20, 400.0
        assert progress.forecast(run) == "about 2 min left"


# --- the queue ------------------------------------------------------------------------------------


async def test_runs_wait_their_turn_and_can_be_moved_up() -> None:
    async with engine() as on:
        first, second, third = [await on.begin([name]) for name in ("verdicts", "style", "turns")]
        assert [run.state for run in on.runs] == [State.RUNNING, State.QUEUED, State.QUEUED]
        assert on.sent(Evaluate) == 1
        await on.app.batch.queue.up(third)
        assert on.runs == [first, third, second]
        await on.app.batch.queue.up(third)
        assert (first.state, third.state) == (State.WAITING, State.RUNNING)
        assert on.last(Pause) == Pause(first.name)
        on.client.say(ev.ItemFinished(third.name))
        await on.until(lambda: first.state is State.RUNNING)
        assert on.last(Pause) == Pause(first.name, False)
        assert third.state is State.FINISHED


async def test_pause_and_go_on() -> None:
    async with engine() as on:
        run = await on.begin()
        await on.press("space")
        assert on.last(Pause) == Pause(run.name)
        assert "paused" in on.pane
        await on.press("space")
        assert "running" in on.pane
        assert on.last(Pause) == Pause(run.name, False)


async def test_what_is_paused_steps_aside_and_comes_back_first() -> None:
    async with engine() as on:
        first, second, third = [await on.begin([name]) for name in ("verdicts", "style", "turns")]
        await on.press("space")
        assert [run.state for run in on.runs] == [State.PAUSED, State.RUNNING, State.QUEUED]
        await on.until(lambda: on.notices[-1] == "verdicts is paused; style has its turn")
        assert on.app.batch.run is first
        assert on.app.batch.summary() == "batch 0 %"
        assert not on.app.batch.available("raise_batch")
        await on.app.batch.queue.up(third)
        assert on.runs == [first, third, second]
        assert [run.state for run in on.runs] == [State.PAUSED, State.RUNNING, State.WAITING]
        await on.app.batch.queue.pause(third)
        await on.until(lambda: on.notices[-1] == "turns is paused; style has its turn")
        assert on.last(Pause) == Pause(second.name, False)
        await on.app.batch.queue.pause(third)
        await on.until(lambda: on.notices[-1] == "turns goes on; style waits")
        assert (second.state, third.state) == (State.WAITING, State.RUNNING)
        notices = len(on.notices)
        await on.app.batch.queue.pause(second)
        assert (second.state, len(on.notices)) == (State.PAUSED, notices)
        await on.app.batch.queue.pause(second)
        await on.until(lambda: on.notices[-1] == "style goes on; turns waits")
        assert on.runs == [first, second, third]
        await on.press("space")
        assert on.runs == [first, second, third]
        assert [run.state for run in on.runs] == [State.RUNNING, State.WAITING, State.WAITING]
        assert on.last(Pause) == Pause(first.name, False)


async def test_what_was_moved_up_while_another_rests_waits_when_that_goes_on() -> None:
    async with engine() as on:
        first = await on.begin(["verdicts"])
        await on.press("space")
        assert on.app.batch.summary() == "batch paused"
        second = await on.begin(["style"])
        assert (first.state, second.state) == (State.PAUSED, State.RUNNING)
        await on.app.batch.queue.up(second)
        assert on.runs == [first, second]
        on.client.say(ev.ItemFinished(second.name))
        await on.until(lambda: second.state is State.FINISHED)
        assert first.state is State.PAUSED
        assert on.app.batch.summary() == "batch paused"
        third = await on.begin(["turns"])
        await on.app.batch.queue.pause(first)
        assert on.runs == [first, second, third]
        assert (first.state, third.state) == (State.RUNNING, State.WAITING)


async def test_cancel_asks_first_and_the_next_begins() -> None:
    async with engine() as on:
        run = await on.begin()
        other = await on.begin(["style"])
        await on.press("x", "n")
        assert run.state is State.RUNNING
        await on.press("x", "y")
        await on.until(lambda: run.state is State.CANCELLED)
        assert on.last(Cancel) == Cancel(run.name)
        assert other.state is State.RUNNING


async def test_after_a_death_it_goes_on_in_the_same_file() -> None:
    async with engine() as on:
        run = await on.begin()
        on.client.say(planned(run))
        await on.tell(run, range(4))
        on.client.say(ev.EngineDied("killed"))
        await on.until(lambda: run.state is State.QUEUED)
        await on.until(lambda: on.app.screen is not on.app.compare)
        await on.press("r")
        await on.until(lambda: on.sent(Load) == 2)
        path = run.path
        on.client.say(stream.engine_started(), stream.loaded(NAMES))
        await on.until(lambda: on.sent(Evaluate) == 2)
        asked = on.last(Evaluate)
        assert isinstance(asked, Evaluate)
        assert asked.done == [f"verdicts@general/v{n}" for n in range(4)]
        on.client.say(planned(run))
        await on.tell(run, range(4, 9), ev.ItemFinished(run.name))
        assert run.path == path
        assert path is not None
        assert len(read_evidence(path).items) == 9
        assert read_evidence(path).status == "finished"


async def test_a_batch_that_the_engine_refuses_says_why() -> None:
    async with engine() as on:
        run = await on.begin(["nonsense"])
        on.client.say(ev.Failed("no suite is called “nonsense”", run=run.name))
        on.client.say(ev.ItemFinished(run.name, "failed"))
        await on.until(lambda: run.state is State.FAILED)
        on.app.batch.refresh()
        assert "no suite is called" in on.pane


# --- at the end -----------------------------------------------------------------------------------


async def test_the_gates_answer_and_where_the_report_is() -> None:
    async with engine((120, 45)) as on:
        run = await on.begin()
        on.client.say(planned(run))
        await on.tell(run, range(9), ev.ItemFinished(run.name))
        await on.until(lambda: run.judgement)
        on.app.batch.refresh()
        await on.pilot.pause()
        assert "DO NOT SHIP" in on.pane
        assert run.path is not None
        assert f"corefeel report {run.path.stem}" in on.pane
        await on.press("g")
        page = str(on.app.screen.query_one("Static").render())
        assert "1 new critical error" in page
        assert str(run.path) in page


async def test_an_item_opens_at_its_fork_and_a_key_leads_back() -> None:
    async with engine() as on:
        chat = stream.Comparison("ui-1", {n: stream.ANSWERS[n] for n in NAMES})
        on.client.say(*chat.events())
        await on.until(lambda: on.app.compare.reading.run)
        run = await on.begin()
        on.client.say(planned(run))
        await on.tell(run, range(6))
        await on.press("enter")
        await on.until(lambda: on.app.shown is not on.app.desk.live)
        reading = on.app.compare.reading
        await on.until(lambda: reading.cursor is not None)
        assert reading.run is not None
        assert reading.run.started.item == "v2"
        assert reading.names == NAMES, "neither the control nor a floor"
        assert reading.pane == "4bit"
        assert reading.cursor == reading.run.trajectories["4bit"].fork
        pane = on.app.compare.board.panes.pane("4bit")
        assert pane is not None
        await on.until(lambda: pane.text.has_focus)
        await on.press("b")
        assert on.app.shown is on.app.desk.live
        assert on.app.compare.reading.feed.run == "ui-1"


async def test_quitting_asks_while_a_batch_is_not_finished() -> None:
    async with engine() as on:
        await on.begin()
        await on.press("ctrl+q")
        assert on.app.screen is not on.app.compare
        await on.press("n")
        assert on.app.is_running


async def test_help_tells_the_keys_of_the_pane() -> None:
    page = str(help_text())
    assert "^O" in page
    assert "Let the batch rest while the next one has its turn" in page
