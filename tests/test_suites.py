"""Suite files: those that ship are right, and wrong ones are refused with file, line and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from corefeel_tui import cli
from corefeel_tui.suites import load_suite

PROMPTS = Path(__file__).parents[1] / "prompts"
GOOD = """\
[suite]
name = "valves"
kind = "verdict"
labels = ["APPROVE", "VETO"]
forbidden = [["VETO", "APPROVE"]]
verdict = {json_key = "decision"}

[[item]]
id = "v1"
prompt = "Open the valve?"
expected = "VETO"

[[item]]
id = "v2"
prompt = "And the hatch?"
expected = "APPROVE"
"""


@pytest.mark.parametrize("path", sorted(PROMPTS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_suite_that_ships_is_right(path: Path) -> None:
    assert load_suite(path).suite.name


def test_a_right_suite_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "valves.toml"
    path.write_text(GOOD)
    assert cli.run(["suites", "check", str(path)]) == 0
    assert "valves" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('id = "v2"', 'id = "v1"', "line 14: "),
        ('expected = "APPROVE"', 'expected = "APROVE"', "line 16: unknown label “APROVE”; did you"),
        ('prompt = "And', 'promt = "And', "did you mean “prompt”?"),
        ("labels =", "lables =", "line 4: unknown key “suite.lables”; did you mean “labels”?"),
        ('["VETO", "APPROVE"]]', '["VETO", "VETTO"]]', "line 5: unknown label “VETTO”"),
        ('json_key = "decision"', 'json_key = "a", pattern = "(x)"', "line 6"),
        ('json_key = "decision"', 'pattern = "(unclosed"', "line 6"),
        ('prompt = "Open the valve?"', 'prompt = "  "', "prompt is empty"),
        ('prompt = "Open the valve?"', "", "prompt"),
        ("[suite]", "[suite", "line 1: not TOML"),
    ],
)
def test_a_wrong_suite_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, sentence: str
) -> None:
    path = tmp_path / "valves.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    assert cli.run(["suites", "check", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"corefeel: {path}, line ")
    assert sentence in err
    assert err.count("\n") == 1


def test_an_unknown_suite_is_refused_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "valves.toml").write_text(GOOD)
    assert cli.run(["suites", "show", "valve"]) == 2
    assert "valves" in capsys.readouterr().err
    assert cli.run(["suites", "show", "valves"]) == 0
    assert "And the hatch?" in capsys.readouterr().out
