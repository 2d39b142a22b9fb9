"""`corefeel gate` and `corefeel report` as commands: exit codes, formats, files, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corefeel_tui import cli

from .planted import Plant, broken, mute, truthful, write


def planted(path: Path, n: int, variant: object = truthful) -> str:
    behaviours = {"bf16": truthful, "4bit": variant, "control": mute}
    return str(write(path, Plant(behaviours, n, n // 3)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n", "variant", "code"), [(450, truthful, 0), (450, broken, 1), (12, truthful, 3)]
)
def test_the_three_answers_are_three_exit_codes(
    tmp_path: Path, n: int, variant: object, code: int
) -> None:
    session = planted(tmp_path / "s.jsonl", n, variant)
    assert cli.run(["gate", session, "-o", str(tmp_path / "answer.txt")]) == code
    assert (tmp_path / "answer.txt").read_text().endswith("\n")


def test_gate_as_json_and_junit(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    session = planted(tmp_path / "s.jsonl", 30, broken)
    assert cli.run(["gate", session, "--format", "json", "--variant", "4bit"]) == 1
    told = json.loads(capfdbinary.readouterr().out)
    assert told["answer"] == "fail"
    assert set(told["variants"]) == {"4bit"}
    assert cli.run(["gate", session, "--format", "junit"]) == 1
    assert capfdbinary.readouterr().out.startswith(b"<?xml")


def test_report_in_each_form(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    session = planted(tmp_path / "s.jsonl", 30)
    page = tmp_path / "r.md"
    assert cli.run(["report", session, "-o", str(page)]) == 0
    assert page.read_text().startswith("# May Pocket ship")
    assert cli.run(["report", session, "--format", "json"]) == 0
    assert json.loads(capfdbinary.readouterr().out)["gate"]["answer"] == "inconclusive"
    assert cli.run(["report", session]) == 0
    assert b"CANNOT TELL YET" in capfdbinary.readouterr().out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--variant", "4bits"], "did you mean “4bit”"),
        (["--variant", "bf16"], "never judged"),
        (["--policy", "nowhere.toml"], "nowhere.toml cannot be read"),
    ],
)
def test_gate_refuses_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    session = planted(tmp_path / "s.jsonl", 12)
    assert cli.run(["gate", session, *words]) == 2
    told = capsys.readouterr().err
    assert reason in told
    assert told.count("\n") == 1


def test_a_text_report_is_not_written_to_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = planted(tmp_path / "s.jsonl", 12)
    assert cli.run(["report", session, "-o", str(tmp_path / "r.txt")]) == 2
    assert "choose --format md or json" in capsys.readouterr().err
