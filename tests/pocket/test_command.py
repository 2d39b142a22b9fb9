"""`python -m corefeel_tui.pocket`: what it prints and how it fails."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "corefeel_tui.pocket", *words], capture_output=True, text=True
    )


def test_generate_prints_heldout_items_with_answer_and_rule() -> None:
    done = run("generate", "--skill", "judge", "--count", "3")
    items = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(items) == 3
    assert all(item["rule"] and item["expected"] for item in items)
    assert items[0]["messages"][-1]["role"] == "assistant"


def test_training_without_an_end_is_refused_in_one_sentence(tmp_path: object) -> None:
    done = run("train", "--folder", str(tmp_path))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--steps" in done.stderr or "corefeel-tui[train]" in done.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["trian"], "trian"),
        (["card", "--workers", "none"], "--workers"),
        (["train", "--deadline", "25:99"], "25:99"),
        (["train", "--steps", "1", "--schedule", "lazy"], "lazy"),
    ],
)
def test_a_wrong_word_is_answered_in_one_sentence(words: list[str], named: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert named in done.stderr or "corefeel-tui[train]" in done.stderr
