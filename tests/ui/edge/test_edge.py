"""The Edge screen by what it shows and what it asks, over an engine whose margins are reckoned."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events

from corefeel_tui import events as ev
from corefeel_tui.commands import Cancel, Command, Ladder, Load, Meter, Scan, Search
from corefeel_tui.suites import load_suite
from corefeel_tui.ui.app import make_app
from corefeel_tui.ui.edge import climbing, searching, words
from corefeel_tui.ui.edge.screen import EdgeScreen
from corefeel_tui.ui.edge.subject import suite_called
from corefeel_tui.ui.screens.help import help_text
from corefeel_tui.ui.suite_picker import prompt_choices
from corefeel_tui.ui.widgets.writing import PASTE_LIMIT
from tests.ui import stream
from tests.ui.conftest import Stage, rows
from tests.ui.edge import told
from tests.ui.scripted import Answer, ScriptedClient

SLOT = "It is forbidden. Action: we {gently open|open|watch|allowed watch gently} the gate."
MAP = "It is {forbidden|allowed}. Action: {open|burn|blow} it."


class Edge(Stage):
    """The Edge screen over a prompt."""

    @property
    def screen(self) -> EdgeScreen:
        assert self.app.edge.screen is not None
        return self.app.edge.screen

    def sent(self, kind: type[Command]) -> list[Command]:
        return [command for command in self.client.commands if isinstance(command, kind)]

    @property
    def meter(self) -> str:
        return rows(self.screen.meter)

    @property
    def shown(self) -> str:
        """Everything the panel on show draws."""
        assert self.screen.panel is not None
        drawn = [w for w in self.screen.panel.query("*") if hasattr(w, "render_line")]
        return "\n".join(rows(widget) for widget in drawn)

    async def sees(self, text: str) -> None:
        """Wait until the panel shows a text."""
        await self.until(lambda: self.screen.panel is not None and text in self.shown)

    async def needles(self, text: str) -> None:
        await self.until(lambda: text in self.meter)


@asynccontextmanager
async def edge(
    prompt: str = told.EVIDENCE,
    size: tuple[int, int] = (120, 40),
    answer: Answer = told.answer,
) -> AsyncIterator[Edge]:
    client = ScriptedClient(answer)
    app = make_app(client, load=Load(None, told.MODELS))
    async with app.run_test(size=size) as pilot:
        on = Edge(app, pilot, client)
        client.say(stream.engine_started(), stream.loaded(told.MODELS))
        await on.until(lambda: app.desk.live.record.loaded)
        app.compare.prompt.write(prompt)
        await on.press("ctrl+e")
        await on.until(lambda: app.edge.open and on.screen.is_current)
        yield on


# --- the meter ------------------------------------------------------------------------------------


async def test_needles_follow_the_typing_and_say_who_left() -> None:
    async with edge() as on:
        await on.needles("bf16")
        wanted = told.margins(told.EVIDENCE).margins
        line = next(line for line in on.meter.splitlines() if "bf16" in line)
        assert f"{wanted['bf16']:+.1f}" in line
        assert "VETO" in line
        assert "‼ 3bit says APPROVE where bf16 says VETO" in on.meter
        assert "4bit has lost 64 % of its margin and still says VETO" in on.meter
        await on.press(*" allowed allowed")
        await on.until(lambda: re.search(r"bf16 +APPROVE", on.meter))
        measured = on.sent(Meter)
        assert isinstance(measured[-1], Meter)
        assert measured[-1].prompt.endswith(" allowed allowed")
        assert measured[-1].revision > 1
        assert len(measured) < 10  # a pause sends, not every key


async def test_a_burst_of_keys_is_taken_in_its_order() -> None:
    async with edge("It is covered") as on:
        burst = [("backspace", None)] * 7 + [(letter, letter) for letter in "met"]
        for key, character in burst + [("backspace", None)] * 3 + [("o", "o"), ("k", "k")]:
            on.app.post_message(events.Key(key, character))
        await on.until(lambda: on.screen.editor.text.endswith("ok"))
        assert on.screen.editor.text == "It is ok"


async def test_a_paste_that_is_cut_is_told() -> None:
    async with edge() as on:
        on.screen.editor.write("")
        on.app.post_message(events.Paste("word " * 200_000))
        await on.until(lambda: on.screen.editor.text)
        await on.until(lambda: on.notices)
        assert len(on.screen.editor.text) == PASTE_LIMIT
        assert f"a prompt holds {PASTE_LIMIT:,}" in on.notices[0]


async def test_revisions_of_one_trail_rise_and_new_labels_begin_another() -> None:
    async with edge() as on:
        await on.needles("bf16")
        await on.press(*" forbidden")
        await on.until(lambda: len(on.sent(Meter)) >= 2)
        await on.press("f6", *"yes v no", "enter")
        await on.until(lambda: on.sent(Meter)[-1].readout["margin"] == ["yes", "no"])  # type: ignore[attr-defined]
        runs = [command.run for command in on.sent(Meter)]  # type: ignore[attr-defined]
        assert len(set(runs)) == 2
        revisions = [command.revision for command in on.sent(Meter)]  # type: ignore[attr-defined]
        assert revisions == sorted(set(revisions))
        await on.needles("yes ▶")
        assert on.screen.editor.has_focus


async def test_wrong_labels_are_told_while_they_are_written() -> None:
    async with edge() as on:
        await on.press("f6", *"VETO")
        await on.until(lambda: "is one label" in rows(on.screen.labels.said))
        await on.press("escape")
        assert on.screen.labels.input.value == "VETO v APPROVE"
        assert on.screen.editor.has_focus


async def test_what_the_engine_refuses_stands_under_the_last_needles() -> None:
    def refuse(command: Command) -> list[ev.Event]:
        if isinstance(command, Meter) and "context" in command.prompt:
            reason = "the prompt is longer than the context"
            return [ev.Failed(reason, command.run), ev.ItemFinished(command.run, status="failed")]
        return told.answer(command)

    async with edge(answer=refuse) as on:
        await on.needles("3bit says APPROVE")
        await on.press(*" context")
        await on.needles("the prompt is longer than the context")
        assert "bf16" in on.meter
        assert not on.notices  # said where it happened, not in the corner
        await on.press(*["backspace"] * 8)
        await on.needles("3bit says APPROVE")


async def test_without_a_prompt_two_lines_say_how_to_begin() -> None:
    async with edge("") as on:
        assert "^T takes one" in on.meter
        assert len(on.meter.splitlines()) == 2
        assert not on.sent(Meter)
        await on.press("f2")
        await on.sees("the prompt is empty")


async def test_hidden_it_measures_nothing() -> None:
    async with edge() as on:
        await on.needles("bf16")
        await on.press("escape")
        assert on.app.screen is on.app.compare
        before = len(on.sent(Meter))
        on.screen.editor.insert(" forbidden")
        await on.say([told.margins("other", "edge-meter-9", 3)])
        assert len(on.sent(Meter)) == before
        assert on.screen._pause is None
        assert on.screen._panel_due is None


async def test_the_prompt_goes_back_to_compare() -> None:
    async with edge() as on:
        await on.press(*" Now.", "f9")
        assert on.app.compare.prompt.text == told.EVIDENCE + " Now."
        assert on.app.screen is on.app.compare


# --- words ----------------------------------------------------------------------------------------


async def test_words_are_sorted_by_dispute_and_one_is_taken_out() -> None:
    async with edge() as on:
        await on.press("f2")
        await on.sees("forbidden")
        await on.sees("most disputed first")
        table = rows(on.screen.panel.query_one("Rows"))  # type: ignore[union-attr]
        first = table.splitlines()[1]
        assert "forbidden" in first
        assert "+4.0" in first
        await on.press("u")
        await on.sees("[clause]")
        await on.press("u", "u")
        await on.sees("[word]")
        await on.press("v")
        await on.sees("tint: 8bit")
        await on.press("enter")
        await on.until(lambda: "forbidden" not in on.screen.editor.text)
        await on.until(lambda: "forbidden" not in on.sent(Meter)[-1].prompt)  # type: ignore[attr-defined]


async def test_escape_stops_a_scan_that_runs() -> None:
    def half(command: Command) -> list[ev.Event]:
        if isinstance(command, Scan):
            begun = [*told.scan(command)][:9]
            return [*begun, ev.Progress(command.run, 7, 60, "parts")]
        return told.answer(command)

    async with edge(answer=half) as on:
        await on.press("f2")
        await on.sees("7 of 60 parts")
        await on.press("escape")
        assert [command.run for command in on.sent(Cancel)] == [on.sent(Scan)[0].run]  # type: ignore[attr-defined]
        await on.sees("stopped early")
        assert on.screen.panel is not None
        await on.press("escape")
        assert on.screen.panel is None


# --- ladders --------------------------------------------------------------------------------------


async def test_a_slot_becomes_a_chart_with_flips_and_shifts() -> None:
    async with edge(SLOT, (140, 44)) as on:
        await on.press("f3")
        await on.sees("as the reference")
        assert "rung 4" in on.shown  # allowed tips the reference on the last rung
        assert "3 rungs earlier" in on.shown
        await on.press("right", "right", "right")
        await on.sees("rung 4 allowed watch gently")
        await on.press("enter")
        assert "we allowed watch gently the gate" in on.screen.editor.text


async def test_two_slots_become_a_map_of_letters() -> None:
    async with edge(MAP, (140, 44)) as on:
        await on.press("f3")
        await on.sees("2 × 3 map")
        assert "VETO 3" in on.shown  # 3bit says otherwise
        assert "= all as the reference" in on.shown
        await on.press("right", "down")
        await on.sees("cell 2 × 2 allowed · burn")


async def test_a_ladder_of_a_suite_brings_its_labels() -> None:
    async with edge(size=(140, 44)) as on:
        await on.press("f3")
        await on.until(lambda: on.app.screen is not on.screen)
        options = on.app.screen.query_one("OptionList")
        await on.until(lambda: options.option_count > 5)  # type: ignore[attr-defined]
        await on.press("enter")
        await on.until(lambda: on.sent(Ladder))
        asked = on.sent(Ladder)[-1]
        assert isinstance(asked, Ladder)
        assert asked.readout["margin"] == ["refuse", "comply"]
        assert len(asked.rungs) == 6
        await on.sees("6 rungs of")
        assert on.screen.labels.input.value == "refuse v comply"


def test_what_an_empty_panel_says_fits_into_80_columns() -> None:
    for empty in (words.EMPTY, climbing.EMPTY, searching.EMPTY):
        assert all(sum(len(text) for _, text in line) <= 78 for line in empty)


# --- searches -------------------------------------------------------------------------------------


async def test_an_example_is_found_shown_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with edge() as on:
        await on.press("f4")
        await on.sees("3bit says  APPROVE  where bf16 says VETO")
        assert "none in 3 prompts" in on.shown  # 8bit never left
        await on.press("down")
        await on.sees("+is never allowed")
        await on.press("s")
        await on.until(lambda: any("saved as" in notice for notice in on.notices))
        (path,) = Path("prompts").glob("*.toml")
        (item,) = load_suite(path).item
        assert "is never allowed" in item.first_prompt
        assert any(choice.item == item.id for choice in prompt_choices(True)[0])
        assert suite_called(path.stem, True) is not None
        await on.press("enter")
        assert on.screen.editor.text == item.first_prompt


async def test_a_suite_is_searched_where_it_is_narrowest() -> None:
    async with edge() as on:
        await on.press("f5")
        await on.until(lambda: on.app.screen is not on.screen)
        options = on.app.screen.query_one("OptionList")
        await on.until(lambda: options.option_count >= 2)  # type: ignore[attr-defined]
        await on.press(*"verdicts", "enter")
        await on.until(lambda: on.sent(Search))
        asked = on.sent(Search)[-1]
        assert isinstance(asked, Search)
        assert asked.suite == "verdicts@pocket"
        await on.sees("3 items, narrowest first")
        assert "not searched" in on.shown
        assert on.shown.index("town-veto-003") < on.shown.index("town-veto-007")


# --- recordings -----------------------------------------------------------------------------------


def recording() -> list[ev.Event]:
    commands: list[Command] = [
        Scan("edge-scan-1", told.EVIDENCE, told.READOUT),
        Ladder("edge-ladder-1", told.READOUT, prompt=SLOT),
        Search("edge-search-1", prompt=told.EVIDENCE, readout=told.READOUT),
    ]
    meters = [
        told.margins(told.EVIDENCE[:at], revision=at) for at in (200, 300, len(told.EVIDENCE))
    ]
    return [stream.loaded(told.MODELS), *meters, *(e for c in commands for e in told.answer(c))]


async def test_a_recording_shows_all_of_it_and_asks_nothing() -> None:
    client = ScriptedClient(live=False)
    app = make_app(client)
    async with app.run_test(size=(120, 40)) as pilot:
        on = Edge(app, pilot, client)
        client.say(*recording())
        await on.until(lambda: app.edge.open)  # nothing but edges in it: they open at once
        await on.needles("3bit says APPROVE where bf16 says VETO")
        assert on.screen.editor.read_only
        assert on.screen.editor.text == told.EVIDENCE
        for key, seen in (("f2", "forbidden"), ("f3", "rung 1"), ("f4", "3bit says")):
            await on.press(key)
            await on.sees(seen)
        assert not client.commands
        await on.press("f4")
        assert on.screen.panel is None


# --- sizes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_every_panel_fits(size: tuple[int, int]) -> None:
    async with edge(SLOT, size) as on:
        await on.needles("bf16")
        for key in ("f2", "f3", "f4"):
            await on.press(key)
            await on.until(lambda: on.screen.panel is not None and not on.screen.engine.busy)
            await on.until(lambda: "bf16" in on.shown or "3bit" in on.shown)
            region = on.screen.panel.region  # type: ignore[union-attr]
            assert region.bottom <= size[1] - 1
            assert region.right <= size[0]
        assert "bf16" in on.meter


def test_help_names_every_key_of_the_screen() -> None:
    text = help_text().plain
    assert "Edge (in its screen)" in text
    assert "Search the smallest change" in text
