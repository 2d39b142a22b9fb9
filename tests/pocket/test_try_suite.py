"""The suite of prompts to try first: ten a skill, valid, and what the generator says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from corefeel_tui.pocket.corpus import SKILLS
from corefeel_tui.pocket.try_suite import suite_text
from corefeel_tui.suites import load_suite

FILE = Path(__file__).parents[2] / "prompts" / "try.toml"


def test_the_file_is_what_the_generator_writes() -> None:
    assert FILE.read_text("utf-8") == suite_text()


def test_ten_prompts_for_every_skill() -> None:
    suite = load_suite(FILE)
    assert Counter(item.tags[0] for item in suite.item) == dict.fromkeys(SKILLS, 10)
    assert suite.name == "try@pocket"


def test_long_conversations_have_their_turns() -> None:
    talks = [item for item in load_suite(FILE).item if item.tags == ("converse",)]
    assert all(len(item.turns) == 12 for item in talks)
