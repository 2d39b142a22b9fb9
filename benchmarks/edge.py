"""The edge against bare forward passes: `python benchmarks/edge.py [pocket|0.6b]`.

A meter's update after a one-word edit at the end of a 300-token prompt, against forward passes of
the tokens from the first changed one to the end of the labels, in the same batch shapes, on caches
made before the clock starts.  Then a scan of the middle third of its words, against forward passes
of the same batches.  In turns within one process, medians of five; both sides printed.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import mlx.core as mx
import numpy as np
from pairs import chosen_size, in_turns, model_directory, variants_of

from corefeel_tui import commands
from corefeel_tui.edge.readouts import judge
from corefeel_tui.edge.spans import words
from corefeel_tui.engine.chat import common_prefix
from corefeel_tui.engine.edge.batching import Batch, batches
from corefeel_tui.engine.edge.probing import PASS, Chat, Probing
from corefeel_tui.engine.edge.reading import Reading
from corefeel_tui.engine.memory import blas
from corefeel_tui.engine.modelset import load_set

LENGTH = 300
LINE = '{"key": "TRP1", "relevance": 0.8, "statement": "With a log the explosion risk is met."}\n'


def never() -> bool:
    """Nobody cancels."""
    return False


def finished(steps: Generator[Any, None, Any]) -> Any:
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def prompt_of(probe: Probing) -> str:
    """About `LENGTH` tokens of evidence and an action."""
    text = "Evidence:\n"
    while len(probe.tokens(text + LINE)) < LENGTH - 20:
        text += LINE
    return text + "Action: 2 jars of seawort are to be stored near"


class Pair:
    """Both sides of both rows, on the same models and tokens."""

    def __init__(self, probe: Probing) -> None:
        self.probe = probe
        self.prompt = prompt_of(probe)
        self.readings: dict[str, Reading] = {}
        self.texts = [f"{self.prompt} {word}" for word in ("lamps", "water")]
        self.tokens = [probe.tokens(text) for text in self.texts]
        self.turn = 0
        for tokens in self.tokens:
            finished(probe.one(tokens, self.readings, never))
        spans = list(words(self.prompt))
        spans = spans[len(spans) // 3 : 2 * len(spans) // 3]
        parts = [span.without(self.prompt) for span in spans]
        self.changed = [probe.tokens(part) for part in parts]
        self.base = probe.tokens(self.prompt)
        self.scanning = {name: Reading(model) for name, model in probe.models.items()}
        finished(probe.one(self.base, self.scanning, never))
        self.batches = batches(self.base, self.changed)
        self.inputs = np.zeros((len(probe.endings.inputs), 1), np.int32)

    @property
    def held(self) -> int:
        """Tokens before the first changed one."""
        return common_prefix(*self.tokens)

    def meter(self) -> float:
        """Seconds of one update."""
        self.turn = 1 - self.turn
        began = time.perf_counter()
        finished(self.probe.one(self.tokens[self.turn], self.readings, never))
        return time.perf_counter() - began

    def meter_bare(self) -> float:
        """Seconds of the passes alone."""
        spent = 0.0
        rest = np.array(self.tokens[0][self.held :], np.int32)[None]
        for name, model in self.probe.models.items():
            one = finished(self.readings[name].branched(self.held, 1))
            many = finished(self.readings[name].branched(len(self.tokens[0]), len(self.inputs)))
            mx.eval([cache.state for rows in (one, many) for cache in rows.layers])
            began = time.perf_counter()
            mx.eval(model(mx.array(rest), cache=one.layers))
            mx.eval(model(mx.array(self.inputs), cache=many.layers))
            spent += time.perf_counter() - began
        return spent

    def scan(self) -> float:
        """Seconds of a whole scan."""
        began = time.perf_counter()
        for _ in self.probe.many(self.changed, self.scanning, never):
            pass
        return time.perf_counter() - began

    def scan_bare(self) -> float:
        """Seconds of the same batches' passes alone."""
        return sum(
            self._batch(name, model, batch)
            for batch in self.batches
            for name, model in self.probe.models.items()
        )

    def _batch(self, name: str, model: Any, batch: Batch) -> float:
        count = len(batch.members)
        rest = np.array([self.changed[i][batch.cut :] for i in batch.members], np.int32)
        rows = finished(self.scanning[name].branched(batch.cut, count))
        width, ends = max(1, PASS // count), np.tile(self.inputs, (count, 1))
        many = finished(self.scanning[name].branched(len(self.base), len(ends)))
        mx.eval([cache.state for made in (rows, many) for cache in made.layers])
        began = time.perf_counter()
        for start in range(0, rest.shape[1], width):
            mx.eval(model(mx.array(rest[:, start : start + width]), cache=rows.layers))
        mx.eval(model(mx.array(ends), cache=many.layers))
        return time.perf_counter() - began


def main() -> None:
    """Print both sides of both rows."""
    size = chosen_size()
    load = commands.Load(model_directory(size), variants_of(size))
    models = load_set(load, lambda event: None, None)
    modules = {name: model.model for name, model in models.models.items()}
    pair = Pair(Probing(modules, models.tokenizer, models.context, judge(), Chat()))
    again = len(pair.tokens[0]) - pair.held
    print(f"{size}: {len(modules)} models, {len(pair.tokens[0])} tokens, BLAS {blas()}")
    ours, theirs, ratio = in_turns(pair.meter, pair.meter_bare)
    print(
        f"meter, {again} tokens again   {ours * 1e3:8.1f} ms   bare forwards {theirs * 1e3:8.1f} ms"
        f"   ratio {ratio:5.2f} (≤ 1.3)"
    )
    ours, theirs, ratio = in_turns(pair.scan, pair.scan_bare)
    tokens = sum(len(b.members) * (len(pair.changed[b.members[0]]) - b.cut) for b in pair.batches)
    tokens *= len(modules)
    print(
        f"scan, {len(pair.changed)} words   {tokens / ours:8.0f} tok/s   bare forwards "
        f"{tokens / theirs:8.0f} tok/s   ratio {1 / ratio:5.2f} (≥ 0.8)"
    )


if __name__ == "__main__":
    main()
