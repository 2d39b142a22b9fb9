"""Two texts next to each other: what one has put in and left out, in signs and in styles.

Pure: texts in, content out.
"""

from __future__ import annotations

from textual.content import Content

from corefeel_tui.text.inert import inert_lines
from corefeel_tui.ui.text.worddiff import word_edits

ADDED, REMOVED = "bold $accent", "strike $quiet"


def differing(theirs: str, ours: str) -> Content:
    """`ours`, with the words of `theirs` that it lacks beside its own: −x +y."""
    parts: list[Content] = []
    at = 0
    for edit in word_edits(theirs, ours):
        parts.append(Content(inert_lines(ours[at : edit.start])))
        if edit.removed:
            parts += [Content.styled(f"−{inert_lines(edit.removed)}", REMOVED), Content(" ")]
        if edit.stop > edit.start:
            added = inert_lines(ours[edit.start : edit.stop])
            parts.append(Content.styled(f"+{added}", ADDED))
        at = edit.stop
    parts.append(Content(inert_lines(ours[at:])))
    return Content("").join(parts)
