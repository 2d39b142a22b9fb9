"""Verdicts: one complete JSON object with an exact label, or UNPARSED; never a lucky APPROVE."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corefeel_tui.verdicts import JUDGE, UNPARSED, VerdictSpec, mentions_verdict, parse, provisional

SPEC = VerdictSpec(labels=("A", "B"), pattern=r"Answer: (\w+)", margin=("A", "B"))

GOOD = '{"decision": "APPROVE", "evidence_cited": ["E1"], "rationale": "fine"}'

MALFORMED = [
    "",
    "APPROVE",
    "I would APPROVE this.",
    '{"decision": "APPROVE"',
    '{"decision": "APPROVE", "evidence_cited": [',
    '{"decision": "approve"}',
    '{"decision": "APPROVED"}',
    '{"decision": " APPROVE"}',
    '{"decision": ["APPROVE"]}',
    '{"decision": {"label": "APPROVE"}}',
    '{"decision": "VETO", "decision": "APPROVE"}',
    '{"decision": "APPROVE", "rationale": "a", "rationale": "b"}',
    '{"Decision": "APPROVE"}',
    '{"outer": {"decision": "APPROVE"}}',
    '{"decision": "VETO"} {"decision": "APPROVE"}',
    '{"decision": "APPROVE"} {"decision": "APPROVE"}',
    '{"decision": "APPROVE"} and {more',
    "{'decision': 'APPROVE'}",
    '["decision", "APPROVE"]',
    '{"decision": null}',
    '<think>{"decision": "APPROVE"}',
    '<think>so {"decision": "APPROVE"}</think> I cannot say.',
    '{"decision": "APPROVE", "weight": NaN}',
    '{"decision": "APPROVE"}}',
    '[{"decision": "APPROVE"}]',
    '[{"decision": "APPROVE"}, ',
    '{"decision": "APPROVE"}, {',
    '} {"decision": "APPROVE"}',
    "{" * 3000,
    '{"a":' * 3000,
]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_never_approves(text: str) -> None:
    assert parse(text, JUDGE) == UNPARSED


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Verdict:\n{GOOD}\nThat is all.",
        f"<think>x</think>{GOOD}",
    ],
)
def test_one_complete_object_counts(text: str) -> None:
    assert parse(text, JUDGE) == "APPROVE"


@given(st.integers(0, len(GOOD) - 1))
def test_every_truncation_is_unparsed(cut: int) -> None:
    assert parse(GOOD[:cut], JUDGE) == UNPARSED


@given(st.text(max_size=60))
def test_any_text_gives_a_label_or_unparsed(text: str) -> None:
    assert parse(text, JUDGE) in {*JUDGE.labels, UNPARSED}
    assert parse(text, SPEC) in {*SPEC.labels, UNPARSED}


def test_patterns_take_one_label_only() -> None:
    assert parse("Answer: A", SPEC) == "A"
    assert parse("Answer: A. Answer: B", SPEC) == UNPARSED
    assert parse("Answer: C", SPEC) == UNPARSED


def test_a_pattern_that_never_ends_is_unparsed() -> None:
    slow = VerdictSpec(labels=("a", "b"), pattern=r"((?:a+)+)$")
    assert parse("a" * 60 + "!", slow) == UNPARSED


def test_provisional_labels_appear_when_complete() -> None:
    assert provisional('{"decision": "VE', JUDGE) is None
    assert provisional('{"decision": "VETO', JUDGE) == "VETO"
    assert provisional('{"decision": "VETO", "evid', JUDGE) == "VETO"
    assert provisional('{"decision": "VETOED"', JUDGE) == UNPARSED
    assert provisional('<think>{"decision": "VETO"', JUDGE) is None
    assert provisional("Answer: B", SPEC) == "B"


def test_mentions_tells_a_verdict_from_talk() -> None:
    assert mentions_verdict(GOOD, JUDGE)
    assert not mentions_verdict("The pump stands still.", JUDGE)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": ["A", "A"]}, "at least two different labels"),
        ({"labels": ["A", ""]}, "none of them empty"),
        ({"pattern": "x"}, "either by json_key or by pattern"),
        ({"margin": ["A", "C"]}, "not among"),
    ],
)
def test_rules_that_are_no_rules_are_refused(changes: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        VerdictSpec.from_dict({"labels": ["A", "B"], "json_key": "decision"} | changes)


def test_round_trip() -> None:
    assert VerdictSpec.from_dict(JUDGE.as_dict()) == JUDGE
