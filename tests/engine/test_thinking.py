"""Thinking and answer told apart, by real tokenizers and tiny models whose templates think."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.utils import load_model, load_tokenizer

from corefeel_tui import events as ev
from corefeel_tui.engine import chat
from corefeel_tui.engine.compare import compare
from corefeel_tui.engine.question import Question
from corefeel_tui.engine.sampling import Sampling
from corefeel_tui.engine.thinking import ThinkingPart
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.folding import Record, fold
from corefeel_tui.parts import parts
from corefeel_tui.report.run import run_as_dict
from corefeel_tui.verdicts import JUDGE

from .tiny_models import THINKING, write_tiny_model

OPENS = THINKING.replace("{%- endif -%}{%- endif -%}", "{%- else -%}{{- '<think>\n' -}}") + (
    "{%- endif -%}{%- endif -%}"
)
"""Thinking on, the template itself opens the tag, as newer models' do."""
VETO, APPROVE = '{"decision": "VETO"}', '{"decision": "APPROVE"}'


class Bench:
    """Two tiny models, the second one other weights, and a way to make them say something."""

    def __init__(self, directory: Path, template: str) -> None:
        self.models = {}
        for seed, name in enumerate(["bf16", "4bit"]):
            path = write_tiny_model(
                directory / name, "qwen3", seed=seed, template=template, dtype=mx.float32
            )
            self.models[name] = load_model(path)[0]
        self.tokenizer = load_tokenizer(path)

    def events(self, said: str, thinking: bool = True, more: int = 6) -> list[ev.Event]:
        """A run in which all models begin with `said` and then go on as they like."""
        messages = [{"role": "user", "content": "open the valve?"}]
        prompt = chat.render(self.tokenizer, messages, thinking)
        forced = self.tokenizer.encode(said, add_special_tokens=False)
        question = Question(
            run="r",
            prompts=dict.fromkeys(self.models, prompt),
            max_tokens=len(forced) + more,
            forced=forced,
            verdict=JUDGE,
            verdict_expected=True,
        )
        pieces = PieceTexts(self.tokenizer)
        stream = compare(self.models, self.tokenizer, [question], Sampling(), pieces)
        started = ev.Started("r", "open the valve?", list(self.models), "bf16", thinking=thinking)
        return [started, *(event for event in stream if event is not None)]

    def record(self, said: str, **options: Any) -> Record:
        return fold(self.events(said, **options))

    def length(self, text: str) -> int:
        return len(self.tokenizer.encode(text, add_special_tokens=False))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("thinks"), THINKING)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("opens"), OPENS)


def test_tags_of_the_model_itself_bound_the_thinking(bench: Bench) -> None:
    thought = "<think>is it open?</think>"
    run = bench.record(f"{thought}No.").runs["r"]
    for trajectory in run.trajectories.values():
        assert trajectory.thought == range(bench.length(thought))
    assert bench.record("No.").runs["r"].reference.thought is None


def test_a_tag_that_the_template_opens_begins_at_the_first_token(opened: Bench) -> None:
    events = opened.events("is it open?</think>No.")
    told = [event for event in events if isinstance(event, ev.Thought)]
    stop = opened.length("is it open?</think>")
    assert told[:2] == [ev.Thought("r", "bf16", 0), ev.Thought("r", "4bit", 0)]
    assert sorted(event.trajectory for event in told if event.stop == stop) == ["4bit", "bf16"]
    off = opened.record("No.", thinking=False).runs["r"]
    assert off.reference.thought is None


def test_a_verdict_is_read_in_the_answer_only(bench: Bench, opened: Bench) -> None:
    for run in (
        bench.record(f"<think>{VETO}</think>{APPROVE}", more=0).runs["r"],
        opened.record(f"{VETO}</think>{APPROVE}", more=0).runs["r"],
    ):
        verdict = run.reference.verdict
        assert verdict is not None
        assert verdict.position is not None
        assert run.reference.thought is not None
        assert verdict.position >= run.reference.thought.stop
    for endless in (bench.record(f"<think>{VETO}"), opened.record(VETO)):
        reference = endless.runs["r"].reference
        assert reference.verdict is not None
        assert reference.verdict.label == "UNPARSED"
        assert reference.thought == range(len(reference.ids))


def test_no_provisional_verdict_while_thinking(opened: Bench) -> None:
    events = opened.events(f"{VETO} so</think>{APPROVE} yes")
    early = [e for e in events if isinstance(e, ev.Verdict) and e.provisional]
    assert {event.label for event in early} == {"APPROVE"}


@pytest.mark.parametrize("locked", [True, False])
def test_both_parts_are_measured_apart(bench: Bench, locked: bool) -> None:
    run = bench.record("<think>is it open?</think>No, it is shut.").runs["r"]
    apart = parts(run, "4bit", locked)
    assert apart is not None
    shown = run.reference if locked else run.trajectories["4bit"]
    assert shown.thought is not None
    stop = shown.thought.stop
    columns = shown.tracks["4bit"].columns
    kl, flips = np.array(columns["kl"]), np.array(columns["flip"])
    assert apart.thinking.kl_mean == pytest.approx(kl[:stop].mean(), rel=1e-12)
    assert apart.answer.kl_mean == pytest.approx(kl[stop:].mean(), rel=1e-12)
    assert apart.thinking.flips + apart.answer.flips == flips.sum()
    assert apart.thinking.positions + apart.answer.positions == len(kl)
    told = run_as_dict(Record(), run, None)["variants"]["4bit"]["locked" if locked else "free"]
    assert told["thinking"]["positions"] == stop
    assert "thinking" not in run_as_dict(Record(), bench.record("No.").runs["r"], None)


class Tagged:
    """The face of a tokenizer whose tags are several tokens long."""

    has_thinking = True
    think_start_tokens = (1, 2)
    think_end_tokens = (8, 9)

    def rfind_think_start(self, prompt: list[int]) -> int:
        return -1

    def rfind_think_end(self, prompt: list[int]) -> int:
        return -1


def test_tags_of_several_tokens_and_only_one_thinking_part() -> None:
    part = ThinkingPart(Tagged(), [])
    text, changes = "", []
    for count, token in enumerate(ids := [1, 2, 5, 8, 8, 9, 6, 1, 2, 7], 1):
        text += f"{token}"
        if part.take(ids[:count], text):
            changes.append((part.start, part.stop))
    assert changes == [(0, None), (0, 6)]
    assert text[part.said_from :] == "6127"
    late = ThinkingPart(Tagged(), [])
    ids = [6, 6, 6, 1, 2, 5]
    assert not any(late.take(ids[:n], "x" * n) for n in range(1, 7))
