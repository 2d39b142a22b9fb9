"""The model picker and what follows a choice: fetching, pairing, loading, a new session."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from corefeel_tui import events as ev
from corefeel_tui import hub
from corefeel_tui.commands import Load
from corefeel_tui.recents import Recents
from corefeel_tui.ui.screens.download import DownloadScreen
from corefeel_tui.ui.screens.models import ModelsScreen
from corefeel_tui.ui.screens.pair import PairScreen
from corefeel_tui.ui.widgets.welcome import EXAMPLES
from tests.engine.tiny_models import write_tiny_model
from tests.hub_server import CHUNK, Hub, at_home, serving
from tests.ui import stream
from tests.ui.conftest import Stage, stage

ID = "someone/tiny-0.1B"
LOADED = [stream.engine_started(), stream.loaded()]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = {"intermediate_size": 16384, "hidden_size": 128}
    return write_tiny_model(tmp_path_factory.mktemp("original"), "qwen3", **shape)


@pytest.fixture
def online(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that serves one model, and an empty cache."""
    at_home(monkeypatch, tmp_path / "hf")
    with serving(Hub({ID: original})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield served


def put_into_cache(model: str, directory: Path) -> Path:
    """A whole copy of a model where the hub's client would have put it."""
    repository = hub.repository_directory(model)
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c0ffee")
    return Path(shutil.copytree(directory, repository / "snapshots" / "c0ffee"))


def quantized_copy(original: Path, directory: Path, base: str) -> Path:
    """The same files, which say that they were quantized."""
    shutil.copytree(original, directory)
    config = json.loads((directory / "config.json").read_text())
    config["quantization"] = {"group_size": 64, "bits": 4}
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "README.md").write_text(f"---\nbase_model:\n- {base}\n---\n")
    return directory


def loads(on: Stage) -> list[Load]:
    return [command for command in on.client.commands if isinstance(command, Load)][1:]


async def open_picker(on: Stage) -> ModelsScreen:
    await on.press("escape", "m")
    await on.until(lambda: isinstance(on.app.screen, ModelsScreen))
    screen = on.app.screen
    assert isinstance(screen, ModelsScreen)
    await on.until(lambda: not screen._looking)
    await on.pilot.pause()
    return screen


def listed(screen: ModelsScreen) -> str:
    options = screen.query_one(OptionList)
    return "\n".join(
        str(options.get_option_at_index(i).prompt) for i in range(options.option_count)
    )


def says(on: Stage, selector: str) -> str:
    return str(on.app.screen.query_one(selector, Static).render())


async def test_pocket_recents_and_the_cache_are_listed_and_searched(
    online: Hub, original: Path, tmp_path: Path
) -> None:
    put_into_cache(ID, original)
    put_into_cache("someone/half", original).joinpath("model.safetensors").unlink()
    recents = Recents(tmp_path / "models.json")
    recents.add("/models/old-7B")
    async with stage(events=LOADED, recents=tmp_path / "models.json") as on:
        screen = await open_picker(on)
        shown = listed(screen)
        assert shown.index("Pocket") < shown.index("/models/old-7B") < shown.index(ID)
        assert "25 MB · qwen3" in shown
        assert "answers now" in shown
        assert "half" not in shown
        await on.press(*"TINY")
        assert ID in listed(screen)
        assert "Pocket" not in listed(screen)
        await on.press("enter")
        await on.until(lambda: loads(on))
        assert loads(on)[-1].model == ID
        assert loads(on)[-1].variants == ["bf16", "8bit", "4bit", "3bit", "2bit"]
        assert not loads(on)[-1].explicit
    assert not any("resolve" in path for path in online.requests)


async def test_an_empty_house_says_what_to_do(online: Hub) -> None:
    async with stage(events=LOADED) as on:
        screen = await open_picker(on)
        assert "type a directory, or a hub id" in says(on, "#state")
        await on.press(*"no such")
        assert "no model here is called" in says(on, "#state")
        await on.press("enter")
        assert on.app.screen is screen


async def test_another_model_begins_anew_and_is_remembered(tmp_path: Path) -> None:
    directory = tmp_path / "other-4B"
    directory.mkdir()
    kept = tmp_path / "models.json"
    async with stage(recents=kept) as on:
        assert on.app.compare.reading.run is not None
        await on.app.switching.open(str(directory))
        assert on.app.compare.loading_bar.display
        assert "VETO" in on.text("bf16")
        await on.say([replace(stream.loaded(["bf16", "8bit"]), model=str(directory))])
        assert on.app.compare.reading.run is None
        assert on.app.compare.board.panes.names == ["bf16", "8bit"]
        assert not on.app.compare.loading_bar.display
        assert "other-4B" in on.line(on.app.compare.status)
        assert not on.app.desk.pocket
        await on.press("down")
        assert on.app.compare.prompt.text == EXAMPLES[0]
    assert Recents(kept).models == [str(directory)]


async def test_a_load_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    async with stage() as on:
        await on.app.switching.open(str(tmp_path))
        await on.say([ev.Loading("", "checkpoint"), ev.Failed("it has no config.json")])
        assert "no config.json" in on.notices[-1]
        assert on.app.desk.unready() == ""
        assert on.app.desk.pocket
        assert not on.app.compare.loading_bar.display
        assert "VETO" in on.text("bf16")


async def test_other_variants_answer_from_the_next_prompt_on() -> None:
    """Added, dropped and swapped in the settings; what cannot be had leaves all as it was."""
    async with stage(size=(160, 40)) as on:
        for text in ("bf16, 8bit, 4bit, 3bit, 2bit, 6bit", "bf16, 8bit", "bf16, mxfp4"):
            await set_variants(on, text)
            assert loads(on)[-1].variants == text.split(", ")
            assert loads(on)[-1].model is None
            await on.say([stream.loaded(text.split(", "))])
            assert on.notices[-1] == f"from the next prompt on answer: {text}"
            assert "APPROVE" in on.text("3bit")
        await set_variants(on, "bf16, mine=/nowhere")
        await on.say([ev.Failed("there is no directory “/nowhere”")])
        assert on.app.desk.variants == ("bf16", "mxfp4")
        assert on.app.desk.unready() == ""


async def set_variants(on: Stage, text: str) -> None:
    await on.press("f8")
    on.app.screen.query_one("#variants", Input).value = text
    await on.press("enter")
    await on.until(lambda: on.app.screen is on.app.compare)


async def test_models_that_are_gone_for_good_cannot_be_asked(tmp_path: Path) -> None:
    async with stage() as on:
        await on.app.switching.open(str(tmp_path))
        await on.say([ev.Failed("its weights cannot be read", fatal=True)])
        assert on.app.desk.unready() == "its weights cannot be read"
        assert on.app.switching.unready() == ""
        assert "answers now" not in listed(await open_picker(on))


async def test_no_switch_in_the_middle_of_a_run() -> None:
    async with stage(events=LOADED) as on:
        on.app.compare.prompt.write("hello")
        await on.press("enter", "escape", "m")
        assert not isinstance(on.app.screen, ModelsScreen)
        assert "a run is going on" in on.notices[-1]


async def test_a_model_of_the_hub_is_fetched_only_when_asked(online: Hub, original: Path) -> None:
    total = (original / "model.safetensors").stat().st_size
    online.pause = 2.0 / (total / CHUNK)
    async with stage(events=LOADED) as on:
        await open_picker(on)
        on.app.screen.query_one(Input).value = ID
        await on.pilot.pause()
        await on.press("enter")
        await on.until(lambda: isinstance(on.app.screen, DownloadScreen))
        await on.until(lambda: "Fetch" in says(on, "#says"))
        assert f"Fetch {ID}?" in says(on, "#says")
        assert "MB in" in says(on, "#says")
        assert "are free in" in says(on, "#says")
        assert not any("resolve" in path for path in online.requests)
        await on.press("y")
        await on.until(
            lambda: "% " not in says(on, "#progress") and "of 2" in says(on, "#progress")
        )
        await on.until(lambda: loads(on))
        assert loads(on)[-1].model == ID
        assert hub.cached_copy(ID) is not None


async def test_a_download_can_be_declined_and_stopped(online: Hub, original: Path) -> None:
    online.pause = 1.0
    async with stage(events=LOADED) as on:
        for keys in (["n"], ["y", "escape"]):
            on.app.run_worker(on.app.switching.open(ID), group="switch")
            await on.until(lambda: isinstance(on.app.screen, DownloadScreen))
            await on.until(lambda: "Fetch" in says(on, "#says"))
            for key in keys:
                await on.press(key)
                if key == "y":
                    await on.until(
                        lambda: any(p.endswith("model.safetensors") for p in online.requests)
                    )
            await on.until(lambda: on.app.screen is on.app.compare)
        assert not loads(on)
        blobs = hub.repository_directory(ID) / "blobs"
        await on.until(lambda: not list(blobs.glob("*.incomplete")))
        assert hub.cached_copy(ID) is None


@pytest.mark.parametrize(("model", "cause"), [("someone/nothing", "no model"), (ID, "gated")])
async def test_what_the_hub_refuses_is_a_sentence(online: Hub, model: str, cause: str) -> None:
    online.gated.add(ID)
    async with stage(events=LOADED) as on:
        on.app.run_worker(on.app.switching.open(model), group="switch")
        await on.until(lambda: isinstance(on.app.screen, DownloadScreen))
        await on.until(lambda: cause in says(on, "#says"))
        await on.press("y", "escape")
        await on.until(lambda: on.app.screen is on.app.compare)
        assert not loads(on)


async def test_a_quantized_model_is_paired_with_its_original(
    online: Hub, original: Path, tmp_path: Path
) -> None:
    put_into_cache(ID, original)
    packed = quantized_copy(original, tmp_path / "my packed", ID)
    async with stage(events=LOADED) as on:
        on.app.run_worker(on.app.switching.open(str(packed)), group="switch")
        await on.until(lambda: isinstance(on.app.screen, PairScreen))
        await on.pilot.pause()
        assert f"corefeel {ID} --variants mine='{packed}'" in says(on, "#command")
        await on.press("enter")
        await on.until(lambda: loads(on))
        load = loads(on)[-1]
        assert (load.model, load.variants) == (ID, ["bf16", f"mine={packed}"])
        assert load.explicit


async def test_the_picker_is_in_palette_footer_and_help() -> None:
    async with stage(size=(160, 40), events=LOADED) as on:
        await on.press("escape")
        assert "models" in on.line(on.app.compare.hints)
        assert "Models" in [command.title for command in on.app.get_system_commands(on.app.screen)]
