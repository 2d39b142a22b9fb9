"""`corefeel forks`: a recorded session, its forks tested by a real engine, the session reopened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corefeel_tui.cli import run
from corefeel_tui.folding import fold
from corefeel_tui.sessions import read_session, session_info

from .engine.tiny_models import write_tiny_model


def told(capfd: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capfd.readouterr().out)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny model and a session of it with forks."""
    directory = tmp_path_factory.mktemp("forks")
    model = write_tiny_model(directory / "tiny", "qwen3", sharpness=2.0)
    session = directory / "s.jsonl"
    words = ["ask", str(model), "Open the east valve?", "--variants", "3bit,2bit"]
    assert run([*words, "--max-tokens", "16", "--session", str(session), "--format", "json"]) == 0
    return model, session


def test_every_fork_gets_a_label_once(
    recorded: tuple[Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    model, session = recorded
    lines = session.read_bytes()
    assert run(["forks", str(session), "--no-save", "--format", "json"]) == 0
    unsaved = told(capfd)
    assert session.read_bytes() == lines, "nothing is added against the user's will"
    assert run(["forks", str(session), str(model), "--format", "json"]) == 0
    saved = told(capfd)
    assert saved["tally"] == unsaved["tally"]
    assert saved["tested"] == len(saved["forks"]) >= 1
    assert saved["waiting"] == 0
    by_role = saved["by_role"].values()
    assert sum(sum(counts.values()) for counts in by_role) == saved["tested"]
    assert {fork["role"] for fork in saved["forks"]} == set(saved["by_role"])
    added = session.read_bytes()
    assert added.startswith(lines)
    assert session_info(session).status == "finished"
    model.rename(model.with_name("away"))
    try:
        assert run(["forks", str(session), "--format", "json"]) == 0, "nothing is computed again"
    finally:
        model.with_name("away").rename(model)
    assert told(capfd) == saved
    assert session.read_bytes() == added
    healed = fold(read_session(session)[1]).healed
    assert {(h.variant, h.label) for h in healed.values()} == {
        (fork["variant"], fork["label"]) for fork in saved["forks"]
    }
    assert run(["forks", str(session)]) == 0
    out = capfd.readouterr().out
    assert "tie-break" in out
    assert "cut off" in out


def test_another_model_is_refused(
    recorded: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _, session = recorded
    other = write_tiny_model(tmp_path / "other", "qwen3", seed=1, sharpness=2.0)
    before = session.read_bytes()
    assert run(["forks", str(session), str(other), "--again"]) == 2
    assert "was made with another" in capfd.readouterr().err
    assert run(["forks", "nowhere"]) == 2
    assert session.read_bytes() == before
