"""The command line and models that are not here: asked about in a terminal, refused elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from corefeel_tui import hub
from tests.engine.tiny_models import write_tiny_model
from tests.hub_server import Hub, at_home, serving
from tests.terminal import Terminal

ID = "someone/tiny-0.1B"
VARIANTS = ["-m", "corefeel_tui", "variants", ID, "--variants", "4bit"]


@pytest.fixture
def online(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    at_home(monkeypatch, tmp_path / "hf")
    original = write_tiny_model(tmp_path / "original", "qwen3")
    with serving(Hub({ID: original})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield served


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal(*VARIANTS, columns=200)
    yield made
    made.close()


def test_a_terminal_is_asked_and_a_no_fetches_nothing(online: Hub, terminal: Terminal) -> None:
    screen = terminal.wait_for("[y/N]")
    assert f"{ID} is not on this machine" in screen
    assert "kB in" in screen
    assert "are free in" in screen
    terminal.send("\r")
    terminal.wait_for("was not fetched")
    terminal.wait_end()
    assert not any("/resolve/" in path for path in online.requests)
    assert hub.cached_copy(ID) is None


def test_a_yes_fetches_and_goes_on(online: Hub, terminal: Terminal) -> None:
    terminal.wait_for("[y/N]")
    terminal.send("y\r")
    terminal.wait_for("fits", 90)
    assert hub.cached_copy(ID) is not None


def test_a_quantized_model_is_refused_before_the_app_opens(tmp_path: Path) -> None:
    packed = write_tiny_model(tmp_path / "packed", "qwen3")
    config = json.loads((packed / "config.json").read_text())
    config["quantization"] = {"group_size": 64, "bits": 4}
    (packed / "config.json").write_text(json.dumps(config))
    (packed / "README.md").write_text(f"---\nbase_model: {ID}\n---\n")
    terminal = Terminal("-m", "corefeel_tui", str(packed), columns=400)
    screen = terminal.wait_for("already quantized")
    assert f"corefeel {ID} --variants mine={packed}" in screen
    terminal.wait_end()
    terminal.close()


def test_without_a_terminal_nothing_is_asked(online: Hub) -> None:
    done = subprocess.run(
        [sys.executable, *VARIANTS], input="y\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"hf download {ID}" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not online.requests
