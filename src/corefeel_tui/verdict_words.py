"""A gate's answers → the paragraph that a release manager reads first.

Knows criteria and evidence; judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from corefeel_tui.criteria import WORST, Answer, Criterion
from corefeel_tui.evidence import Evidence

OPENING = {
    "pass": "Ship: {names}.",
    "fail": "Do not ship: {names}.",
    "inconclusive": "Cannot tell yet: {names}.",
}
MOST = 3
"""Reasons told of one variant; the others stand below the paragraph."""

NEXT_STEP = "More items decide it, such as those of the suite core."

Judged = tuple[Answer, Sequence[Criterion]]


def paragraph(evidence: Evidence, judged: Mapping[str, Judged], doubts: Sequence[str]) -> str:
    """The answer, why, what would settle what is open, and what it rests on."""
    parts = list(_openings(judged))
    if doubts:
        parts += [f"{doubt[0].upper()}{doubt[1:]}." for doubt in doubts]
    else:
        parts += _reasons(judged)
        parts += [NEXT_STEP] * any(answer == "inconclusive" for answer, _ in judged.values())
    finished = sum(item.status == "finished" for item in evidence.items)
    execution = evidence.header.execution or "unknown"
    parts.append(
        f"Judged on {finished} of {evidence.planned} planned items against {evidence.reference}, "
        f"{execution} execution."
    )
    if evidence.status != "finished":
        parts.append(f"The session did not end in order ({evidence.status}).")
    return " ".join(parts)


def _openings(judged: Mapping[str, Judged]) -> Iterator[str]:
    if not judged:
        yield "Nothing was judged: the session has no variant beside the reference."
    for wanted in WORST:
        names = [name for name, (answer, _) in judged.items() if answer == wanted]
        if names:
            yield OPENING[wanted].format(names=", ".join(names))


def _reasons(judged: Mapping[str, Judged]) -> Iterator[str]:
    """What made each answer, variants with the same reasons together."""
    together: dict[tuple[int, str], list[str]] = {}
    for name, (answer, criteria) in judged.items():
        made = [one.told for one in criteria if one.answer == answer]
        more = [f"and {len(made) - MOST} more"] if len(made) > MOST else []
        said = "; ".join([*made[:MOST], *more])
        together.setdefault((WORST.index(answer), said), []).append(name)
    for (_, said), names in sorted(together.items(), key=lambda entry: entry[0][0]):
        yield f"{', '.join(names)}: {said}."
