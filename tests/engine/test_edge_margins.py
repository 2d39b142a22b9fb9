"""Margins of edited prompts: what was read stays read, and no number is any other for it."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corefeel_tui import commands as c
from corefeel_tui import events as ev
from corefeel_tui.edge import readouts
from corefeel_tui.edge.readouts import Readout, judge, parse, refusal
from corefeel_tui.engine import chat, constrained
from corefeel_tui.engine.edge.batching import MOST_ROWS, batches
from corefeel_tui.engine.edge.endings import make_endings
from corefeel_tui.engine.edge.probing import Chat, Probing, Weighed
from corefeel_tui.engine.edge.reading import Reading
from corefeel_tui.engine.edge.weighing import margin, probabilities
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.prefill import fill
from corefeel_tui.engine.service import Service
from corefeel_tui.errors import UsageError
from corefeel_tui.verdicts import JUDGE
from tests.engine import oracle
from tests.engine.tiny_models import CONTEXT, write_tiny_model

ARCHITECTURES = ("qwen3", "gemma3_text", "qwen3_5", "mamba")
"""Trimmable caches, windows of 16 that move on, gated delta nets, and nothing but state."""

KNOWN_TO_ORACLE = [name for name in ARCHITECTURES if name in oracle.FORWARD]

TEXT = " ".join(["the pump stopped at nine and its valve was open né 你好 🙂 z͑ ¡Olé! 41 bar"] * 4)
READOUTS = {"verdict": judge(), "openers": refusal(), "first word": parse("yes v no")}
NEVER = lambda: False  # noqa: E731

unicode = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
edits = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), unicode), min_size=1, max_size=5)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def models(directory: Path) -> ModelSet:
    return load_set(c.Load(str(directory), ["bf16", "4bit"]), lambda event: None, None)


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> ModelSet:
    directory = write_tiny_model(tmp_path_factory.mktemp("dense"), "qwen3")
    return load_set(c.Load(str(directory), ["bf16", "4bit"]), lambda event: None, None)


def probing(models: ModelSet, readout: Readout, **around: Any) -> Probing:
    modules = {name: model.model for name, model in models.models.items()}
    return Probing(modules, models.tokenizer, models.context, readout, Chat(**around))


def run(steps: Generator[Any, None, Any]) -> Any:
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def told(steps: Iterator[ev.Event | None]) -> list[ev.Event]:
    return [event for event in steps if event is not None]


def edited(text: str, edit: tuple[float, int, str]) -> str:
    """Some characters at a place taken out, others put in."""
    at = round(edit[0] * len(text))
    return text[:at] + edit[2] + text[at + edit[1] :]


def assert_same(one: Weighed, other: Weighed) -> None:
    assert one.keys() == other.keys()
    for name, weights in one.items():
        assert weights.keys() == other[name].keys()
        for label, value in weights.items():
            assert value == pytest.approx(other[name][label], abs=1e-4)


@settings(max_examples=8)
@given(edits, st.sampled_from(sorted(READOUTS)))
def test_after_any_edits_margins_are_those_computed_from_nothing(
    models: ModelSet, edits: list[tuple[float, int, str]], readout: str
) -> None:
    probe, text, readings = probing(models, READOUTS[readout]), TEXT, dict[str, Reading]()
    for edit in edits:
        text = edited(text, edit)
        if not text.strip():
            continue
        tokens = probe.tokens(text)
        found, _ = run(probe.one(tokens, readings, NEVER))
        assert_same(found, probe.afresh(tokens))
        assert all(reading.tokens == tokens for reading in readings.values())


def test_a_reading_given_up_midway_leaves_nothing_false(models: ModelSet) -> None:
    probe, readings = probing(models, judge()), dict[str, Reading]()
    chance = random.Random(3)
    for number in range(8):
        text = edited(TEXT * 2, (chance.random(), 4, "你好 né"[: number % 6]))
        left = chance.randrange(6)

        def impatient() -> bool:
            nonlocal left
            left -= 1
            return left < 0

        tokens = probe.tokens(text)
        found = run(probe.one(tokens, readings, impatient))
        if found is not None:
            assert_same(found[0], probe.afresh(tokens))
    found = run(probe.one(probe.tokens(TEXT), readings, NEVER))
    assert_same(found[0], probe.afresh(probe.tokens(TEXT)))


def test_prompts_weighed_side_by_side_are_as_if_alone(models: ModelSet) -> None:
    for readout in READOUTS.values():
        probe, readings = probing(models, readout), dict[str, Reading]()
        run(probe.one(probe.tokens(TEXT), readings, NEVER))
        words = TEXT.split(" ")
        prompts = [" ".join(words[:i] + words[i + 1 :]) for i in range(0, len(words), 5)]
        prompts += ["something else", TEXT, TEXT + " 你好"]
        tokens = [probe.tokens(prompt) for prompt in prompts]
        found = dict(pair for pair in probe.many(tokens, readings, NEVER) if pair is not None)
        assert sorted(found) == list(range(len(prompts)))
        for i, weighed in found.items():
            assert_same(weighed, probe.afresh(tokens[i]))


@pytest.mark.parametrize("directory", KNOWN_TO_ORACLE, indirect=True)
def test_margins_agree_with_float64_written_without_mlx(directory: Path, models: ModelSet) -> None:
    probe = probing(models, judge())
    found, _ = run(probe.one(probe.tokens(TEXT), {}, NEVER))
    shared = probe.endings.shared
    prompt = probe.tokens(TEXT)[: -len(shared)] if shared else probe.tokens(TEXT)
    expected = {}
    for label in judge().labels:
        whole = f'{{"decision": "{label}"'
        ids = models.tokenizer.encode(whole, add_special_tokens=False)
        logp = oracle.log_probabilities(directory, [*prompt, *ids])
        start = len(prompt) + len(shared)
        places = range(start, len(prompt) + len(ids))
        expected[label] = sum(logp[at - 1, ids[at - len(prompt)]] for at in places)
    for label, value in expected.items():
        assert found["bf16"][label] == pytest.approx(value, abs=2e-4)


def test_the_readout_is_the_one_that_batches_keep(models: ModelSet) -> None:
    endings = constrained.label_tokens(models.tokenizer, '{"decision": "', JUDGE)
    messages = chat.conversation(None, [], TEXT)
    prompt = chat.render(models.tokenizer, messages, False)
    probe = probing(models, judge())
    found, _ = run(probe.one(probe.tokens(TEXT), {}, NEVER))
    for name, model in models.models.items():
        caches = run(fill(name, model.model, prompt))
        kept = constrained.score_labels(model.model, caches, prompt[-1], endings)
        for label, value in kept.items():
            assert found[name][label] == pytest.approx(value, abs=1e-4)


def test_what_stands_before_the_first_changed_token_is_not_read_again(dense: ModelSet) -> None:
    probe, readings = probing(dense, judge()), dict[str, Reading]()
    first, second = probe.tokens(TEXT), probe.tokens(TEXT + " now")
    run(probe.one(first, readings, NEVER))
    _, reused = run(probe.one(second, readings, NEVER))
    assert reused == chat.common_prefix(first, second)
    assert reused > len(first) - 25


@pytest.mark.parametrize("architecture", ["gemma3_text", "qwen3_5"])
def test_recurrent_models_go_on_from_the_place_of_the_last_edit(
    architecture: str, tmp_path: Path
) -> None:
    directory = write_tiny_model(tmp_path / "model", architecture)
    loaded = load_set(c.Load(str(directory), ["bf16", "4bit"]), lambda event: None, None)
    probe, readings = probing(loaded, judge()), dict[str, Reading]()
    texts = [TEXT, TEXT + " a", TEXT + " a b", TEXT + " a b c"]
    reused = [run(probe.one(probe.tokens(text), readings, NEVER))[1] for text in texts]
    place = chat.common_prefix(probe.tokens(texts[0]), probe.tokens(texts[1]))
    assert reused[0] == 0
    assert reused[2] >= place
    assert reused[3] >= place


def test_a_sum_over_openers_is_a_sum(dense: ModelSet) -> None:
    whole = probing(dense, Readout({"a": ("no", "never"), "b": ("yes",)}, ("a", "b")))
    parts = probing(dense, Readout({"1": ("no",), "2": ("never",), "3": ("yes",)}, ("1", "3")))
    tokens = whole.tokens(TEXT)
    assert tokens == parts.tokens(TEXT)
    one, each = whole.afresh(tokens)["bf16"], parts.afresh(tokens)["bf16"]
    assert one["a"] == pytest.approx(np.logaddexp(each["1"], each["2"]), abs=1e-6)
    assert one["b"] == pytest.approx(each["3"], abs=1e-6)


def test_margins_and_shares_are_of_the_weights() -> None:
    weights = {"a": np.log(0.06), "b": np.log(0.02), "c": None}
    assert margin(weights, ("a", "b")) == pytest.approx(np.log(3), rel=1e-5)
    assert margin(weights, ("a", "c")) is None
    assert probabilities(weights) == {"a": pytest.approx(0.75), "b": pytest.approx(0.25), "c": None}


tokens_lists = st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=40), max_size=60)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), tokens_lists)
def test_batches_hold_every_prompt_once_and_pad_none(
    base: list[int], prompts: list[list[int]]
) -> None:
    made = batches(base, prompts)
    assert sorted(i for batch in made for i in batch.members) == list(range(len(prompts)))
    assert [batch.cut for batch in made] == sorted(batch.cut for batch in made)
    for batch in made:
        members = [prompts[i] for i in batch.members]
        assert len(members) <= MOST_ROWS
        assert len({len(prompt) for prompt in members}) == 1
        assert all(prompt[: batch.cut] == base[: batch.cut] for prompt in members)
        assert all(len(prompt) > batch.cut for prompt in members)


# --- labels -------------------------------------------------------------------------------------


def test_labels_that_share_their_first_token_are_told_apart(dense: ModelSet) -> None:
    readout = Readout({"valve A": ("valve A",), "valve B": ("valve B",)}, ("valve A", "valve B"))
    endings = make_endings(dense.tokenizer, readout)
    assert endings.shared
    weights = probing(dense, readout).afresh(probing(dense, readout).tokens(TEXT))["bf16"]
    assert margin(weights, readout.margin) != 0


@pytest.mark.parametrize("labels", [("no", "not now"), ("same", "same")])
def test_labels_that_cannot_be_told_apart_are_refused(
    dense: ModelSet, labels: tuple[str, str]
) -> None:
    readout = Readout({"1": (labels[0],), "2": (labels[1],)}, ("1", "2"))
    with pytest.raises(UsageError, match="cannot be told apart"):
        make_endings(dense.tokenizer, readout)


@pytest.mark.parametrize("text", ["\ud800", ""])
def test_a_label_that_cannot_be_written_is_refused(dense: ModelSet, text: str) -> None:
    with pytest.raises(UsageError, match="cannot write the label"):
        make_endings(dense.tokenizer, Readout({"a": (text,), "b": ("b",)}, ("a", "b")))


def test_openers_that_another_begins_count_once(dense: ModelSet) -> None:
    endings = make_endings(
        dense.tokenizer, Readout({"a": ("no", "no more", "no"), "b": ("yes",)}, ("a", "b"))
    )
    assert len(endings.texts["a"]) == 1


def test_the_lists_of_openers_can_be_told_apart(dense: ModelSet) -> None:
    endings = make_endings(dense.tokenizer, refusal())
    assert len(endings.texts["refuse"]) > 10
    assert readouts.REFUSING


def test_a_prompt_past_the_context_is_refused_with_the_count(dense: ModelSet) -> None:
    with pytest.raises(UsageError, match=rf"more than this model's context of {CONTEXT}"):
        probing(dense, judge()).tokens("valve " * CONTEXT)


# --- the commands as events ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(dense: ModelSet) -> Service:
    service = Service()
    service.models = dense
    return service


def test_a_meter_tells_margins_and_what_it_read_again(service: Service) -> None:
    (first,) = told(service.meter(c.Meter("m", 1, TEXT, judge().as_dict()), NEVER))
    (second,) = told(service.meter(c.Meter("m", 2, TEXT + "!", judge().as_dict()), NEVER))
    assert isinstance(first, ev.Margins)
    assert isinstance(second, ev.Margins)
    assert (first.revision, second.revision) == (1, 2)
    assert first.reused_tokens == 0
    assert 0 < second.computed_tokens < 25 < second.reused_tokens
    assert set(first.margins) == {"bf16", "4bit"}
    for shares in first.probabilities.values():
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)


def test_a_superseded_meter_says_nothing(service: Service) -> None:
    assert told(service.meter(c.Meter("m", 1, TEXT, judge().as_dict()), lambda: True)) == []


def test_a_scan_weighs_the_prompt_without_each_part(service: Service, dense: ModelSet) -> None:
    prompt = 'Look:\n{"key": "A", "statement": "The pump is open."}\nAction: stop, then wait.'
    seen = told(service.probe(c.Scan("s", prompt, judge().as_dict()), NEVER))
    started, base, *_, last = seen
    assert isinstance(started, ev.EdgeStarted)
    assert isinstance(base, ev.Margins)
    assert last == ev.ItemFinished("s", "finished", last.seconds)  # type: ignore[attr-defined]
    words = [event for event in seen if isinstance(event, ev.WordMargin)]
    assert len(words) == started.total
    assert {word.unit for word in words} == {"word", "clause", "line"}
    probe = probing(dense, judge())
    for word in words:
        assert prompt[word.start : word.end] == word.text
        without = probe.afresh(probe.tokens(prompt[: word.start] + prompt[word.end :]))
        for name, weights in without.items():
            expected = margin(weights, ("VETO", "APPROVE"))
            assert word.margins[name] == pytest.approx(expected, abs=1e-4)


def test_a_scan_ends_when_it_is_cancelled(service: Service) -> None:
    seen: list[ev.Event] = []
    steps = service.probe(c.Scan("s", TEXT, judge().as_dict()), lambda: len(seen) > 4)
    seen.extend(event for event in steps if event is not None)
    assert isinstance(seen[-1], ev.ItemFinished)
    assert seen[-1].status == "cancelled"


def test_a_map_has_a_cell_for_every_pair(service: Service) -> None:
    command = c.Ladder(
        "l", judge().as_dict(), "Open {one|two|all} {of the}?", {"of the": ["a", "b"]}
    )
    seen = told(service.probe(command, NEVER))
    cells = [event for event in seen if isinstance(event, ev.RungMargin)]
    assert {tuple(cell.rungs) for cell in cells} == {(i, j) for i in range(3) for j in range(2)}
    assert {cell.prompt for cell in cells} == {
        f"Open {a} {b}?" for a in ("one", "two", "all") for b in "ab"
    }


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (c.Ladder("l", judge().as_dict(), "no slot"), "has no slot"),
        (c.Ladder("l", judge().as_dict(), "{name}"), "has no fillers"),
        (c.Ladder("l", judge().as_dict(), rungs=["one"]), "one rung"),
        (c.Ladder("l", judge().as_dict(), "{a|b} {c|d}", budget=3), "2 × 2 = 4 combinations"),
        (c.Ladder("l", judge().as_dict(), "{a|a}"), "twice"),
        (c.Scan("s", "word", judge().as_dict()), "nothing can be taken out"),
        (c.Scan("s", "two words", judge().as_dict(), ["page"]), "no part of a prompt"),
        (c.Scan("s", "two words", judge().as_dict(), variants=["9bit"]), "no loaded model"),
        (c.Search("s"), "nothing to search"),
        (c.Search("s", prompt="x", readout=judge().as_dict(), budget=0), "budget is 0"),
    ],
)
def test_what_cannot_be_probed_is_refused_in_a_sentence(
    service: Service, command: Any, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        told(service.probe(command, NEVER))
