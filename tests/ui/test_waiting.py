"""A prompt sent while the models load: it waits, can be taken back, is asked."""

from __future__ import annotations

from pathlib import Path

from corefeel_tui import events as ev
from corefeel_tui.commands import Ask, Cancel
from tests.ui import stream
from tests.ui.conftest import Stage, stage
from tests.ui.scripted import ScriptedClient

LOADED = [stream.engine_started(), stream.loaded()]


async def write(on: Stage, text: str) -> None:
    await on.press(*text, "enter")


def asked(on: Stage) -> list[str]:
    return [command.prompt for command in on.client.commands if isinstance(command, Ask)]


async def test_it_is_shown_and_sent_once_the_models_are_there() -> None:
    async with stage(events=[ev.Loading("4bit", "quantizing", 1, 2)]) as on:
        await write(on, "too early")
        assert asked(on) == []
        assert on.app.compare.prompt.text == ""
        assert "waits: too early" in on.line(on.app.compare.loading_bar, 2)
        assert "stop" in on.line(on.app.compare.hints)
        await on.say(LOADED)
        assert asked(on) == ["too early"]
        assert on.app.desk.running
        assert not on.app.compare.loading_bar.display
        assert not on.app.waiting.text


async def test_the_stop_key_takes_it_back() -> None:
    async with stage(events=[]) as on:
        await write(on, "too early")
        await on.press("ctrl+c")
        assert on.app.compare.prompt.text == "too early"
        await on.press("ctrl+c")
        assert type(on.app.screen).__name__ == "QuitScreen", "twice still asks to quit"
        await on.press("n")
        assert on.app.compare.loading_bar.size.height == 2
        await on.say(LOADED)
        assert asked(on) == []


async def test_taken_back_it_overwrites_nothing() -> None:
    async with stage(events=[]) as on:
        await write(on, "first")
        await on.press(*"second", "ctrl+c")
        assert on.app.compare.prompt.text == "second"
        await on.press("up")
        assert on.app.compare.prompt.text == "first", "the history has it"


async def test_only_one_waits() -> None:
    async with stage(events=[]) as on:
        await write(on, "first")
        await write(on, "second")
        assert on.app.compare.prompt.text == "second"
        assert "waits already" in on.notices[-1]
        await on.say(LOADED)
        assert asked(on) == ["first"]


async def test_it_comes_back_when_the_models_do_not_come() -> None:
    for end in (ev.Failed("no such model", fatal=True), ev.EngineDied("out of memory")):
        async with stage(events=[]) as on:
            await write(on, "go")
            await on.say([end])
            assert asked(on) == []
            assert on.app.compare.prompt.text == "go"


async def test_the_sample_makes_room_for_its_answer() -> None:
    sample = ScriptedClient(live=False)
    sample.say(*stream.session("sample-1"))
    async with stage(events=[], sample=sample) as on:
        await on.until(lambda: "APPROVE" in on.text("3bit"))
        await write(on, "go")
        await on.say(LOADED)
        run = on.client.commands[-1]
        assert isinstance(run, Ask)
        assert on.app.shown is on.app.desk.live
        await on.press("ctrl+c")
        assert on.client.commands[-1] == Cancel(run.run)


async def test_another_model_on_its_way_is_waited_for_too(tmp_path: Path) -> None:
    async with stage() as on:
        await on.app.switching.open(str(tmp_path))
        await write(on, "for the new one")
        assert asked(on) == []
        await on.say([ev.Failed("it has no config.json")])
        assert asked(on) == [], "not asked of the old one"
        assert on.app.compare.prompt.text == "for the new one"
