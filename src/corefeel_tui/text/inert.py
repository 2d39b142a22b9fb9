"""Foreign text made safe to print: what a terminal would obey becomes something a reader sees.

Knows Unicode; nothing of tokens or widgets.
"""

from __future__ import annotations

import re

_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters, ESC and the one-byte CSI among them
    "\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, invisible
    "\ud800-\udfff"  # lone surrogates cannot be written at all
    "\U000e0000-\U000e0fff]"  # tags and other invisible planes
)
_TEXT_CONTROLS = {"\t": "    "}


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in _TEXT_CONTROLS:
        return _TEXT_CONTROLS[match[0]]
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return f"⟨U+{code:04X}⟩"


def inert(text: str) -> str:
    """The text with every control, bidi and invisible character shown; newlines become ␊."""
    return _OBEYED.sub(_shown, text) if _OBEYED.search(text) else text


def inert_lines(text: str) -> str:
    """Like `inert`, with line breaks kept."""
    return "\n".join(inert(line) for line in text.split("\n"))


def one_line(text: str, limit: int = 200) -> str:
    """The beginning of a text on one line, blanks collapsed."""
    short = " ".join(text[: 4 * limit].split())
    return inert(short if len(short) <= limit else short[: limit - 1] + "…")


def preview(text: str, limit: int = 200) -> str:
    """A prompt on one line: of several the last that is no line of JSON, which mostly asks."""
    ends = (text[-8 * limit :], text[: 8 * limit])
    asking = next((lines for end in ends if (lines := [*filter(_asks, end.split("\n"))])), [text])
    return one_line(asking[-1], limit)


def _asks(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("{") and not stripped.endswith("}")


def label_of(piece: str) -> str:
    """A token's piece as a name: blanks at its ends go unless it is nothing but blanks."""
    stripped = piece.strip(" ")
    if not stripped:
        return "␣" * len(piece) if piece else "∅"
    return inert(stripped.replace("\n", "↵").replace("\t", "⇥"))
