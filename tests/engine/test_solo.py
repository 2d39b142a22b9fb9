"""`ask` against mlx-lm alone: the same module trees, teacher-forced on what each variant wrote."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.generate import generate_step

from corefeel_tui import commands as c
from corefeel_tui import events as ev
from corefeel_tui.engine import chat
from corefeel_tui.engine.service import Service
from corefeel_tui.folding import Record, fold

NAMES = ["bf16", "8bit", "4bit", "3bit", "2bit"]
PROMPTS = ["Describe the harbour. Be terse.", "Who owns the bakery, and when does it open?"]
TIE = 1e-3
"""Top two logits closer than this may come out in either order under another shape."""


@pytest.fixture(scope="module")
def service() -> Service:
    """Pocket in five precisions."""
    service = Service()
    list(service.load(c.Load(None, NAMES), lambda event: None))
    return service


def answer(service: Service, prompt: str) -> Record:
    order = c.Ask("r", prompt, max_tokens=48)
    return fold(e for e in service.ask(order, lambda: False) if isinstance(e, ev.Event))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_every_variant_says_what_it_says_alone(service: Service, prompt: str) -> None:
    run = answer(service, prompt).runs["r"]
    assert service.models is not None
    tokenizer = service.models.tokenizer
    tokens = chat.render(tokenizer, chat.conversation(None, [], prompt), False)
    for name, trajectory in run.trajectories.items():
        model = service.models.models[name].model
        logits = np.array(model(mx.array([tokens + trajectory.ids]))[0].astype(mx.float32))
        ties = []
        for position, taken in enumerate(trajectory.ids):
            row = logits[len(tokens) - 1 + position]
            second, first = np.argsort(row)[-2:]
            if first != taken:
                assert row[first] - row[taken] < TIE, (name, position, first, second, taken)
                ties.append(position)
        assert len(ties) <= 1, f"{name}: too many ties at {ties}"
        if not ties:
            stream = generate_step(mx.array(tokens), model, max_tokens=len(trajectory.ids))
            assert [token for token, _ in stream] == trajectory.ids
