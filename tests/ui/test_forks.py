"""Forks and branches by what the screens show and what the app sends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.widgets import OptionList, Static, TextArea, Tree

from corefeel_tui import events as ev
from corefeel_tui.commands import Ask, Cancel, Command, Heal, Load
from corefeel_tui.session_writer import SessionWriter, make_header
from corefeel_tui.ui.forks.branch_screens import PromptEditor, TokenPicker
from corefeel_tui.ui.forks.differing import differing
from corefeel_tui.ui.forks.heal_screen import HealScreen
from corefeel_tui.ui.forks.page import fell_in_step
from corefeel_tui.ui.forks.side_by_side import SideBySide
from corefeel_tui.ui.forks.tally_screen import TallyScreen
from corefeel_tui.ui.forks.tree_screen import TreeScreen
from corefeel_tui.verdicts import JUDGE
from tests.ui import stream
from tests.ui.conftest import Stage, stage
from tests.ui.scripted import ScriptedClient

PROMPT_IDS = [1, 2, 3]


def session(run: str = "ui-1", **fields: Any) -> list[ev.Event]:
    """A whole comparison, with all that a later look at its forks needs."""
    told = {"prompt_ids": {"bf16": PROMPT_IDS}, "verdict": JUDGE.as_dict(), **fields}
    return [
        replace(event, **told) if isinstance(event, ev.Started) else event
        for event in stream.session(run)
    ]


def healed(command: Heal) -> Iterable[ev.Event]:
    """What an engine says of a heal: every fork decides the verdict, 4bit's is a tie-break."""
    yield ev.Progress(command.run, 0, len(command.forks), "forks")
    for case in command.forks:
        variant, at = case["variant"], case["position"]
        tokens = {name: ids[at] for name, ids in case["ids"].items()}
        top = {name: {"ids": [id, 9], "logprob": [-0.5, -2.0]} for name, id in tokens.items()}
        tie = variant == "4bit"
        way = {"at": 0 if tie else None, "shift": 0, "told": True}
        side = {"ids": [5], "reason": "stop", "was": "VETO", "rejoins": way}
        yield ev.Healed(
            command.run,
            case["of"],
            "bf16",
            variant,
            at,
            "tie-break" if tie else "verdict-changing",
            tokens,
            top,
            {"bf16": [-0.5, -3.0], variant: [-2.0, -0.7]},
            {
                "bf16": {**side, "text": "APPROVE it", "label": "VETO" if tie else "APPROVE"},
                variant: {**side, "text": "VETO it", "label": "VETO"},
            },
        )
    yield ev.Progress(command.run, len(command.forks), len(command.forks), "forks")
    yield ev.ItemFinished(command.run)


def answers(command: Command) -> Iterable[ev.Event]:
    if isinstance(command, Heal):
        return healed(command)
    if isinstance(command, Ask):
        run = stream.Comparison(command.run, prompt=command.prompt).events()
        return [
            replace(e, branches_from=command.branches_from, prompt_ids={"bf16": PROMPT_IDS})
            if isinstance(e, ev.Started)
            else e
            for e in run
        ]
    return []


def sent(on: Stage, kind: type[Any]) -> list[Any]:
    return [command for command in on.client.commands if isinstance(command, kind)]


def page(on: Stage) -> str:
    """What the dialog in front says."""
    return "\n".join(str(widget.render()) for widget in on.app.screen.query(Static))


async def settled(on: Stage, kind: type[Any]) -> None:
    await on.until(lambda: isinstance(on.app.screen, kind) and not on.app.arrivals.draining)
    await on.pilot.pause()


# --- healing --------------------------------------------------------------------------------------


async def test_one_key_shows_what_the_current_fork_was() -> None:
    async with stage((140, 44), session(), ScriptedClient(answers)) as on:
        await on.press("escape", "4", "h")
        await settled(on, HealScreen)
        await on.until(lambda: "verdict-changing" in page(on))
        (command,) = sent(on, Heal)
        (case,) = command.forks
        assert (case["variant"], case["prompt"]) == ("3bit", PROMPT_IDS)
        assert case["was"] == {"bf16": "VETO", "3bit": "APPROVE"}
        assert not command.background
        text = page(on)
        for words in (
            "the token decides the verdict",
            "becomes APPROVE",
            "log-odds of “VE",
            "bf16 +2.5 · 3bit −1.3",
            "bf16, given",
            "goes its own way",
        ):
            assert words in text, text
        await on.press("escape", "h")
        await settled(on, HealScreen)
        assert "verdict-changing" in page(on)
        assert len(sent(on, Heal)) == 1, "what is known is not asked again"
        await on.press("n")
        await on.until(lambda: len(sent(on, Heal)) == 2)
        assert sent(on, Heal)[1].forks[0]["variant"] == "2bit"


async def test_all_forks_of_the_session_are_counted_and_open_at_their_place() -> None:
    async with stage((140, 44), session(), ScriptedClient(answers)) as on:
        await on.press("escape", "H")
        await settled(on, TallyScreen)
        await on.until(lambda: on.app.screen.query_one(OptionList).option_count == 3)
        (command,) = sent(on, Heal)
        assert {case["variant"] for case in command.forks} == {"4bit", "3bit", "2bit"}
        assert command.background, "a prompt typed meanwhile goes first"
        first = str(on.app.screen.query_one(OptionList).get_option_at_index(0).prompt)
        last = str(on.app.screen.query_one(OptionList).get_option_at_index(2).prompt)
        assert first.startswith("verdict-changing")
        assert last.startswith("tie-break")
        assert "not tested yet" not in page(on)
        await on.press("enter")
        await settled(on, HealScreen)
        reading = on.app.compare.reading
        assert reading.pane == "2bit"
        assert reading.cursor == reading.run.trajectories["2bit"].fork  # type: ignore[union-attr]


async def test_a_test_of_all_forks_can_be_cancelled() -> None:
    def slow(command: Command) -> Iterable[ev.Event]:
        if isinstance(command, Heal):
            return [ev.Progress(command.run, 1, 3, "forks")]
        if isinstance(command, Cancel):
            return [ev.ItemFinished(command.run, "cancelled")]
        return []

    async with stage((140, 44), session(), ScriptedClient(slow)) as on:
        await on.press("escape", "H")
        await settled(on, TallyScreen)
        await on.until(lambda: "testing 1 of 3 forks" in page(on))
        await on.press("x")
        await on.until(lambda: sent(on, Cancel))
        await on.until(lambda: "testing" not in page(on) and "stopping" not in page(on))
        assert sent(on, Cancel)[0].run == sent(on, Heal)[0].run


async def test_what_cannot_be_healed_is_said() -> None:
    async with stage(events=stream.session(), client=ScriptedClient(answers)) as on:
        await on.press("escape", "4", "h")
        await on.until(lambda: on.notices)
        assert "without the tokens of its prompt; ask it again" in on.notices[-1]
        assert not sent(on, Heal)

    def refuse(command: Command) -> Iterable[ev.Event]:
        if isinstance(command, Heal):
            return [
                ev.Failed("this run was made with another model", command.run),
                ev.ItemFinished(command.run, "failed"),
            ]
        return []

    async with stage(events=session(), client=ScriptedClient(refuse)) as on:
        await on.press("escape", "4", "h")
        await settled(on, HealScreen)
        await on.until(lambda: "made with another model" in page(on))


async def test_a_recording_shows_its_forks_without_a_model() -> None:
    told = [*session(), *healed(Heal("h", _cases()))]
    async with stage((140, 44), told, ScriptedClient(live=False)) as on:
        await on.press("4", "h")
        await settled(on, HealScreen)
        assert "the token decides the verdict" in page(on)
        await on.press("escape", "H")
        await settled(on, TallyScreen)
        assert on.app.screen.query_one(OptionList).option_count == 3
    async with stage(events=session(), client=ScriptedClient(live=False)) as on:
        await on.press("4", "h")
        await on.until(lambda: on.notices)
        assert "this is a recording" in on.notices[-1]


def _cases() -> list[dict[str, Any]]:
    from corefeel_tui.folding import fold
    from corefeel_tui.forks import case_of, forked

    run = fold(session()).runs["ui-1"]
    return [case_of(run, name).as_dict() for name in forked(run)]


def test_signs_tell_what_changed() -> None:
    assert str(differing("the salt burns at nine", "the salt melts at nine")) == (
        "the salt −burns +melts at nine"
    )
    assert str(differing("one two", "one two")) == "one two"
    assert fell_in_step({"at": 0, "shift": 0, "told": True}) == "goes on the same"
    assert fell_in_step({"at": 4, "shift": 2}) == "goes on the same after 4 tokens, 2 more by then"
    assert fell_in_step({"at": None, "told": False}) == "cut off too soon to tell"


# --- branches -------------------------------------------------------------------------------------


async def test_another_token_at_the_cursor_makes_a_branch() -> None:
    async with stage((140, 44), session(), ScriptedClient(answers)) as on:
        await on.press("escape", "4", "g", "w")
        await settled(on, TokenPicker)
        run = on.app.compare.reading.run
        assert run is not None
        answer = run.trajectories["3bit"]
        options = on.app.screen.query_one(OptionList)
        lines = [str(options.get_option_at_index(i).prompt) for i in range(options.option_count)]
        assert sum(line.startswith("▸") for line in lines) == 1
        await on.press("down", "enter")
        await on.until(lambda: sent(on, Ask))
        (ask,) = sent(on, Ask)
        fork = answer.fork or 0
        assert ask.forced[:-1] == answer.ids[:fork]
        assert ask.prompt_ids == {"bf16": PROMPT_IDS}
        assert ask.variants == list(stream.ANSWERS)
        assert ask.branches_from == {
            "run": "ui-1", "trajectory": "3bit", "position": fork, "token": ask.forced[-1]
        }  # fmt: skip
        await on.until(lambda: not on.app.desk.running)
        assert on.app.compare.reading.run.started.run == ask.run  # type: ignore[union-attr]


async def test_an_edited_prompt_keeps_the_answer_up_to_the_cursor() -> None:
    async with stage((140, 44), session(), ScriptedClient(answers)) as on:
        await on.press("escape", "1", "home", "right", "right", "W")
        await settled(on, PromptEditor)
        assert "the first 2 tokens of bf16" in page(on)
        area = on.app.screen.query_one(TextArea)
        area.text = "  "
        await on.press("ctrl+j")
        assert "the prompt is empty" in on.notices[-1]
        area.text = "Judge another action."
        await on.press("ctrl+j")
        await on.until(lambda: sent(on, Ask))
        (ask,) = sent(on, Ask)
        assert ask.prompt == "Judge another action."
        assert len(ask.forced) == 2
        assert ask.branches_from["edited"]
        assert not ask.prompt_ids


def two_runs() -> list[ev.Event]:
    """A run and its branch, which says something else."""
    changed = {**stream.ANSWERS, "3bit": stream.ANSWERS["bf16"]}
    branch = stream.Comparison("ui-2", changed)
    origin = {"run": "ui-1", "trajectory": "3bit", "position": 4, "token": 12}
    return [
        *session(),
        *(
            replace(event, branches_from=origin) if isinstance(event, ev.Started) else event
            for event in branch.events()
        ),
    ]


async def test_the_tree_shows_a_run_and_puts_two_side_by_side() -> None:
    async with stage((140, 44), two_runs(), ScriptedClient(live=False)) as on:
        assert on.app.compare.reading.feed.run == "ui-2"
        await on.press("u")
        await settled(on, TreeScreen)
        root = on.app.screen.query_one(Tree).root
        (parent,) = root.children
        (child,) = parent.children
        assert (parent.data, child.data) == ("ui-1", "ui-2")
        assert "↳ 3bit at 4" in str(child.label)
        assert "3 VETO · 1 APPROVE" in str(parent.label)
        assert "4 VETO" in str(child.label)
        await on.press("c")
        assert "mark two runs" in on.notices[-1]
        await on.press("space", "up", "space", "c")
        await settled(on, SideBySide)
        assert "bf16" in page(on)
        assert "+" not in str(on.app.screen.query_one("#second", Static).render()).split("\n")[-1]
        await on.press("right", "right", "right")
        second = str(on.app.screen.query_one("#second", Static).render())
        assert "VETO" in second
        assert "−APPROVE +VETO" in second
        await on.press("escape", "u")
        await settled(on, TreeScreen)
        await on.press("up", "enter")
        await on.until(lambda: on.app.compare.reading.feed.run == "ui-1")


class Kept:
    """A keeper that notes what belongs to which earlier session."""

    saving = True
    path = None

    def __init__(self) -> None:
        self.addenda: list[tuple[str, Path]] = []

    def keep_addendum(self, run: str, path: Path) -> None:
        self.addenda.append((run, path))


async def test_a_reopened_session_takes_in_heals_and_branches(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-21-old.jsonl"
    writer = SessionWriter(path, make_header(stream.engine_started(), stream.loaded(), {}))
    for event in session("old"):
        writer.append(event)
    writer.close()
    keeper = Kept()
    live = [stream.engine_started(), stream.loaded()]
    load = Load("big", list(stream.ANSWERS))
    async with stage((140, 44), live, ScriptedClient(answers), recorder=keeper, load=load) as on:
        await on.app.player.open(path)
        shown = on.app.shown
        shown.client.speed = float("inf")  # type: ignore[attr-defined]
        await on.until(lambda: "old" in shown.record.runs and shown.record.runs["old"].finished)
        await on.press("escape", "4", "h")
        await settled(on, HealScreen)
        await on.until(lambda: ("old", "3bit") in shown.record.healed)
        await on.press("escape", "H")
        await settled(on, TallyScreen)
        await on.until(lambda: on.app.screen.query_one(OptionList).option_count >= 2)
        await on.press("escape", "w")
        await settled(on, TokenPicker)
        await on.press("enter")
        await on.until(lambda: len(shown.record.runs) == 2)
        (ask,) = sent(on, Ask)
        assert ask.run in shown.record.runs
        assert ask.run not in on.app.desk.live.record.runs
        await on.until(lambda: not on.app.desk.running)
        runs = [command.run for command in on.client.commands if isinstance(command, Heal | Ask)]
        assert keeper.addenda == [(run, path) for run in runs]
