"""Checks tell right replies from wrong ones, and labels of right replies are the expected ones."""

from __future__ import annotations

from itertools import pairwise

import pytest

from corefeel_tui.diagnostics.reading import label_of, normalised

from .shipped import OURS, items, plan, said, shipped

WRONG = "Nothing comes to mind"
LIMITS = ("absent", "no_pattern", "max_words")
"""Rules that only a reply that says too much breaks."""

BREAKS = {
    r"(?i)\band\b": "this and that",
    r"\?": "Really?",
    r"\bI\b": "I swept.",
    "!": "Oh!",
    "20": "word " * 21,
    "25": "word " * 26,
}


@pytest.mark.parametrize("name", OURS)
def test_right_replies_pass_their_checks(name):
    for item in items(name):
        if item.checks:
            assert item.replies, item.id
        for turn, reply in enumerate(item.replies):
            assert not list(item.failures(reply, turn)), item.id


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("reply", [WRONG, ""])
def test_a_reply_that_says_nothing_fails_every_check_it_can(name, reply):
    for item in items(name):
        for turn in range(len(item.replies)):
            due = [c for c in item.checks if c.turn in (None, turn) and c.rule not in LIMITS]
            failed = list(item.failures(reply, turn))
            empty_is_lower = [c for c in due if not (c.rule == "lowercase" and not reply)]
            assert [c for c in failed if c.rule not in LIMITS] == empty_is_lower, item.id


@pytest.mark.parametrize("name", OURS)
def test_limits_are_broken_by_replies_that_break_them(name):
    for item in items(name):
        for check in item.checks:
            if check.rule in LIMITS and check.value in BREAKS:
                assert check in list(item.failures(BREAKS[check.value], check.turn or 0))


@pytest.mark.parametrize("name", ["recall.toml", "recall-pocket.toml", "reasoning.toml"])
def test_the_reply_to_another_item_is_wrong(name):
    """A few share a value; no more than chance allows."""
    found = items(name)
    swapped = [list(a.failures(b.replies[0])) for a, b in pairwise(found)]
    assert sum(map(bool, swapped)) > 0.97 * len(swapped)


def test_a_result_off_by_one_is_wrong():
    for item in items("reasoning.toml"):
        result = int(str(item.expected))
        head = item.replies[0].rpartition("\n")[0]
        for other in (result + 1, result - 1, result * 10, f"{result}5"):
            failed = {check.kind for check in item.failures(f"{head}\nAnswer: {other}")}
            assert "answer" in failed, item.id
        spelt = f"{head}\n**Answer:** {result:,}"
        assert not list(item.failures(spelt)), item.id


@pytest.mark.parametrize(
    "name", ["verdicts.toml", "verdicts-pocket.toml", "refusal-pocket.toml", "reasoning.toml",
             "reasoning-pocket.toml"],
)  # fmt: skip
def test_right_replies_read_as_expected(name):
    suite = shipped(name)
    for item in suite.item:
        if item.expected is not None:
            label = label_of(said(item.replies[0]), plan(suite))
            assert label == item.expected or label == normalised(item.expected), item.id


def test_right_answers_in_a_domain_hold_what_is_expected():
    for item in items("domains-pocket.toml"):
        if item.expected is not None:
            assert normalised(item.expected) in normalised(item.replies[0]), item.id
