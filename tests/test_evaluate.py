"""`corefeel eval` as a command: killed and resumed, refused, out of room."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corefeel_tui import cli
from corefeel_tui.evidence import ItemEvidence
from corefeel_tui.evidence_file import read_evidence
from corefeel_tui.session_writer import SessionWriter
from tests.engine.tiny_models import write_tiny_model

SUITE = """
[suite]
name = "small"
kind = "verdicts"
labels = ["APPROVE", "REVISE", "VETO"]
forbidden = [["VETO", "APPROVE"]]
verdict = { json_key = "decision" }
max_tokens = 24
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """The command's words but for the session: a tiny model and a suite of 20 items."""
    model = write_tiny_model(tmp_path / "tiny", "qwen3", sharpness=1.5)
    items = "".join(
        f'[[item]]\nid = "i{n}"\nprompt = "valve {n}: open it?"\nexpected = "VETO"\n'
        for n in range(20)
    )
    (tmp_path / "small.toml").write_text(SUITE + items)
    suite = str(tmp_path / "small.toml")
    return ["eval", str(model), "--suite", suite, "--variants", "4bit,2bit", "--format", "json"]


def items(path: Path) -> dict[str, ItemEvidence]:
    return {item.id: item for item in read_evidence(path).items}


def finished(path: Path) -> list[str]:
    """Ids of finished items, as often as they stand in the file."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines() if b"evidence" in line]
    return [line["item"] for line in lines if line["event"] == "item_finished"]


def test_killed_at_any_moment_and_resumed_it_ends_the_same(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    whole, torn = tmp_path / "whole.jsonl", tmp_path / "torn.jsonl"
    assert cli.run([*words, "--session", str(whole)]) == 0
    reference = json.loads(capsys.readouterr().out)
    command = [sys.executable, "-m", "corefeel_tui", *words, "--session", str(torn), "--resume"]
    for after in (1, 9):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            until = time.monotonic() + 60
            while not torn.exists() or len(finished_so_far(torn)) < after:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
    assert cli.run([*words, "--session", str(torn), "--resume"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert sorted(finished(torn)) == sorted(f"i{n}" for n in range(20))
    resumed = items(torn)
    for name, item in items(whole).items():
        assert resumed[name] == item, "to the last digit, its shapes being the same"
    assert {**summary, "session": None} == {**reference, "session": None}


def finished_so_far(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines() if b'"evidence"' in line]


def test_it_refuses_what_would_mix_or_overwrite(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    session = tmp_path / "a.jsonl"
    short = [*words, "--limit", "2", "--session", str(session)]
    assert cli.run(short) == 0
    assert cli.run(short) == 2
    assert "exists already" in capsys.readouterr().err
    other = [word.replace("4bit,2bit", "3bit") for word in short]
    assert cli.run([*other, "--resume"]) == 2
    assert "another set of variants" in capsys.readouterr().err
    assert cli.run([*words, "--resume"]) == 2
    assert "needs the --session file" in capsys.readouterr().err
    assert cli.run(["eval", "--suite", "vedricts"]) == 2
    assert "no suite is called" in capsys.readouterr().err


def test_out_of_room_it_stops_and_loses_nothing(
    tmp_path: Path,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = tmp_path / "full.jsonl"
    write = SessionWriter._write

    def full(self: SessionWriter, line: bytes) -> None:
        if session.exists() and len(finished_so_far(session)) >= 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(session))
        write(self, line)

    monkeypatch.setattr(SessionWriter, "_write", full)
    assert cli.run([*words, "--session", str(session)]) == 2
    assert "make room and go on with --resume" in capsys.readouterr().err
    assert len(items(session)) == 3
    monkeypatch.undo()
    assert cli.run([*words, "--session", str(session), "--resume"]) == 0
    assert len(items(session)) == 20
