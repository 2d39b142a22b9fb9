"""Constrained readouts of a batch: how likely each label is after each item's prompt.

Knows works, models and prefixes; the scoring itself is `constrained`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import mlx.nn as nn

from corefeel_tui.engine import chat, constrained
from corefeel_tui.engine.batch.asking import Asking
from corefeel_tui.engine.batch.harvest import Readout
from corefeel_tui.engine.batch.plan import Work
from corefeel_tui.engine.prefill import Prefixes, fill

Reading = Generator[None, None, dict[str, Readout]]


def read_labels(
    asking: Asking, works: Sequence[Work], modules: Mapping[str, nn.Module], prefixes: Prefixes
) -> Reading:
    """Key → readout of every item whose suite has a verdict and a forced beginning.

    What was read of the prompts stays in `prefixes` for the answers.  Yields between items.
    """
    suite = works[0].suite
    found: dict[str, Readout] = {work.key: {} for work in works}
    spec = suite.verdict
    start = constrained.opening(spec, suite.suite.prefill) if spec else None
    if spec is None or start is None or len(works[0].turns) > 1:
        return found
    endings = constrained.label_tokens(asking.tokenizer, start, spec)
    for work in works:
        prompt = asking.render(chat.conversation(work.system, [], work.turns[0]))
        for name, model in modules.items():
            caches = yield from fill(name, model, prompt, prefixes)
            prefixes.snapshot(name, prompt[:-1], caches)
            found[work.key][name] = constrained.score_labels(model, caches, prompt[-1], endings)
        yield None
    return found
