"""Roles of tokens: every token has exactly one, however a text is cut into tokens."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corefeel_tui import events as ev
from corefeel_tui.folding import fold
from corefeel_tui.role_drift import run_by_role
from corefeel_tui.roles import _RANKS, ROLES, roles_of
from corefeel_tui.summaries import summarise

PARTS = st.sampled_from(
    [
        "<think>", "</think>", "VETO", "REVISED", "not", "isn’t", "cannot", " ", "\n", ". ",
        "TRP3", "E1", "4", "1,000", "50 %", "seven", "Freya", "The", "I'm", "`x`", "```",
        "json", '{"decision": "', '"}', "water", "é", "🙂", "",
    ]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=24).map("".join)


def cut(text: str, places: list[int]) -> list[str]:
    """The text in pieces, some of them empty."""
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


@given(TEXTS, st.lists(st.integers(0, 120), max_size=12))
def test_roles_partition_the_tokens(text: str, places: list[int]) -> None:
    pieces = cut(text, places)
    found = roles_of(pieces)
    assert len(found) == len(pieces)
    assert set(found) <= set(ROLES)
    assert sum(found.count(role) for role in ROLES) == len(pieces)


@given(TEXTS, st.lists(st.integers(0, 120), max_size=12))
def test_a_token_has_the_strongest_role_of_its_letters(text: str, places: list[int]) -> None:
    letters = roles_of(list(text))
    at = 0
    for piece, role in zip(pieces := cut(text, places), roles_of(pieces), strict=True):
        if piece:
            own = letters[at : at + len(piece)]
            assert role == max(own, key=_RANKS.index)
        at += len(piece)


@given(st.text(max_size=60), st.text(min_size=1, max_size=4))
def test_any_text_and_any_label_have_roles(text: str, label: str) -> None:
    assert len(roles_of(list(text), [label], [label])) == len(text)


def by_role(text: str, **given: list[str]) -> dict[str, list[str]]:
    """Role → its words."""
    pieces = re.findall(r"\w+|\W", text)
    found: dict[str, list[str]] = {}
    for piece, role in zip(pieces, roles_of(pieces, **given), strict=True):
        if piece.strip():
            found.setdefault(role, []).append(piece)
    return found


def test_a_verdict_in_json() -> None:
    answer = '{"decision": "VETO", "evidence_cited": ["TRP3"], "rationale": "At most 4, not 20."}'
    found = by_role(answer)
    assert found["verdict"] == ["VETO"]
    assert found["key"] == ["TRP3"]
    assert found["number"] == ["4", "20"]
    assert found["negation"] == ["not"]
    assert set(found) == {"verdict", "key", "number", "negation", "other"}


def test_names_stand_inside_sentences_or_are_known_from_there() -> None:
    found = by_role("Yesterday Freya sailed to Old Harbour. Freya came back. I was there.")
    assert found["name"] == ["Freya", "Old", "Harbour", "Freya"]


def test_thinking_is_apart_whatever_stands_in_it() -> None:
    found = by_role("<think>not 3 VETO</think>REVISE")
    assert found["verdict"] == ["REVISE"]
    assert "VETO" in found["thinking"]
    assert set(by_role("<think>not yet 4")) == {"thinking"}


def test_code_is_code_but_an_object_in_a_fence_is_an_answer() -> None:
    assert "VETO" in by_role('```json\n{"decision": "VETO"}\n```')["verdict"]
    assert "4" in by_role("Write `x = 4` there.")["code"]


@pytest.mark.parametrize(("text", "verdicts"), [("The answer is B.", ["B"]), ("A man ran.", [])])
def test_letters_as_labels(text: str, verdicts: list[str]) -> None:
    assert by_role(text, labels=["A", "B"]).get("verdict", []) == verdicts


def test_needles_are_found_whatever_their_case() -> None:
    assert by_role("it was HERON 7", needles=["heron 7"])["needle"] == ["HERON", "7"]


def test_a_runs_drift_is_shared_out_among_the_roles() -> None:
    pieces = {1: '"VETO', 2: '",', 3: " not", 4: " 7"}
    scores = {"kl": [0.5, 0.25, 0.125, 2.0], "flip": [True, False, False, True]}
    base = {"kl": [0.0] * 4, "flip": [False] * 4}
    record = fold(
        [
            ev.Pieces({str(token): text for token, text in pieces.items()}),
            ev.Started("r", "?", ["bf16", "4bit"], "bf16"),
            ev.Tokens("r", "bf16", 0, [1, 2, 3, 4], {"bf16": base, "4bit": scores}),
            ev.Tokens("r", "4bit", 0, [1], same_as="bf16"),
        ]
    )
    run = record.runs["r"]
    locked = run_by_role(record, run, locked=True)["4bit"]
    told = [(role, x.positions, x.kl_mean, x.flips) for role, x in locked.items()]
    assert told == [
        ("verdict", 1, 0.5, 1),
        ("negation", 1, 0.125, 0),
        ("number", 1, 2.0, 1),
        ("other", 1, 0.25, 0),
    ]
    whole = summarise(run, "4bit", locked=True)
    assert sum(x.positions for x in locked.values()) == whole.positions
    assert sum(x.flips for x in locked.values()) == whole.flips
    free = run_by_role(record, run, locked=False)["4bit"]
    assert {role: x.positions for role, x in free.items()} == {"verdict": 1}
