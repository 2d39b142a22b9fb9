"""What is counted in a text, against the plain way of counting it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corefeel_tui.diagnostics import wording

FEW_WORDS = st.lists(st.sampled_from(list("abcdefgh")), max_size=130)


@given(FEW_WORDS)
def test_mattr_is_the_mean_share_of_types_over_all_windows(listed: list[str]) -> None:
    size = min(wording.WINDOW, len(listed))
    windows = [listed[i : i + size] for i in range(len(listed) - size + 1)] if listed else []
    shares = [len(set(window)) / size for window in windows]
    expected = sum(shares) / len(shares) if shares else 0.0
    assert wording.mattr(" ".join(listed)) == pytest.approx(expected)


SAID = st.lists(
    st.sampled_from(
        [*wording.HEDGES.replace("|", "\n").split("\n"), "water", "in", "the", "not", "sure"]
    ),
    max_size=30,
)


@given(SAID)
def test_hedges_are_whole_phrases_the_longest_first(said: list[str]) -> None:
    text = ", ".join(said)
    phrases = sorted(re.split(r"[|\n]", wording.HEDGES.strip()), key=len, reverse=True)
    found = re.findall(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b", text)
    words = max(1, len(wording.words(text)))
    assert wording.per_hundred(text, "hedge") == pytest.approx(100 * len(found) / words)


def test_neither_code_nor_a_part_of_a_word_is_a_hedge() -> None:
    assert wording.per_hundred("`maybe` dismay ```perhaps``` Maybe so", "hedge") == 100 / 3
