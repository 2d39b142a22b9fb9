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


PLAIN_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+(?:[.,]\d+)*")
SIGNS = st.text(st.sampled_from(list("aBé'’_1٣.,!?…\"')] \n-`")), max_size=60)


@given(SIGNS)
def test_words_are_letters_with_apostrophes_or_whole_numbers(text: str) -> None:
    assert wording.words(text) == tuple(PLAIN_WORD.findall(wording.prose(text)))


@given(SIGNS)
def test_a_sentence_ends_at_a_mark_before_a_blank_or_at_an_empty_line(text: str) -> None:
    parts = re.split(r"[.!?…]+(?:[\"')\]]*)(?:\s+|\Z)|\n{2,}", wording.prose(text))
    sentences = sum(PLAIN_WORD.search(part) is not None for part in parts)
    assert wording.sentence_length(text) == len(wording.words(text)) / max(1, sentences)


@given(FEW_WORDS)
def test_repetition_is_the_share_of_four_words_that_were_there_before(listed: list[str]) -> None:
    grams = [tuple(listed[i : i + 4]) for i in range(len(listed) - 3)]
    expected = 1 - len(set(grams)) / len(grams) if grams else 0.0
    assert wording.repetition(" ".join(listed)) == expected
