"""The Compare screen by what it shows and what it sends: keys in, state and messages out."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from corefeel_tui import events as ev
from corefeel_tui.commands import Ask, Cancel, Load
from corefeel_tui.ui import stopping
from corefeel_tui.ui.actions import ACTIONS
from corefeel_tui.ui.screens.help import help_text
from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.widgets.welcome import EXAMPLES
from tests.ui import stream
from tests.ui.conftest import Stage, rows, stage

LOADED = [stream.engine_started(), stream.loaded()]


def asks(on: Stage) -> list[Ask]:
    return [command for command in on.client.commands if isinstance(command, Ask)]


async def write(on: Stage, text: str) -> None:
    on.app.compare.prompt.write(text)
    await on.press("enter")


# --- panes ----------------------------------------------------------------------------------------


SIZES = [(120, 35), (80, 24), (200, 50)]


@pytest.mark.parametrize("count", [2, 4, 5, 6])
async def test_two_to_six_panes_are_readable(count: int) -> None:
    names = [*stream.ANSWERS, "4bit-g32"][:count]
    answers = {name: stream.ANSWERS.get(name, stream.ANSWERS["4bit"]) for name in names}
    run = stream.Comparison("ui-1", answers)
    async with stage(SIZES[0], [*LOADED, *run.events()]) as on:
        for size in SIZES:
            await on.pilot.resize_terminal(*size)
            await on.until(lambda size=size: on.app.compare.size == size)
            await on.pilot.pause()
            for name in names:
                pane = on.pane(name)
                assert pane.outer_size.width >= 26
                assert pane.text.size.height >= 3
                assert on.line(pane.badge).strip()


async def test_the_eye_finds_verdict_margin_and_numbers() -> None:
    async with stage() as on:
        assert on.line(on.pane("bf16").badge).startswith("VETO +6.1")
        assert on.line(on.pane("4bit").badge).split() == ["VETO", "+2.2", "▼64", "%"]
        assert "APPROVE" in on.line(on.pane("3bit").badge)
        assert "‼ was VETO" in on.line(on.pane("3bit").badge)
        assert on.pane("3bit").has_class("-alarm")
        assert str(on.pane("3bit")._border_title).startswith("3bit · KL ")
        assert "MB" in str(on.pane("8bit")._border_subtitle)


async def test_a_verdict_is_provisional_while_it_streams() -> None:
    events = stream.session()
    begun = next(i for i, e in enumerate(events) if isinstance(e, ev.Verdict)) + 1
    async with stage(events=events[:begun]) as on:
        assert on.line(on.pane("bf16").badge).startswith("VETO? +6.1")


async def test_focus_view_gives_one_pane_the_width_and_the_others_do_no_work() -> None:
    async with stage((80, 24)) as on:
        await on.press("escape", "4", "f")
        board = on.app.compare.board
        assert [pane.model for pane in board.panes.visible_panes] == ["3bit"]
        assert on.pane("3bit").outer_size.width == 80
        assert "3bit ‼ APPROVE  2bit ‼ UNPARSED" in on.line(board.tabs), "all have room"
        await on.press("2")
        assert [pane.model for pane in board.panes.visible_panes] == ["8bit"]
        assert "decree" in on.text("8bit").replace("\n", " ")
        await on.press("f")
        assert len(board.panes.visible_panes) == 5


# --- views ----------------------------------------------------------------------------------------


async def test_locked_and_free_switch_on_one_key_without_asking_again() -> None:
    async with stage() as on:
        assert "APPROVE" in on.text("3bit")
        before = list(on.client.commands)
        await on.press("f2")
        assert on.app.compare.reading.view is View.LOCKED
        assert "VETO⟨APPRO⟩" in on.text("3bit")
        assert "leans away" in on.line(on.pane("3bit").badge)
        await on.press("f2")
        assert "⟨" not in on.text("3bit")
        assert on.client.commands == before


async def test_word_diff_on_one_key() -> None:
    async with stage() as on:
        await on.press("f3")
        assert "−binds +stands" in on.text("4bit").replace("\n", " ")
        assert "−" not in on.text("8bit")
        await on.press("f3")
        assert "+stands" not in on.text("4bit")


async def test_going_back_to_a_view_lays_nothing_out_again() -> None:
    run = stream.Comparison("ui-1")
    events = list(run.events())
    async with stage(events=[*LOADED, run.started()]) as on:
        await on.say(events[1:])
        view = on.pane("3bit").text
        free = view.flow
        await on.press("f2")
        assert view.flow is not free
        await on.press("f2")
        assert view.flow is free
        assert "APPROVE" in on.text("3bit")


async def test_the_status_says_which_view_is_on() -> None:
    async with stage() as on:
        for key, mark in (("f2", "[locked]"), ("f3", "[diff]"), ("f3", "[free]")):
            await on.press(key)
            assert mark in on.line(on.app.compare.status)


async def test_the_table_of_the_run() -> None:
    async with stage() as on:
        await on.press("f6")
        shown = rows(on.app.compare.board.table)
        assert "KL mean" in shown
        assert "APPROVE" in shown
        assert "floor 3e-7" in shown
        await on.press("f6")
        assert not on.app.compare.board.table.display
        shown = rows(on.app.compare.board.roles)
        assert "verdict" in shown
        assert "key" in shown
        assert "4bit" in shown
        await on.press("f6")
        assert not on.app.compare.board.roles.display


async def test_below_the_floor_says_so() -> None:
    loaded = stream.loaded()
    loaded.floors["F1"]["kl_mean"] = 0.5
    events = [stream.engine_started(), loaded, *stream.Comparison("ui-1").events()]
    async with stage(events=events) as on:
        await on.press("f6")
        assert "not distinguishable from zero" in rows(on.app.compare.board.table)
        assert "KL ≈ 0" in str(on.pane("8bit")._border_title)


async def test_a_broken_floor_is_an_alarm() -> None:
    loaded = stream.loaded()
    loaded.floors["F0"]["kl_max"] = 1e-3
    async with stage(events=[loaded]) as on:
        assert "an identical rerun differs" in on.line(on.app.compare.status)


# --- cursor and inspector -------------------------------------------------------------------------


async def test_the_line_shows_the_first_fork_unasked() -> None:
    async with stage() as on:
        shown = on.line(on.app.compare.board.cursor_line)
        assert shown.startswith(" at 5 ⑂")
        assert "3bit APPRO .52" in shown


async def test_the_cursor_walks_and_echoes_where_the_context_is_shared() -> None:
    async with stage() as on:
        await on.press("escape", "g")
        reading = on.app.compare.reading
        assert (reading.pane, reading.cursor) == ("bf16", 5)
        assert on.pane("3bit").text.cursor == 5
        await on.press("right")
        assert reading.cursor == 6
        assert on.pane("3bit").text.cursor is None
        assert on.pane("8bit").text.cursor == 6
        await on.press("left", "left", "home")
        assert reading.cursor == 0
        await on.press("end")
        assert reading.cursor == len(on.app.compare.reading.run.reference.ids) - 1
        await on.press("escape")
        assert reading.cursor is None


async def test_up_and_down_move_between_rows() -> None:
    async with stage() as on:
        await on.press("escape", "home", "down")
        view = on.pane("bf16").text
        assert view.flow.row_of(on.app.compare.reading.cursor) == 1
        await on.press("up")
        assert on.app.compare.reading.cursor == 0


async def test_next_flip_and_fork() -> None:
    async with stage() as on:
        await on.press("escape", "3", "n")
        fork = on.app.compare.reading.run.trajectories["4bit"].fork
        assert on.app.compare.reading.cursor == fork
        await on.press("g")
        assert on.app.compare.reading.cursor == 5
        await on.press("2", "n")
        assert any("no flip in 8bit" in note for note in on.notices)


async def test_the_inspector_shows_all_models_side_by_side() -> None:
    async with stage() as on:
        await on.press("escape", "g", "i")
        shown = rows(on.app.compare.board.inspector)
        for word in ("bf16", "2bit", "KL", "H, rank", "VETO", "APPRO", "−.64"):
            assert word in shown


async def test_mouse_and_shift_select_and_copy() -> None:
    async with stage() as on:
        await on.press("escape", "g", "shift+right", "shift+right", "y")
        assert on.app.clipboard == 'VETO", "'
        await on.press("escape", "escape", "y")
        assert on.app.clipboard == stream.ANSWERS["bf16"]
        await on.pilot.mouse_down(on.pane("bf16").text, offset=(0, 0))
        await on.pilot.hover(on.pane("bf16").text, offset=(14, 0))
        await on.pilot.mouse_up(on.pane("bf16").text, offset=(14, 0))
        await on.press("y")
        assert on.app.clipboard == '{"decision": "VETO'


# --- scrolling ------------------------------------------------------------------------------------


def long_run() -> list[ev.Event]:
    text = "the salt is burned and the law binds " * 60
    return list(stream.Comparison("ui-1", {"bf16": text, "8bit": text}).events(step=8))


async def test_scrolling_follows_the_tail_until_the_reader_leaves_it() -> None:
    events = long_run()
    async with stage((80, 24), [*LOADED, *events[:100]]) as on:
        view = on.pane("bf16").text
        assert view.scroll_offset.y == view.max_scroll_y > 0
        await on.press("escape", "pageup")
        await on.until(lambda: view.scroll_offset.y < view.max_scroll_y)
        held = view.scroll_offset.y
        await on.say(events[100:140])
        assert view.scroll_offset.y == held
        assert on.pane("8bit").text.scroll_offset.y == on.pane("8bit").text.max_scroll_y
        await on.press("ctrl+end", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        view.scroll_end(animate=False)
        await on.until(lambda: view.scroll_offset.y == view.max_scroll_y)
        await on.say(events[140:])
        assert view.scroll_offset.y == view.max_scroll_y


# --- asking ---------------------------------------------------------------------------------------


async def test_enter_sends_under_the_present_settings() -> None:
    async with stage(events=LOADED) as on:
        await write(on, "what now?")
        (ask,) = asks(on)
        assert (ask.prompt, ask.temperature, ask.max_tokens, ask.continues) == (
            "what now?",
            0.0,
            256,
            None,
        )
        assert ask.verdict is None  # the engine then looks for the classes of the evaluator
        assert on.app.compare.prompt.text == ""
        assert on.app.desk.running == ask.run


async def test_ctrl_j_breaks_the_line() -> None:
    async with stage(events=LOADED) as on:
        await on.press("a", "ctrl+j", "b")
        assert on.app.compare.prompt.text == "a\nb"
        assert on.app.compare.prompt.size.height == 2


async def test_ctrl_c_stops_a_run_and_twice_asks_to_quit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "TWICE", 30.0)  # a busy machine takes seconds for two keys
    async with stage(events=LOADED) as on:
        await write(on, "go")
        run = asks(on)[0].run
        await on.press("ctrl+c")
        assert on.client.commands[-1] == Cancel(run)
        await on.press("ctrl+c")
        assert type(on.app.screen).__name__ == "QuitScreen"
        await on.press("n")
        assert on.app.screen is on.app.compare
        await on.say([ev.ItemFinished(run, "cancelled")])
        assert on.app.desk.running is None


async def test_quitting_stops_the_engine() -> None:
    async with stage() as on:
        await on.press("ctrl+q")
        await on.until(lambda: not on.app.is_running)
        assert on.client.stopped


async def test_rerun_asks_the_same_again() -> None:
    async with stage() as on:
        await on.press("f5")
        assert [ask.prompt for ask in asks(on)] == [stream.PROMPT]


async def test_a_conversation_goes_on_until_a_new_one_begins() -> None:
    async with stage(events=LOADED) as on:
        await on.press("ctrl+g")
        await write(on, "one")
        first = asks(on)[0].run
        await on.say(stream.Comparison(first).events())
        await write(on, "two")
        assert asks(on)[1].continues == first
        await on.say(stream.Comparison(asks(on)[1].run).events())
        await on.press("ctrl+l")
        await write(on, "three")
        assert asks(on)[2].continues is None


async def test_earlier_runs_can_be_looked_at_again() -> None:
    second = stream.Comparison("ui-2", {"bf16": "short", "8bit": "short"}, "again")
    async with stage(events=[*stream.session(), *second.events()]) as on:
        assert on.app.compare.board.panes.names == ["bf16", "8bit"]
        await on.press("escape", "left_square_bracket")
        assert on.app.compare.board.panes.names == list(stream.ANSWERS)
        assert "APPROVE" in on.text("3bit")
        await on.press("right_square_bracket")
        assert "short" in on.text("bf16")


async def test_an_example_is_one_key_away() -> None:
    async with stage(events=LOADED, load=Load("some/model", ["bf16", "8bit"])) as on:
        assert on.app.compare.welcome.display
        await on.press("down")
        assert on.app.compare.prompt.text == EXAMPLES[0]
        await on.press("down")
        assert on.app.compare.prompt.text == EXAMPLES[1]
        await on.press("enter")
        assert asks(on)[0].prompt == EXAMPLES[1]


async def test_examples_for_pocket_come_from_its_suite() -> None:
    async with stage(events=LOADED) as on:
        await on.until(lambda: "Action:" in on.app.compare.welcome.render().plain)
        await on.press("down")
        assert "Action:" in on.app.compare.prompt.text


async def test_panes_tell_what_a_model_costs_before_it_is_asked() -> None:
    async with stage(events=LOADED) as on:
        assert "8.5 bits per weight" in on.text("8bit")


# --- settings -------------------------------------------------------------------------------------


async def test_settings_are_checked_and_change_the_next_prompt() -> None:
    async with stage(events=LOADED) as on:
        await on.press("f8")
        screen = on.app.screen
        screen.query_one("#temperature").value = "hot"
        await on.press("ctrl+s")
        assert "must be a number" in str(screen.query_one("#complaint").render())
        screen.query_one("#temperature").value = "0.7"
        screen.query_one("#variants").value = "bf16, 9bit"
        await on.press("ctrl+s")
        assert "8bit" in str(screen.query_one("#complaint").render())
        screen.query_one("#variants").value = ", ".join(stream.ANSWERS)
        screen.query_one("#seed").value = "11"
        screen.query_one("#system").text = "be brief"
        await on.press("ctrl+s")
        await on.until(lambda: on.app.screen is on.app.compare)
        await write(on, "hi")
        (ask,) = asks(on)
        assert (ask.temperature, ask.seed, ask.system) == (0.7, 11, "be brief")


async def test_tab_goes_from_field_to_field_and_nowhere_else() -> None:
    async with stage(events=LOADED) as on:
        await on.press("f8")
        fields = {field.id for field in on.app.screen.query("Input, TextArea, Checkbox, Switch")}
        fields |= {field.id for field in on.app.screen.query("Toggle")}
        seen = []
        for _ in range(len(fields)):
            seen.append(on.app.focused.id if on.app.focused else None)
            await on.press("shift+tab")
        assert set(seen) == fields


async def test_another_set_of_variants_is_loaded_while_the_app_runs() -> None:
    async with stage() as on:
        await on.press("f8")
        on.app.screen.query_one("#variants").value = "bf16, 6bit"
        await on.press("ctrl+s")
        await on.until(lambda: len(on.client.commands) == 2)
        assert on.client.commands[-1] == Load(None, ["bf16", "6bit"], "bf16")
        assert "APPROVE" in on.text("3bit")


# --- the surroundings -----------------------------------------------------------------------------


async def test_the_palette_lists_only_what_is_valid_now() -> None:
    async with stage(events=LOADED) as on:
        titles = {command.title for command in on.app.get_system_commands(on.app.screen)}
        assert {"Settings", "Help", "Quit"} <= titles
        assert not {"Diff", "Restart engine", "Pause", "Re-run"} & titles
    async with stage() as on:
        titles = {command.title for command in on.app.get_system_commands(on.app.screen)}
        assert {"Diff", "Re-run", "Locked/free"} <= titles


def test_what_a_line_of_help_cannot_hold_stands_under_its_sentence() -> None:
    page = help_text(70).plain
    assert max(cell_len(line) for line in page.splitlines()) <= 70
    assert page.split() == help_text().plain.split()
    more = [line for line in page.splitlines() if line.startswith("   ")]
    assert len(more) > 5
    assert all(line[:14].isspace() and not line[14].isspace() for line in more if "▁" not in line)


async def test_help_scrolls_and_closes_on_a_narrow_screen() -> None:
    async with stage((60, 20)) as on:
        await on.press("f1")
        await on.until(lambda: on.app.screen.query("HelpPage"))
        page = on.app.screen.query_one("HelpPage")
        await on.until(lambda: page.size.width)
        shown = [page.render_line(y).text.rstrip() for y in range(page.size.height)]
        assert "KL scale, nats" in shown
        assert any(line.startswith(" " * 14) for line in shown), "sentences hang together"
        await on.press("escape")
        assert on.app.screen is on.app.compare


async def test_the_palette_runs_a_command() -> None:
    async with stage() as on:
        await on.press("ctrl+p")
        await on.pilot.press(*"diff")
        await on.until(lambda: on.app.screen.query("OptionList").first().option_count == 1)
        await on.press("enter")
        await on.until(lambda: on.app.compare.reading.view is View.DIFF)
        assert "[diff]" in on.line(on.app.compare.status)


async def test_help_names_every_key() -> None:
    async with stage() as on:
        await on.press("f1")
        page = on.app.screen.query_one("Static").render().plain
        for action in ACTIONS:
            assert action.sentence in page
        assert "KL scale" in page
        await on.press("escape")
        assert on.app.screen is on.app.compare


async def test_light_and_dark() -> None:
    async with stage() as on:
        assert on.app.current_theme.dark
        await on.press("f10")
        assert not on.app.current_theme.dark


async def test_the_footer_follows_the_focus_and_can_be_clicked() -> None:
    async with stage() as on:
        assert "send" in on.line(on.app.compare.hints)
        await on.press("escape")
        shown = on.line(on.app.compare.hints)
        assert "n flip" in shown
        await on.pilot.click(on.app.compare.hints, offset=(shown.index("locked/free"), 0))
        assert on.app.compare.reading.view is View.LOCKED
