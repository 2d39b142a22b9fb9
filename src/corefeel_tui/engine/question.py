"""What is asked of all models at once: prompts, limits, what is kept of the answers.

Knows token ids and verdict rules; computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from corefeel_tui import verdicts
from corefeel_tui.engine.sampling import NoiseKey


@dataclass(frozen=True, slots=True)
class Question:
    """A rendered prompt per model and how to answer it; `boundaries` as in `prefill.fill`.

    Every answer begins with the tokens `forced`, which count towards `max_tokens`.

    `top` is k of the stored top-k; without `top_everywhere` it is stored only of models that flip,
    where answers fork or one decides, and of the reference beside them.  A `patient` question's
    tokens wait for a long line, since nobody watches them come.  After one that is `last` its
    conversation is over.
    """

    run: str
    prompts: Mapping[str, list[int]]
    max_tokens: int
    key: NoiseKey = (0, 0)
    forced: Sequence[int] = ()
    boundaries: Mapping[str, int] = field(default_factory=dict)
    stop: tuple[str, ...] = ()
    verdict: verdicts.VerdictSpec | None = None
    verdict_expected: bool = False
    top: int = 8
    top_everywhere: bool = True
    patient: bool = False
    last: bool = False
