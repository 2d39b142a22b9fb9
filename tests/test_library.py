"""The library process against a hub on this machine: real client, real cache, a tiny real model."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui import hub, library
from corefeel_tui.engine.hub_errors import translated
from corefeel_tui.errors import ModelError
from tests.engine.tiny_models import write_tiny_model
from tests.hub_server import CHUNK, Hub, at_home, serving

ID = "someone/tiny-0.1B"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """25 MB, more than two of the chunks that the hub's client writes."""
    shape = {"intermediate_size": 16384, "hidden_size": 128}
    directory = write_tiny_model(tmp_path_factory.mktemp("original"), "qwen3", **shape)
    (directory / "modeling_tiny.py").write_text("raise SystemExit('never run this')\n")
    (directory / "pytorch_model.bin").write_bytes(b"\0" * 1000)
    return directory


@pytest.fixture
def online(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that serves the model, and an empty cache."""
    at_home(monkeypatch, tmp_path / "hf")
    with serving(Hub({ID: original})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield served


async def fetched(model: str = ID) -> list[ev.Event]:
    return [event async for event in library.told("fetch", model)]


def weights_of(directory: Path) -> int:
    return (directory / "model.safetensors").stat().st_size


async def test_a_plan_tells_sizes_and_fetches_nothing(online: Hub, original: Path) -> None:
    planned = await library.ask("plan", ID)
    assert isinstance(planned, ev.DownloadPlanned)
    assert planned.missing_bytes == planned.bytes
    assert weights_of(original) < planned.bytes < weights_of(original) + 100_000
    assert planned.free_bytes > 0
    assert not any("resolve" in path for path in online.requests)
    assert not hub.repository_directory(ID).exists()


async def test_a_fetched_model_is_whole_listed_and_brings_no_code(online: Hub) -> None:
    said = await fetched()
    *progress, last = said
    counts = [event.done for event in progress if isinstance(event, ev.Downloading)]
    assert isinstance(last, ev.Downloaded)
    assert counts == sorted(counts)
    copy = hub.cached_copy(ID)
    assert copy is not None
    assert str(copy) == last.directory
    names = {path.name for path in copy.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not names & {"modeling_tiny.py", "pytorch_model.bin"}
    listed = await library.ask("list")
    assert isinstance(listed, ev.LibraryListed)
    assert [model["model"] for model in listed.models] == [ID]
    assert listed.models[0]["bytes"] >= weights_of(copy)
    assert listed.models[0]["quantized"] is None


async def test_progress_counts_bytes_and_a_download_may_be_cut_short(
    online: Hub, original: Path
) -> None:
    total = weights_of(original)
    online.pause = 4.0 / (total / CHUNK)
    said = library.told("fetch", ID)
    async for event in said:
        if isinstance(event, ev.Downloading) and total / 4 < event.done < total:
            break
    await said.aclose()
    assert hub.cached_copy(ID) is None
    assert hub.is_partly_here(ID)
    async with asyncio.timeout(20):
        while list(hub.repository_directory(ID).rglob("*.incomplete")):
            await asyncio.sleep(0.05)
    online.pause = 0.0
    planned = await library.ask("plan", ID)
    assert isinstance(planned, ev.DownloadPlanned)
    assert 0 < planned.missing_bytes < planned.bytes
    assert isinstance((await fetched())[-1], ev.Downloaded)
    assert hub.cached_copy(ID) is not None


async def test_a_process_that_breaks_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    breaks = (sys.executable, "-c", "import sys; print('what a day', file=sys.stderr); sys.exit(3)")
    monkeypatch.setattr(library, "LIBRARY", breaks)
    with pytest.raises(ModelError, match="exit code 3: what a day"):
        await library.ask("list")
    monkeypatch.setattr(library, "LIBRARY", (sys.executable, "-c", ""))
    with pytest.raises(ModelError, match="fell silent"):
        await library.ask("list")


@pytest.mark.parametrize("verb", ["plan", "fetch"])
async def test_gated_missing_and_malformed_names_get_a_sentence(online: Hub, verb: str) -> None:
    online.gated.add(ID)
    for model, cause in [(ID, "gated"), ("someone/nothing", "no model"), ("a/b/c", "no hub id")]:
        with pytest.raises(ModelError, match=cause) as raised:
            await library.ask(verb, model)
        assert "\n" not in str(raised.value)


async def test_offline(online: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"cannot be reached.*check the connection"):
        await library.ask("plan", ID)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="cannot be reached"):
        await library.ask("plan", ID)


async def test_what_could_not_be_loaded_is_refused_before_it_is_fetched(
    online: Hub, original: Path, tmp_path: Path
) -> None:
    strange = shutil.copytree(original, tmp_path / "strange")
    config = json.loads((strange / "config.json").read_text()) | {"model_type": "qwen99"}
    (strange / "config.json").write_text(json.dumps(config))
    pickled = shutil.copytree(original, tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    online.repositories |= {"someone/strange": strange, "someone/pickled": pickled}
    with pytest.raises(ModelError, match="qwen99"):
        await library.ask("plan", "someone/strange")
    with pytest.raises(ModelError, match=r"no model\*.safetensors"):
        await library.ask("plan", "someone/pickled")


async def test_a_disk_without_room(online: Hub, tmp_path: Path) -> None:
    online.claims["model.safetensors"] = 10**18
    with pytest.raises(ModelError, match=r"needs 1000000 TB more and .* free; make room"):
        await fetched()
    assert not any("resolve" in path for path in online.requests)


@pytest.mark.parametrize(
    ("code", "mend"), [(errno.ENOSPC, "no space left"), (errno.EROFS, "HF_HOME")]
)
def test_trouble_with_the_disk_while_fetching(code: int, mend: str) -> None:
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    with pytest.raises(ModelError, match=mend):
        translated(ID, fail)


async def test_a_quantized_model_tells_its_base(
    online: Hub, original: Path, tmp_path: Path
) -> None:
    packed = shutil.copytree(original, tmp_path / "packed")
    config = json.loads((packed / "config.json").read_text())
    config["quantization"] = {"group_size": 64, "bits": 4}
    (packed / "config.json").write_text(json.dumps(config))
    (packed / "README.md").write_text(f"---\nbase_model: {ID}\ntags:\n- mlx\n---\n# Packed\n")
    online.repositories["someone/packed"] = packed
    online.cards["someone/packed"] = {"base_model": ID}
    planned = await library.ask("plan", "someone/packed")
    assert isinstance(planned, ev.DownloadPlanned)
    assert (planned.quantized, planned.base) == (4, ID)
    await fetched("someone/packed")
    listed = await library.ask("list")
    assert isinstance(listed, ev.LibraryListed)
    assert [(m["quantized"], m["base"]) for m in listed.models] == [(4, ID)]
