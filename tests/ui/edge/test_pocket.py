"""The Edge screen in a real terminal over the real engine and Pocket: typed, climbed, reopened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from corefeel_tui.edge.fold import fold
from corefeel_tui.sessions import read_session
from tests.terminal import Terminal

PROMPT = """Judge this action.
Action: 4 sacks of salt are to be {burned|sold}.
{"key": "TRP1", "label": "hard_rule", "relevance": 0.9, "statement": "No salt may be burned."}"""
"""A ladder of two rungs; the needles read the first."""

CTRL_E, CTRL_Q, F3 = "\x05", "\x11", "\x1bOR"
NEEDLE = re.compile(r"4bit +\w+ +[+−][\d.]+ .*[●◆]")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    (tmp_path / "sessions").mkdir()
    monkeypatch.chdir(tmp_path)
    terminal = Terminal("-m", "corefeel_tui", "--variants", "4bit", rows=44, columns=140)
    yield terminal
    terminal.close()


def test_typing_and_climbing_agree_and_the_session_tells_it_again(
    app: Terminal, tmp_path: Path
) -> None:
    app.wait_for("Write a prompt", 240)
    app.send(PROMPT)
    app.wait_for("sold}")
    app.send(CTRL_E)
    app.wait_for(lambda screen: NEEDLE.search(screen), 120)
    app.send(F3)
    app.wait_for(lambda screen: "2 rungs" in screen and "shift" in screen, 120)
    app.send(CTRL_Q)
    app.wait_end()
    (session,) = (tmp_path / "sessions").glob("*.jsonl")
    record = fold(read_session(session)[1])
    (meter,) = record.meters.values()
    (ladder,) = record.ladders.values()
    assert meter.latest is not None
    typed, climbed = meter.latest.margins, ladder.cells[(0,)].margins
    assert typed["bf16"] == pytest.approx(climbed["bf16"], abs=1e-3)
    assert typed["4bit"] == pytest.approx(climbed["4bit"], abs=1e-3)
    again = Terminal("-m", "corefeel_tui", "replay", str(session), "--speed", "99", rows=44)
    try:
        again.wait_for(lambda screen: NEEDLE.search(screen), 120)
        again.send(F3)
        again.wait_for("flips", 60)
    finally:
        again.close()
