"""The real app, engine and Pocket in a real terminal: typed into, read from, killed."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from corefeel_tui.folding import fold
from corefeel_tui.sessions import read_session

from .terminal import Terminal

PROMPT = """Judge this action.
Action: 4 sacks of salt are to be burned.
{"key": "TRP1", "label": "hard_rule", "relevance": 0.9, "statement": "No salt may be burned."}"""
"""Ctrl+J, which is a line feed, breaks the line while typing."""

ENTER, ESCAPE, CTRL_C, CTRL_Q = "\r", "\x1b", "\x03", "\x11"
F2, F3, F4, F6, F7 = "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[17~", "\x1b[18~"
READY = "Write a prompt"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Terminal]:
    """The app as a user starts it, with a sessions directory of its own."""
    (tmp_path / "sessions").mkdir()
    terminal = Terminal("-m", "corefeel_tui", "--variants", "4bit,2bit", PWD=str(tmp_path))
    yield terminal
    terminal.close()


@pytest.fixture(autouse=True)
def in_own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ask(app: Terminal) -> str:
    """Type the prompt; the screen once all three models have ended."""
    app.wait_for(READY, 90)
    app.send(PROMPT)
    app.wait_for("to be burned.")
    app.send(ENTER)
    return app.wait_for(lambda screen: screen.count("∎") >= 3, 90)


def test_type_stream_toggle_inspect_save_quit(app: Terminal, tmp_path: Path) -> None:
    screen = ask(app)
    assert "decision" in screen
    assert "4bit · KL" in screen, screen
    app.send(F2)
    app.wait_for("[locked]")
    app.send(F2)
    app.wait_for("[free]")
    app.send(F6)
    app.wait_for("p99")
    app.send(F6)
    app.send(F7)
    app.wait_for("Δp")
    app.send(F7)
    app.send(CTRL_Q)
    app.wait_end()
    (session,) = (tmp_path / "sessions").glob("*.jsonl")
    header, events = read_session(session)
    record = fold(events)
    assert header.reference == "bf16"
    assert record.ending == "finished"
    (run,) = record.runs.values()
    assert run.started.prompt == PROMPT
    assert {t.reason for t in run.trajectories.values()} <= {"stop", "length"}


def test_a_killed_engine_leaves_a_live_app_and_a_readable_session(
    app: Terminal, tmp_path: Path
) -> None:
    app.wait_for(READY, 90)
    app.send("Tell me of the harbour." + ENTER)
    app.wait_for(lambda screen: re.search(r"4bit · KL", screen), 60)
    (engine,) = app.children()
    os.kill(engine, signal.SIGKILL)
    app.wait_for(lambda screen: "restart" in screen.lower(), 30)
    (session,) = (tmp_path / "sessions").glob("*.jsonl")
    _, events = read_session(session)
    assert len(fold(events).runs) == 1
    app.send("r")
    app.wait_for(lambda screen: app.children() and "restart" not in screen.lower(), 90)
    assert app.children() != [engine]


def test_a_killed_app_leaves_no_engine(app: Terminal) -> None:
    app.wait_for(READY, 90)
    app.send("Tell me of the harbour." + ENTER)
    app.wait_for(lambda screen: re.search(r"4bit · KL", screen), 60)
    (engine,) = app.children()
    os.kill(app.pid, signal.SIGKILL)
    app.wait_end()
    until = time.monotonic() + 10
    while _alive(engine) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _alive(engine)


def test_it_survives_every_size_and_a_wall_of_text(app: Terminal) -> None:
    app.wait_for(READY, 90)
    for columns, rows in ((80, 24), (200, 50), (20, 6), (80, 24)):
        app.resize(columns, rows)
        app.wait_for(lambda screen: screen.strip(), 20)
    app.send("\x1b[200~" + "wall of text " * 20_000 + "\x1b[201~")
    app.wait_for("wall of text", 30)
    app.send(CTRL_C)
    app.wait_for(lambda screen: screen.strip(), 10)
    assert not app.ended()


def _alive(pid: int) -> bool:
    """Whether a process computes still; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
