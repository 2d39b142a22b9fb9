"""What can be counted in one text: words, hedges, variety, repetition, form.

Knows English word lists of its own and Markdown; nothing of prompts or models.  Hedges and
boosters follow Hyland's two categories (how far a writer commits to a claim).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

HEDGES = """
about|almost|apparently|appear|appears|approximately|arguably|around|assume|assumed|believe
believed|broadly|can't be sure|conceivably|could|doubt|doubtful|essentially|estimate|fairly|feel
felt|frequently|from my view|generally|guess|in general|in most cases|in my opinion|in my view
indicate|indicates|largely|likely|mainly|may|maybe|might|mostly|normally|not always|not certain
often|on the whole|ought|partly|perhaps|plausible|plausibly|possible|possibly|presumably|probable
probably|quite|rather|relatively|roughly|seem|seemed|seemingly|seems|seldom|sometimes|somewhat
suggest|suggested|suggests|suppose|suspect|tend|tended|tends|typical|typically|uncertain|unclear
unlikely|usually|would
"""
BOOSTERS = """
absolutely|actually|always|assured|beyond doubt|certain|certainly|clear|clearly|completely
conclusively|decidedly|definite|definitely|demonstrate|demonstrates|entirely|evident|evidently
exactly|extremely|firmly|fully|highly|in fact|indeed|inevitably|known|must|never|no doubt|obvious
obviously|of course|perfectly|precisely|prove|proved|proves|really|show|shown|shows|simply|sure
surely|the fact that|totally|true|truly|undeniable|undeniably|undoubtedly|unquestionably|utterly
very|without doubt
"""

MTLD_FACTOR = 0.72
MTLD_WORDS = 100
WINDOW = 50

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+(?:[.,]\d+)*")
_ASCII_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*|[0-9]+(?:[.,][0-9]+)*")
"""The same in lower-case ASCII, where ranges are found faster than classes."""
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_SENTENCE = re.compile(r"[.!?…\n](?:(?<=\n)\n+|(?<!\n)[.!?…]*[\"')\]]*(?:\s+|\Z))")
"""Marks with what closes after them, or an empty line; one set begins both, so that `re` can skip
to it."""
_LIST = re.compile(r"^\s*(?:[-*•+]|\d+[.)])\s+", re.MULTILINE)
_HEADING = re.compile(r"^\s*(?:#{1,6}\s|\*\*[^*\n]+\*\*:?\s*$)", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*")
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")

FORMS: dict[str, tuple[re.Pattern[str], tuple[str, ...] | None]] = {
    "list": (_LIST, None),
    "heading": (_HEADING, ("#", "**")),
    "bold": (_BOLD, ("**",)),
    "emoji": (_EMOJI, None),
}
"""A form of layout, and the signs without which a text has none of it."""


Phrases = tuple[frozenset[str], tuple[str, ...]]
"""Single words, and phrases of several, each word between blanks of its own."""


def _phrases(listed: str) -> Phrases:
    """A word list apart by length; no phrase of ours holds a single word of the same list."""
    every = re.split(r"[|\n]", listed.strip())
    singles = frozenset(phrase for phrase in every if " " not in phrase)
    return singles, tuple(f" {phrase.replace(' ', '  ')} " for phrase in every if " " in phrase)


_HEDGE, _BOOST = _phrases(HEDGES), _phrases(BOOSTERS)


@lru_cache(maxsize=8192)
def prose(text: str) -> str:
    """The text in lower case without code, apostrophes made plain."""
    return _CODE.sub(" ", text).replace("’", "'").casefold()


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """Words of the prose, lower case."""
    spoken = prose(text)
    return tuple(_word_of(spoken).findall(spoken))


def _word_of(prose: str) -> re.Pattern[str]:
    return _ASCII_WORD if prose.isascii() else _WORD


@lru_cache(maxsize=8192)
def counted(text: str) -> Counter[str]:
    """How often each word stands there; not to be changed."""
    return Counter(words(text))


@lru_cache(maxsize=16384)
def per_hundred(text: str, kind: str) -> float:
    """Hedges or boosters per 100 words; `kind` is "hedge" or "booster"."""
    singles, phrases = _HEDGE if kind == "hedge" else _BOOST
    count = counted(text)
    found = sum(count[word] for word in singles & count.keys())
    spaced = f" {'  '.join(words(text))} "
    found += sum(spaced.count(phrase) for phrase in phrases)
    return 100 * found / max(1, len(words(text)))


@lru_cache(maxsize=8192)
def mattr(text: str) -> float:
    """Moving-average type–token ratio over 50 words (over all of a shorter text).

    A word is a new type in every window that holds it and begins after its last occurrence.
    """
    listed = words(text)
    size = min(WINDOW, len(listed))
    if size == 0:
        return 0.0
    windows = len(listed) - size + 1
    before: dict[str, int] = {}
    types = 0
    for at, word in enumerate(listed):
        after, last = before.get(word, -1), at if at < windows else windows - 1
        if after < at - size:
            after = at - size
        if after < last:
            types += last - after
        before[word] = at
    return types / (windows * size)


@lru_cache(maxsize=8192)
def mtld(text: str) -> float | None:
    """McCarthy's measure of lexical diversity, both ways averaged; None under 100 words."""
    listed = words(text)
    if len(listed) < MTLD_WORDS:
        return None
    return (_factor_length(listed) + _factor_length(listed[::-1])) / 2


def _factor_length(listed: tuple[str, ...]) -> float:
    """Words per stretch that stays above the factor's type–token ratio."""
    factors, seen, types, count = 0.0, set[str](), 0, 0
    for word in listed:
        count += 1
        if word not in seen:
            seen.add(word)
            types += 1
        elif types <= MTLD_FACTOR * count:
            factors, types, count = factors + 1, 0, 0
            seen.clear()
    if count:
        factors += (1 - types / count) / (1 - MTLD_FACTOR)
    return len(listed) / factors if factors else float(len(listed))


@lru_cache(maxsize=8192)
def repetition(text: str) -> float:
    """Share of 4-grams that were there before: what loops."""
    listed = words(text)
    grams = len(listed) - 3
    different = set(zip(listed, listed[1:], listed[2:], listed[3:], strict=False))
    return 1 - len(different) / grams if grams > 0 else 0.0


@lru_cache(maxsize=8192)
def sentence_length(text: str) -> float:
    """Words per sentence."""
    spoken = prose(text)
    has_word = _word_of(spoken).search
    sentences = sum(has_word(part) is not None for part in _SENTENCE.split(spoken))
    return len(words(text)) / max(1, sentences)


@lru_cache(maxsize=32768)
def density(text: str, form: str) -> float:
    """Occurrences per 100 words; `form` is "list", "heading", "bold" or "emoji"."""
    pattern, signs = FORMS[form]
    if signs is not None and not any(sign in text for sign in signs):
        return 0.0
    if pattern is _EMOJI and text.isascii():
        return 0.0
    return 100 * len(pattern.findall(_CODE.sub(" ", text))) / max(1, len(words(text)))


def log_length(text: str) -> float:
    """Log of the number of words, an empty answer counting as one."""
    return math.log(max(1, len(words(text))))
