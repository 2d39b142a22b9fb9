"""What must not break the screen: hostile output, tiny terminals, long pastes, a dead engine."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList

from corefeel_tui import events as ev
from corefeel_tui.commands import Load
from corefeel_tui.errors import EngineError, SessionError
from corefeel_tui.ui.batch.start import StartScreen
from corefeel_tui.ui.history import KEPT, History
from corefeel_tui.ui.screens.chooser import LISTED
from corefeel_tui.ui.suite_picker import prompt_picker
from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.widgets.writing import PASTE_LIMIT
from tests.ui import stream
from tests.ui.conftest import rows, stage
from tests.ui.scripted import ScriptedClient

LOADED = [stream.engine_started(), stream.loaded()]
HOSTILE = {
    "bf16": "[red]\x1b[2J\x1b]0;owned\x07 \u202eevil [/] $x [@click=app.bell]go[/]",
    "8bit": "漢字かな交じり文 \x9b31m ok é e\u0301 \u200b!",
}


# --- hostile output -------------------------------------------------------------------------------


async def test_model_output_is_shown_and_not_obeyed() -> None:
    run = stream.Comparison("ui-1", HOSTILE, prompt="\x1b[31m[b]prompt")
    async with stage(events=[*LOADED, *run.events()]) as on:
        shown = on.text("bf16")
        assert "[red]␛[2J␛]0;owned␇ ⟨U+202E⟩evil [/] $x [@click=app.bell]go[/]" in shown.replace(
            "\n", " "
        )
        assert "漢字かな交じり文" in on.text("8bit")
        for key in ("f2", "f3", "f6", "f7"):
            await on.press(key)
        picture = "".join(
            on.line(widget, y)
            for widget in on.app.compare.query("*")
            if hasattr(widget, "render_line") and widget.display
            for y in range(widget.size.height)
        )
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e" for c in picture)


async def test_hostile_names_reasons_and_notices_are_inert() -> None:
    name = "[red]x\x1b[2J"
    run = stream.Comparison("ui-1", {"bf16": "a b", name: "a c"})
    more = [
        ev.Notice("\x1b[31m[blink]look"),
        ev.Failed("[/nonsense] \x1b broke", variant=name),
        ev.Loading("\x1b[2J", "[b]stage", 1, 2),
    ]
    async with stage(events=[stream.loaded(["bf16", name]), *run.events(), *more]) as on:
        assert "[red]x␛[2J" in str(on.pane(name)._border_title)
        assert all("\x1b" not in note for note in on.notices)
        assert any("[blink]look" in note for note in on.notices)


async def test_wide_characters_keep_the_frame() -> None:
    text = "漢字" * 200
    run = stream.Comparison("ui-1", {"bf16": text, "8bit": text})
    async with stage((80, 24), [*LOADED, *run.events()]) as on:
        view = on.pane("bf16").text
        for y in range(view.size.height):
            assert view.render_line(y).cell_length == view.size.width


# --- terminals ------------------------------------------------------------------------------------


async def test_a_terminal_too_small_gets_a_sentence_and_recovers() -> None:
    async with stage((120, 35)) as on:
        await on.pilot.resize_terminal(40, 10)
        await on.until(lambda: type(on.app.screen).__name__ == "TooSmallScreen")
        assert "60×15" in on.app.screen.query_one("Static").render().plain
        await on.pilot.resize_terminal(80, 24)
        await on.until(lambda: on.app.screen is on.app.compare)
        assert "APPROVE" in on.text("3bit")


@pytest.mark.parametrize("size", [(1, 1), (20, 3), (59, 40), (60, 15)])
async def test_no_size_breaks_the_app(size: tuple[int, int]) -> None:
    async with stage(size) as on:
        await on.press("f2", "f6", "f7", "f4")
        assert on.app.is_running


async def test_resizing_keeps_the_cursor_and_the_tail() -> None:
    async with stage((200, 50)) as on:
        await on.press("escape", "g")
        await on.pilot.resize_terminal(80, 24)
        await on.until(lambda: on.pane("bf16").outer_size.width < 40)
        assert on.app.compare.reading.cursor == 5
        view = on.pane("2bit").text
        assert view.scroll_offset.y <= view.max_scroll_y


async def test_without_colour_levels_and_cursor_are_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage() as on:
        assert on.app.no_color
        await on.press("escape", "4", "g", "right")
        segments = [s for y in range(3) for s in on.pane("3bit").text.render_line(y)]
        assert any(s.style.underline for s in segments)
        cursor = [
            s for s in segments if s.style == on.pane("3bit").text._styled(0, 0, "token--cursor")
        ]
        assert "".join(s.text for s in cursor).strip()
        strong = [s for s in segments if s.style.bold and not s.style.underline]
        assert strong


@pytest.mark.parametrize("size", [(60, 15), (80, 20), (80, 24), (120, 35)])
@pytest.mark.parametrize("make", [prompt_picker, StartScreen])
async def test_a_long_list_leaves_room_for_the_keys_under_it(
    size: tuple[int, int], make: Callable[[bool], ModalScreen[Any]]
) -> None:
    async with stage(size, events=LOADED) as on:
        on.app.push_screen(make(False))
        await on.until(lambda: on.app.screen.query("OptionList"))
        options = on.app.screen.query_one(OptionList)
        await on.until(lambda: options.option_count > 5)
        await on.pilot.pause()
        dialog = on.app.screen.query_one(".dialog")
        for widget in (options, on.app.screen.query_one(".dialog-keys")):
            assert widget.region.height
            assert dialog.content_region.contains_region(widget.region)


# --- the prompt -----------------------------------------------------------------------------------


async def test_a_paste_of_a_megabyte_is_cut_with_a_sentence() -> None:
    async with stage(events=LOADED) as on:
        on.app.post_message(events.Paste("word " * 200_000))
        await on.until(lambda: on.app.compare.prompt.text)
        await on.until(lambda: on.notices)
        assert len(on.app.compare.prompt.text) == PASTE_LIMIT
        first = on.notices[0]  # which goes after some seconds
        on.app.post_message(events.Paste("more"))
        await on.until(lambda: any("pasted 4 characters" in note for note in on.notices))
        assert "1,000,000 characters" in first
        assert all(f"a prompt holds {PASTE_LIMIT:,}" in note for note in (first, *on.notices))
        await on.press("x")
        assert on.app.is_running


async def test_a_paste_over_the_selection_of_a_full_bar_takes_its_room() -> None:
    async with stage(events=LOADED) as on:
        prompt = on.app.compare.prompt
        prompt.write("x" * PASTE_LIMIT)
        prompt.select_all()
        on.app.post_message(events.Paste("short"))
        await on.until(lambda: not prompt.text.startswith("x"))
        assert prompt.text == "short"
        assert on.notices == []


async def test_letters_do_not_overtake_the_keys_typed_before_them() -> None:
    async with stage(events=LOADED) as on:
        prompt = on.app.compare.prompt
        prompt.write("It is covered")
        burst = [("backspace", None)] * 7 + [(letter, letter) for letter in "met"]
        burst += [("backspace", None)] * 3 + [("k", "k"), ("left", None), ("o", "o")]
        for key, character in burst:
            on.app.post_message(events.Key(key, character))
        await on.until(lambda: len(prompt.text) == len("It is ok") and "k" in prompt.text)
        assert prompt.text == "It is ok"


async def test_letters_do_not_overtake_deletions_in_a_line_either() -> None:
    async with stage(events=LOADED) as on:
        await on.press("ctrl+t")
        await on.until(lambda: on.app.screen.query("Input"))
        burst = [
            ("s", "s"),
            ("o", "o"),
            ("backspace", None),
            ("a", "a"),
            ("left", None),
            ("x", "x"),
        ]
        for key, character in burst:
            on.app.post_message(events.Key(key, character))
        line = on.app.screen.query_one(Input)
        await on.until(lambda: len(line.value) == 3 and "x" in line.value)
        assert line.value == "sxa"


async def test_a_short_paste_is_pasted_once() -> None:
    async with stage(events=LOADED) as on:
        on.app.post_message(events.Paste("two\nlines"))
        await on.until(lambda: on.app.compare.prompt.text)
        assert on.app.compare.prompt.text == "two\nlines"


async def test_history_walks_back_and_returns_to_the_draft(tmp_path: Path) -> None:
    path = tmp_path / "data" / "history.json"
    async with stage(events=LOADED, history=path) as on:
        for text in ("first", "second"):
            on.app.compare.prompt.write(text)
            await on.press("enter")
            await on.say([ev.ItemFinished(on.app.desk.running or "")])
        await on.press("d", "up")
        assert on.app.compare.prompt.text == "second"
        await on.press("up", "up")
        assert on.app.compare.prompt.text == "first"
        await on.press("down", "down")
        assert on.app.compare.prompt.text == "d"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert History(path).entries == ["first", "second"]


def test_history_is_bounded_and_survives_a_bad_file(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text("{broken")
    history = History(path)
    assert history.entries == []
    for number in range(KEPT + 10):
        history.add(f"prompt {number}")
    assert len(History(path).entries) == KEPT
    path.write_text('["kept", 7, null]')
    assert History(path).entries == ["kept"]


def test_history_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "a file where a directory should be"
    blocked.write_text("")
    history = History(blocked / "history.json")
    history.add("x")
    assert history.earlier("") == "x"
    assert blocked.read_text() == ""


# --- the engine -----------------------------------------------------------------------------------


async def test_a_dead_engine_loses_nothing_and_starts_again_on_one_key() -> None:
    async with stage() as on:
        await on.say([ev.EngineDied("the engine was killed (SIGKILL)", -9, "last\x1b[31m words")])
        assert type(on.app.screen).__name__ == "DiedScreen"
        shown = " ".join(s.render().plain for s in on.app.screen.query("Static"))
        assert "SIGKILL" in shown
        assert "last␛[31m words" in shown
        await on.press("escape")
        assert "APPROVE" in on.text("3bit")
        assert "engine ended" in on.line(on.app.compare.status)
        await on.press("ctrl+r")
        assert on.client.restarts == 1
        assert isinstance(on.client.commands[-1], Load)
        await on.say(LOADED)
        assert "engine ended" not in on.line(on.app.compare.status)
        assert "APPROVE" in on.text("3bit")


async def test_a_death_while_a_run_goes_on_frees_the_prompt() -> None:
    async with stage(events=LOADED) as on:
        on.app.compare.prompt.write("go")
        await on.press("enter")
        await on.say([ev.EngineDied("gone")])
        assert on.app.desk.running is None
        await on.press("r")
        assert on.client.restarts == 1


async def test_a_client_that_does_not_listen_is_a_sentence() -> None:
    class Deaf(ScriptedClient):
        async def send(self, command: object) -> None:
            if not isinstance(command, Load):
                raise EngineError("the engine stopped listening; restart it")

    async with stage(events=LOADED, client=Deaf()) as on:
        on.app.compare.prompt.write("go")
        await on.press("enter")
        assert any("stopped listening" in note for note in on.notices)
        assert on.app.desk.running is None


async def test_one_variant_failing_leaves_the_others() -> None:
    async with stage(events=[*LOADED, ev.Failed("too large", variant="8bit")]) as on:
        assert any("8bit: too large" in note for note in on.notices)
        assert on.app.desk.unready() == ""


async def test_a_fatal_failure_says_why_nothing_can_be_asked() -> None:
    async with stage(events=[ev.Failed("no such model: x", fatal=True)]) as on:
        on.app.compare.prompt.write("go")
        await on.press("enter")
        assert "no such model" in on.line(on.app.compare.status)
        assert on.app.compare.prompt.text == "go"


# --- loading --------------------------------------------------------------------------------------


async def test_the_sample_plays_until_the_models_are_there() -> None:
    sample = ScriptedClient(live=False)
    sample.say(*stream.session("sample-1"))
    steps = [ev.Loading("", "reading", 3, 4), ev.Loading("4bit", "quantizing", 1, 2)]
    async with stage(events=steps, sample=sample) as on:
        await on.until(lambda: "APPROVE" in on.text("3bit"))
        assert "sample" in on.line(on.app.compare.status)
        assert "4bit" in on.line(on.app.compare.loading_bar, 1)
        await on.say(LOADED)
        await on.until(lambda: on.app.shown is on.app.desk.live)
        assert sample.stopped
        assert "sample" not in on.line(on.app.compare.status)
        assert "APPROVE" not in on.text("3bit")
        assert on.app.compare.welcome.display
        assert not on.app.compare.loading_bar.display


# --- saving and replays ---------------------------------------------------------------------------


class FakeKeeper:
    def __init__(self) -> None:
        self.saving = True
        self.path: Path | None = Path("2026-11-21-salt.jsonl")

    def toggle_saving(self) -> bool:
        self.saving = not self.saving
        return self.saving

    def rename(self, slug: str) -> Path | None:
        if slug == "taken":
            raise SessionError("that name is taken")
        self.path = Path(f"2026-11-21-{slug}.jsonl")
        return self.path


async def test_saving_is_switched_named_and_always_said() -> None:
    async with stage(recorder=FakeKeeper()) as on:
        assert "saving salt" in on.line(on.app.compare.status)
        await on.press("ctrl+s")
        assert "nothing is being saved" in on.line(on.app.compare.status)
        await on.press("ctrl+s", "ctrl+n")
        await on.pilot.press(*"taken", "enter")
        assert any("that name is taken" in note for note in on.notices)
        await on.press("ctrl+n")
        await on.pilot.press(*"fire", "enter")
        await on.until(lambda: "saving fire" in on.line(on.app.compare.status))


async def test_a_replay_opens_without_anything_to_ask() -> None:
    client = ScriptedClient(live=False)
    async with stage(client=client) as on:
        assert "replay" in on.line(on.app.compare.status)
        assert not on.app.compare.prompt_row.display
        assert client.commands == []
        await on.press("l")
        assert on.app.compare.reading.view is View.LOCKED


def saved(directory: Path) -> Path:
    """A session file as the writer leaves it."""
    header = ev.SessionHeader(
        format=1,
        created="2026-11-21T03:00:00+00:00",
        model="pocket",
        reference="bf16",
        variants=stream.loaded().variants,
    )
    path = directory / "2026-11-21-salt.jsonl"
    lines = [ev.encode(event) for event in (header, *stream.session(), ev.SessionFinished())]
    path.write_bytes(b"".join(lines))
    return path


async def test_a_saved_session_is_reopened_played_at_speed_and_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sessions").mkdir()
    saved(tmp_path / "sessions")
    async with stage(events=LOADED) as on:
        await on.press("f9")
        await on.until(lambda: on.app.screen.query_one("OptionList").highlighted is not None)
        assert "Judge this" in rows(on.app.screen.query_one("OptionList"))
        await on.press("enter")
        await on.until(lambda: on.app.shown is not on.app.desk.live)
        assert "replay 2026-11-21-salt 1×" in on.line(on.app.compare.status)
        assert "pause" in on.line(on.app.compare.hints)
        await on.press("space")
        assert "paused" in on.line(on.app.compare.status)
        await on.press("x")
        assert on.app.shown.client.speed == 4
        await on.press("x", "space")
        await on.until(lambda: "APPROVE" in on.text("3bit"))
        await on.press("b")
        await on.until(lambda: on.app.shown is on.app.desk.live)
        assert "replay" not in on.line(on.app.compare.status)


async def test_a_damaged_session_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("not json\n")
    async with stage(events=LOADED) as on:
        await on.app.player.open(path)
        await on.until(lambda: any("not JSON" in note for note in on.notices))
        assert on.app.shown is on.app.desk.live


# --- suites ---------------------------------------------------------------------------------------

SUITE = """
[suite]
name = "verdicts"
kind = "verdicts"
dialect = "pocket"
labels = ["APPROVE", "REVISE", "VETO"]
forbidden = [["VETO", "APPROVE"]]
system = "You judge."
max_tokens = 96
verdict = {json_key = "decision"}
[[item]]
id = "salt-1"
prompt = "Burn the [salt]?"
expected = "VETO"
[[item]]
id = "two"
turns = ["Hello.", "And now?"]
"""


async def test_a_suite_prompt_brings_its_system_prompt_and_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "verdicts.toml").write_text(SUITE)
    (tmp_path / "prompts" / "broken.toml").write_text("[[")
    async with stage(events=LOADED) as on:
        await on.press("ctrl+t")
        await on.until(lambda: any("broken.toml" in note for note in on.notices))
        await on.pilot.press(*"salt-1")
        await on.press("enter")
        await on.until(lambda: on.app.compare.prompt.text)
        assert on.app.compare.prompt.text == "Burn the [salt]?"
        await on.press("enter")
        ask = on.client.commands[-1]
        assert (ask.system, ask.max_tokens) == ("You judge.", 96)
        assert list(ask.verdict["margin"]) == ["VETO", "APPROVE"]


async def test_a_long_list_is_cut_and_the_search_finds_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts").mkdir()
    long = "and so on. " * 40
    items = [f'[[item]]\nid = "n-{n}"\nprompt = "{long}Last: {n}z"\n' for n in range(400)]
    head = '[suite]\nname = "many"\nkind = "style"\ndialect = "general"\n'
    (tmp_path / "prompts" / "many.toml").write_text(head + "".join(items))
    async with stage(events=LOADED) as on:
        on.app.push_screen(prompt_picker(False))
        await on.until(lambda: on.app.screen.query("OptionList"))
        options = on.app.screen.query_one(OptionList)
        await on.until(lambda: options.option_count == LISTED)
        await on.pilot.press(*"Many 399z")
        await on.until(lambda: options.option_count == 1)
        assert options.get_option_at_index(0).prompt.plain.startswith("many n-399 ")
        await on.press("enter")
        await on.until(lambda: on.app.screen is on.app.compare)
