"""What every test gets: home directories of its own, and clients of the stand-in engine."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from corefeel_tui import environment
from corefeel_tui.client import EngineClient
from corefeel_tui.commands import Ask, Load
from corefeel_tui.events import Event, ItemFinished
from corefeel_tui.recording import Recorder

STANDIN = Path(__file__).with_name("standin.py")
FIVE = ["bf16", "8bit", "4bit", "3bit", "2bit"]

# Tests that compute in this process do so with the BLAS that engine processes get: loaded before
# MLX, it stands in front of MLX's own.  On matrices this small a second thread is only in the way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if (_openblas := environment.openblas_path()) is not None:
    ctypes.CDLL(_openblas, mode=ctypes.RTLD_GLOBAL)

# A shared machine may stall any example; how long one takes is not what these tests ask.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


def standin(pause: float = 0.0) -> tuple[str, ...]:
    """The stand-in engine's command line, with a pause between lines of tokens."""
    return (sys.executable, str(STANDIN), str(pause))


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache for the whole session: what MLX compiles for one test serves the next.

    It compiles into TMPDIR, here as in the engines: two workers that compile the same kernel at
    once would load each other's half-written files.
    """
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setenv("TMPDIR", environment.temporary_directory())
        yield cache


@pytest.fixture(autouse=True)
def own_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, shared_cache: Path
) -> Path:
    """A home without settings or sessions; the user's own are neither read nor written.

    What one test found out about its machine is forgotten: another BLAS rounds otherwise.
    """
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared_cache))
    for kind in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
    environment.temporary_directory.cache_clear()
    environment.openblas_path.cache_clear()
    return home


async def record(path: Path, prompts: list[str]) -> list[Event]:
    """Ask the stand-in engine, storing a session; everything it said."""
    client = Recorder(EngineClient(standin()), path)
    await client.start()
    await client.send(Load(None, FIVE))
    for number, prompt in enumerate(prompts):
        await client.send(Ask(str(number), prompt))
    said: list[Event] = []
    async for event in client.events():
        said.append(event)
        if isinstance(event, ItemFinished) and event.run == str(len(prompts) - 1):
            break
    await client.stop()
    return said


@pytest.fixture
async def session(tmp_path: Path) -> Path:
    """A finished session with two runs."""
    path = tmp_path / "two-runs.jsonl"
    await record(path, ["Open the valve?", "And the hatch?"])
    return path
