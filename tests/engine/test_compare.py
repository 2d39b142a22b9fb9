"""A whole comparison as events: the contract of the lines, and their numbers against float64."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx_lm.utils import load_model, load_tokenizer
from scipy.special import log_softmax, logsumexp
from scipy.stats import chisquare

from corefeel_tui import events as ev
from corefeel_tui.engine import chat
from corefeel_tui.engine.compare import compare
from corefeel_tui.engine.prefill import Prefixes
from corefeel_tui.engine.question import Question
from corefeel_tui.engine.sampling import Sampling, make_picker
from corefeel_tui.engine.trajectories import PieceTexts, significant
from corefeel_tui.folding import Record, fold
from corefeel_tui.verdicts import JUDGE

from .tiny_models import write_tiny_model

WARM = Sampling(temperature=1.0, seed=5)


class Bench:
    """Three tiny models (the last one a copy of the first) and a way to ask them."""

    def __init__(self, directory: Path, architecture: str = "qwen3") -> None:
        self.models = {}
        for seed, name in enumerate(["bf16", "4bit"]):
            path = write_tiny_model(
                directory / name, architecture, seed=seed, dtype=mx.float32, sharpness=1.5
            )
            self.models[name] = load_model(path)[0]
        self.models["same"] = self.models["bf16"]
        self.tokenizer = load_tokenizer(path)

    def question(self, **changes: Any) -> Question:
        prompt = chat.render(self.tokenizer, [{"role": "user", "content": "the valve?"}], False)
        question = Question(
            run="r",
            prompts=dict.fromkeys(self.models, prompt),
            max_tokens=40,
        )
        return replace(question, **changes)

    def events(
        self, question: Question, sampling: Sampling = WARM, **options: Any
    ) -> list[ev.Event]:
        started = ev.Started("r", "the valve?", list(self.models), "bf16")
        stream = compare(
            self.models, self.tokenizer, [question], sampling, PieceTexts(self.tokenizer), **options
        )
        return [started, *(event for event in stream if event is not None)]

    def record(self, question: Question, *options: Any, **more: Any) -> Record:
        return fold(self.events(question, *options, **more))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("models"))


def log_probabilities(model: Any, tokens: list[int]) -> np.ndarray:
    """(len, V) in float64, from one pass without caches."""
    logits = np.array(model(mx.array(tokens)[None])[0].astype(mx.float32))
    return log_softmax(logits.astype(np.float64), axis=-1)


def test_every_number_agrees_with_float64(bench: Bench) -> None:
    question = bench.question()
    run = bench.record(question).runs["r"]
    assert run.finished is not None
    assert run.finished.status == "finished"
    checked = 0
    for name, trajectory in run.trajectories.items():
        expected = {"bf16", "4bit", "same"} if name == "bf16" else {"bf16", name}
        assert set(trajectory.tracks) == expected
        prompt = question.prompts[name]
        at = slice(len(prompt) - 1, len(prompt) - 1 + len(trajectory.ids))
        p = log_probabilities(bench.models["bf16"], prompt + trajectory.ids)[at]
        for model, track in trajectory.tracks.items():
            assert len(track) == len(trajectory.ids)
            q = log_probabilities(bench.models[model], prompt + trajectory.ids)[at]
            columns = track.columns
            kl = (np.exp(p) * (p - q)).sum(-1)
            np.testing.assert_allclose(columns["kl"], kl, rtol=2e-3, atol=1e-6)
            assert min(columns["kl"]) >= 0
            ids = np.array(trajectory.ids)
            taken = np.take_along_axis(q, ids[:, None], axis=1)[:, 0]
            np.testing.assert_allclose(columns["logprob"], taken, rtol=1e-3, atol=1e-4)
            np.testing.assert_array_equal(columns["argmax"], q.argmax(-1))
            np.testing.assert_array_equal(columns["flip"], p.argmax(-1) != q.argmax(-1))
            rank = 1 + (q > q[range(len(q)), p.argmax(-1)][:, None]).sum(-1)
            np.testing.assert_array_equal(columns["rank"], rank)
            np.testing.assert_array_equal(columns["token_rank"], 1 + (q > taken[:, None]).sum(-1))
            entropy = -(np.exp(q) * q).sum(-1)
            np.testing.assert_allclose(columns["entropy"], entropy, rtol=1e-3, atol=1e-5)
            two = np.sort(q, axis=-1)[:, -2:]
            np.testing.assert_allclose(columns["gap"], two[:, 1] - two[:, 0], rtol=2e-3, atol=2e-4)
            assert all(top == sorted(top, reverse=True) for top in track.top_logprob)
            assert [top[0] for top in track.top_ids] == columns["argmax"]
            checked += 1
    assert checked == 7


def test_lines_follow_the_contract(bench: Bench) -> None:
    events = bench.events(bench.question())
    seen: dict[str, int] = {}
    told: set[str] = set()
    for event in events:
        if isinstance(event, ev.Pieces):
            assert not told & set(event.texts)
            told |= set(event.texts)
        if isinstance(event, ev.Tokens):
            assert event.start == seen.get(event.trajectory, 0)
            seen[event.trajectory] = event.start + len(event.ids)
            assert {str(i) for i in event.ids} <= told
            assert (event.scores is None) == (event.same_as is not None)
            if event.same_as:
                assert event.same_as == "bf16"
                assert seen["bf16"] >= seen[event.trajectory]
        assert ev.decode(ev.encode(event)) == event
    forks = [event for event in events if isinstance(event, ev.Fork)]
    assert [fork.groups for fork in forks] == [[["bf16", "same"], ["4bit"]]]
    assert isinstance(events[-1], ev.ItemFinished)


def test_a_copy_of_the_reference_reads_zero(bench: Bench) -> None:
    """Exactly, as long as nobody has forked; then the reference has other rows beside it, and some
    BLAS rounds two rows otherwise than one.
    """
    run = bench.record(bench.question()).runs["r"]
    same = run.trajectories["same"]
    assert same.ids == run.reference.ids
    drift = same.tracks["same"].columns["kl"]
    other = run.trajectories["4bit"].ids
    forked = next(i for i, token in enumerate(same.ids) if other[i : i + 1] != [token])
    assert set(drift[: forked + 1]) == {0.0}
    assert max(drift) < 1e-11
    assert not any(same.tracks["same"].columns["flip"])
    assert same.text == run.reference.text


def test_same_seed_same_text_other_seed_other_text(bench: Bench) -> None:
    once, again = bench.record(bench.question()), bench.record(bench.question())
    other = bench.record(bench.question(), Sampling(temperature=1.0, seed=6))
    texts = [[t.text for t in r.runs["r"].trajectories.values()] for r in (once, again, other)]
    assert texts[0] == texts[1] != texts[2]


def test_greedy_takes_what_the_model_alone_would_take(bench: Bench) -> None:
    question = bench.question()
    run = bench.record(question, Sampling()).runs["r"]
    for name, trajectory in run.trajectories.items():
        tokens = question.prompts[name] + trajectory.ids
        solo = log_probabilities(bench.models[name], tokens)[len(question.prompts[name]) - 1 : -1]
        assert solo.argmax(-1).tolist() == trajectory.ids


def test_a_model_that_ended_scores_on_until_the_reference_ends(bench: Bench) -> None:
    question = bench.question(max_tokens=60)
    run = bench.record(question).runs["r"]
    own = run.trajectories["4bit"]
    full = run.trajectories["bf16"]
    for early in range(len(own.ids) - 3):
        text = bench.tokenizer.decode(own.ids[early : early + 1])
        if text.strip() and text not in (full.text or ""):
            break
    else:
        pytest.fail("no piece tells the two answers apart")
    stopped = bench.record(replace(question, stop=(text,))).runs["r"]
    ended = stopped.trajectories["4bit"]
    assert ended.reason == "stop"
    assert text not in (ended.text or "")
    assert len(ended.ids) < len(own.ids)
    assert len(stopped.reference.tracks["4bit"]) == len(stopped.reference.ids) == len(full.ids)


def test_end_of_sequence_is_scored_and_is_the_last_id(bench: Bench) -> None:
    eos = set(bench.tokenizer.eos_token_ids)
    for seed in range(12):
        question = bench.question(max_tokens=300)
        run = bench.record(question, Sampling(temperature=1.5, seed=seed)).runs["r"]
        ended = [t for t in run.trajectories.values() if t.reason == "stop"]
        for trajectory in ended:
            assert trajectory.ids[-1] in eos
            assert not eos & set(trajectory.ids[:-1])
            detokenizer = bench.tokenizer.detokenizer
            for token in trajectory.ids[:-1]:
                detokenizer.add_token(token)
            detokenizer.finalize()
            assert detokenizer.text == trajectory.text
        if ended:
            return
    pytest.fail("no answer ended by itself in twelve seeds")


def test_cancel_keeps_what_was_said(bench: Bench) -> None:
    calls = iter(range(1000))
    record = bench.record(bench.question(), cancelled=lambda: next(calls) > 10)
    run = record.runs["r"]
    assert run.finished is not None
    assert run.finished.status == "cancelled"
    assert {t.reason for t in run.trajectories.values()} == {"cancelled"}
    assert 0 < len(run.reference.ids) < 12


def test_a_variant_that_breaks_fails_alone(bench: Bench, tmp_path: Path) -> None:
    broken = load_model(write_tiny_model(tmp_path, "qwen3", seed=9, dtype=mx.float32))[0]
    broken.model.norm.weight = broken.model.norm.weight * float("nan")
    models = {**bench.models, "2bit": broken}
    question = bench.question(prompts=dict.fromkeys(models, bench.question().prompts["bf16"]))
    stream = compare(models, bench.tokenizer, [question], WARM, PieceTexts(bench.tokenizer))
    record = fold([ev.Started("r", "?", list(models), "bf16"), *(e for e in stream if e)])
    run = record.runs["r"]
    assert [failure.variant for failure in run.failures] == ["2bit"]
    assert run.finished is not None
    assert run.finished.status == "finished"
    assert len(run.trajectories["4bit"].ids) > 5
    assert run.trajectories["2bit"].ids == []


@pytest.mark.parametrize("architecture", ["qwen3", "qwen3_5"])
def test_a_conversation_goes_on_as_if_read_from_the_start(
    tmp_path: Path, architecture: str
) -> None:
    """Two turns with remembered caches equal the second turn read anew, think blocks stripped."""
    bench = Bench(tmp_path, architecture)
    prefixes = Prefixes()
    user = [{"role": "user", "content": "open the east valve?"}]
    prompt = chat.render(bench.tokenizer, user, False)
    boundary = chat.header_boundary(bench.tokenizer, user, prompt)
    assert 0 < boundary < len(prompt)
    first = bench.question(
        prompts=dict.fromkeys(bench.models, prompt),
        boundaries=dict.fromkeys(bench.models, boundary),
    )
    run = bench.record(first, prefixes=prefixes).runs["r"]
    prompts = {}
    for name, trajectory in run.trajectories.items():
        said = {"role": "assistant", "content": f"<think>hm</think>\n\n{trajectory.text}"}
        turns = [*user, said, {"role": "user", "content": "and now?"}]
        prompts[name] = chat.render(bench.tokenizer, turns, False)
    assert len({len(p) for p in prompts.values()}) > 1, "rows should be of unequal length"
    second = bench.question(prompts=prompts, boundaries={}, max_tokens=12)
    _, known = prefixes.fetch("4bit", prompts["bf16"][:-1])
    assert known >= boundary
    warm = bench.record(second, prefixes=prefixes).runs["r"]
    cold = bench.record(second).runs["r"]
    for name in bench.models:
        assert warm.trajectories[name].ids == cold.trajectories[name].ids
        kl = [r.trajectories[name].tracks[name].columns["kl"] for r in (warm, cold)]
        np.testing.assert_allclose(*kl, rtol=1e-2, atol=1e-5)


class Steered(nn.Module):
    """A real model whose logits are pushed along a script after `start` tokens of context."""

    def __init__(self, model: Any, script: list[int], start: int, push: float) -> None:
        super().__init__()
        self.inner = model
        self.layers = model.layers
        self.script, self.start, self.push = script, start, push

    def __call__(self, ids: mx.array, cache: Any) -> mx.array:
        logits = self.inner(ids, cache=cache)
        offsets = np.atleast_1d(np.array(cache[0].offset))
        for row, offset in enumerate(offsets.tolist()):
            if 0 <= offset - self.start < len(self.script):
                token = self.script[offset - self.start]
                logits[row, -1, token] = logits[row, -1, token] + self.push
        return logits


@pytest.mark.parametrize("opening", ['{"decision": "', '{"decision":'])
def test_verdict_and_margin_are_read_at_the_deciding_position(bench: Bench, opening: str) -> None:
    """The reference vetoes, the variant is steered to approve; both margins are checked by hand."""

    def encode(text: str) -> list[int]:
        return list(bench.tokenizer.encode(text, add_special_tokens=False))

    quote = "" if opening.endswith('"') else '"'
    heads = encode(opening)
    scripts = {
        "bf16": [*heads, *encode(quote + 'VETO"}'), *bench.tokenizer.eos_token_ids],
        "4bit": [*heads, *encode(quote + 'APPROVE"}'), *bench.tokenizer.eos_token_ids],
    }
    prompt = bench.question().prompts["bf16"]
    models = {
        name: Steered(bench.models[name], script, len(prompt), 30.0)
        for name, script in scripts.items()
    }
    question = bench.question(prompts=dict.fromkeys(models, prompt), verdict=JUDGE)
    stream = compare(models, bench.tokenizer, [question], Sampling(), PieceTexts(bench.tokenizer))
    events = [ev.Started("r", "?", list(models), "bf16"), *(e for e in stream if e)]
    run = fold(events).runs["r"]
    verdicts = {name: t.verdict for name, t in run.trajectories.items()}
    assert {name: v.label for name, v in verdicts.items() if v} == {
        "bf16": "VETO",
        "4bit": "APPROVE",
    }
    early = [e for e in events if isinstance(e, ev.Verdict) and e.provisional]
    assert {e.trajectory for e in early} == {"bf16", "4bit"}
    texts = [bench.tokenizer.decode(scripts["bf16"][: i + 1]) for i in range(len(heads) + 3)]
    deciding = next(i for i, text in enumerate(texts) if "V" in text)
    for name, verdict in verdicts.items():
        assert verdict is not None
        assert verdict.position == deciding
        assert not verdict.provisional
        track = run.trajectories[name].tracks
        assert set(verdict.margins) == {"bf16", "4bit"} == set(track)
        assert verdict.margin == verdict.margins[name]
    tokens = prompt + scripts["bf16"][:deciding]
    for name, model in bench.models.items():
        if name not in models:
            continue
        logits = np.array(model(mx.array(tokens)[None])[0, -1].astype(mx.float32), np.float64)
        logits[scripts[name][deciding]] += 30.0
        pieces = {id: bench.tokenizer.decode([id]) for id in range(len(bench.tokenizer))}
        odds = [
            logsumexp(
                [logits[id] for id, text in pieces.items() if text and label.startswith(text)]
            )
            for label in ("VETO", "APPROVE")
        ]
        margin = verdicts["bf16"].margins[name]
        assert margin == pytest.approx(odds[0] - odds[1], abs=1e-3)


def test_sampling_frequencies_match_softmax() -> None:
    logits = mx.array([[0.0, 1.0, 2.0, -1.0, 0.5]])
    draws = []
    for position in range(4000):
        pick = make_picker(Sampling(temperature=0.7, seed=11))
        draws.append(pick(logits, [((0, 0), position)]).item())
    expected = np.exp(log_softmax(np.array(logits[0], np.float64) / 0.7)) * len(draws)
    assert chisquare(np.bincount(draws, minlength=5), expected).pvalue > 1e-3


def test_filters_leave_only_what_they_allow() -> None:
    logits = mx.array([[0.0, 1.0, 2.0, -1.0, 0.5]])
    for changes, allowed in (
        ({"top_k": 2}, {1, 2}),
        ({"top_p": 0.5}, {2}),
        ({"min_p": 0.3}, {1, 2}),
    ):
        pick = make_picker(Sampling(temperature=1.0, **changes))
        drawn = {pick(logits, [((0, 0), position)]).item() for position in range(200)}
        assert drawn == allowed, changes


def test_significant_digits() -> None:
    values = [0.0, 1.23456789e-9, -123456.789, 9.9999999, 1.0]
    assert significant(values) == [0.0, 1.23457e-9, -123457.0, 10.0, 1.0]
    assert significant([]) == []
