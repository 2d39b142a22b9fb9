"""The batch runner on real tiny models: plan, equality with one at a time, resume, failures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from pydantic import TypeAdapter
from safetensors.numpy import load_file

from corefeel_tui import commands as c
from corefeel_tui import events as ev
from corefeel_tui.diagnostics import decisions
from corefeel_tui.diagnostics.sheet import Sheet
from corefeel_tui.early import Glance, glances
from corefeel_tui.edge.readouts import parse as parse_readout
from corefeel_tui.edge.saving import append_item
from corefeel_tui.engine import constrained, memory
from corefeel_tui.engine.batch import harvest
from corefeel_tui.engine.batch.plan import make_batches
from corefeel_tui.engine.batch.runner import CONTROL_ITEMS, BatchRunner
from corefeel_tui.engine.compare import compare
from corefeel_tui.engine.control import make_control
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.prefill import Prefixes, fill
from corefeel_tui.engine.question import Question
from corefeel_tui.engine.sampling import Sampling
from corefeel_tui.engine.service import Service
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.evidence import ItemEvidence, SuitePlan
from corefeel_tui.folding import fold
from corefeel_tui.suites import Suite, load_suite
from corefeel_tui.verdicts import JUDGE

from .tiny_models import write_tiny_model

VERDICTS = """
[suite]
name = "small"
kind = "verdicts"
labels = ["APPROVE", "REVISE", "VETO"]
forbidden = [["VETO", "APPROVE"]]
verdict = { json_key = "decision" }
max_tokens = 12
"""

TALKS = """
[suite]
name = "talks"
kind = "turns"
history = ["own", "reference"]
max_tokens = 8
[[item]]
id = "a"
turns = ["the valve?", "and the pump?", "since when?"]
[[item]]
id = "b"
turns = ["seven apples", "five pears", "how many?"]
"""

SAMPLED = """
[suite]
name = "sampled"
kind = "reasoning"
samples = 3
temperature = 0.9
max_tokens = 8
[[item]]
id = "a"
prompt = "a sum of two"
[[item]]
id = "b"
prompt = "a sum of three numbers"
"""


def suite(directory: Path, text: str) -> Suite:
    path = directory / "suite.toml"
    path.write_text(text)
    return load_suite(path).made()


def verdict_items(count: int) -> str:
    lengths = ["short", "a rather longer question about the pump and the valve", "mid size one"]
    return VERDICTS + "".join(
        f'[[item]]\nid = "i{n}"\nprompt = "{lengths[n % 3]} {n}"\nexpected = "VETO"\n'
        for n in range(count)
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelSet:
    path = write_tiny_model(tmp_path_factory.mktemp("batch") / "tiny", "qwen3", sharpness=1.5)
    return load_set(c.Load(str(path), ["bf16", "4bit", "2bit"]), lambda event: None, None)


def run(
    models: ModelSet, suites: list[Suite], control: bool = False, **options: Any
) -> list[ev.Event]:
    command = c.Evaluate("e", [], **options)
    runner = BatchRunner(
        command,
        models,
        make_control(models) if control else None,
        suites,
        PieceTexts(models.tokenizer),
        lambda: False,
    )
    return [event for event in runner.steps() if event is not None]


def evidence(events: list[ev.Event]) -> dict[str, ev.JSON]:
    return {
        event.evidence["id"]: event.evidence
        for event in events
        if isinstance(event, ev.ItemFinished) and event.evidence is not None
    }


def test_every_item_leaves_evidence(models: ModelSet, tmp_path: Path) -> None:
    events = run(models, [suite(tmp_path, verdict_items(11))], control=True, arrays=str(tmp_path))
    assert isinstance(events[0], ev.Planned)
    assert events[0].items == 11
    assert events[0].control == "control"
    assert events[-1] == ev.ItemFinished("e", "finished")
    found = evidence(events)
    assert list(found) == [f"i{n}" for n in range(11)]
    for item in found.values():
        assert set(item["answers"]) == {"bf16", "4bit", "2bit", "control", "floor:F2"}
        assert set(item["readout"]["4bit"]) == {"APPROVE", "REVISE", "VETO"}
        assert item["drift"]["bf16"][0]["kl_sum"] == 0
        drift = {name: own[0]["kl_sum"] for name, own in item["drift"].items()}
        assert 0 < drift["floor:F2"] < drift["4bit"] < drift["control"]
        part = item["arrays"]
        kl = load_file(tmp_path / part["file"])["kl/4bit"]
        rows = kl[part["start"] : part["start"] + part["count"]]
        assert rows.sum() == pytest.approx(item["drift"]["4bit"][0]["kl_sum"], rel=1e-4)


def has_top(scores: ev.JSON, at: int) -> bool:
    return "top" in scores and scores["top"]["ids"][at] is not None


def test_top_choices_are_kept_where_it_matters(models: ModelSet, tmp_path: Path) -> None:
    events = run(models, [suite(tmp_path, verdict_items(3))])
    kept = {True: 0, False: 0}
    for event in events:
        if isinstance(event, ev.Tokens) and event.scores and event.trajectory == "bf16":
            for at in range(len(event.ids)):
                told = {name for name, own in event.scores.items() if has_top(own, at)}
                flipped = {name for name, own in event.scores.items() if own["flip"][at]}
                loud = {name for name in flipped if not name.startswith("floor:")}
                assert loud <= told
                assert "bf16" in told or not told
                kept[bool(told)] += 1
        assert ev.decode(ev.encode(event)) is not None
    assert kept[True]
    assert kept[False]


def test_batched_equals_one_at_a_time(models: ModelSet, tmp_path: Path) -> None:
    whole = suite(tmp_path, verdict_items(6))
    together = evidence(run(models, [whole]))
    for number, item in enumerate(whole.item):
        alone = Suite(suite=whole.suite, item=(item,))
        single = evidence(run(models, [alone]))[item.id]
        batched = together[item.id]
        for name in ("bf16", "4bit", "2bit"):
            texts = [one["answers"][name][0]["text"] for one in (single, batched)]
            assert texts[0] == texts[1], (number, name)
            kl = [one["drift"][name][0]["kl_sum"] for one in (single, batched)]
            assert kl[0] == pytest.approx(kl[1], rel=1e-3, abs=1e-6)


def test_a_resumed_run_tells_only_what_is_missing_and_the_same(
    models: ModelSet, tmp_path: Path
) -> None:
    whole = suite(tmp_path, verdict_items(11))
    full = evidence(run(models, [whole]))
    done = [f"small@general/i{n}" for n in (0, 1, 2, 8)]
    rest = evidence(run(models, [whole], done=done))
    assert list(rest) == ["i3", "i4", "i5", "i6", "i7", "i9", "i10"]
    for name, item in rest.items():
        assert item == full[name] | {"arrays": None}


def test_conversations_go_on_with_either_history(models: ModelSet, tmp_path: Path) -> None:
    events = run(models, [suite(tmp_path, TALKS)])
    found = evidence(events)
    assert set(found) == {"a-own", "b-own", "a-reference", "b-reference"}
    for item in found.values():
        assert [answer["turn"] for answer in item["answers"]["4bit"]] == [0, 1, 2]
        assert [drift["turn"] for drift in item["drift"]["4bit"]] == [0, 1, 2]
    started = [e for e in events if isinstance(e, ev.Started)]
    lengths = {e.run: set(e.prompt_tokens.values()) for e in started}
    assert all(len(found) == 1 for name, found in lengths.items() if "-reference" in name)
    assert any(len(found) > 1 for name, found in lengths.items() if "-own" in name)


def test_the_control_answers_a_suites_first_items_only(models: ModelSet, tmp_path: Path) -> None:
    events = run(models, [suite(tmp_path, verdict_items(CONTROL_ITEMS + 3))], control=True)
    assert answered(events, "control") == [f"i{n}" for n in range(CONTROL_ITEMS)]
    assert len(answered(events, "4bit")) == CONTROL_ITEMS + 3


@pytest.mark.parametrize("last", [False, True])
def test_what_is_kept_of_ended_answers_holds_no_more_than_itself(
    models: ModelSet, last: bool
) -> None:
    modules = {name: model.model for name, model in models.models.items()}
    prompt = models.tokenizer.encode("open the valve?") * 20
    questions = [
        Question(str(n), {m: [n + 5, *prompt] for m in modules}, 4 + n, last=last) for n in range(8)
    ]
    prefixes, pieces = Prefixes(), PieceTexts(models.tokenizer)
    memory.release()
    before = memory.memory_in_use()
    for _ in compare(modules, models.tokenizer, questions, Sampling(), pieces, prefixes):
        pass
    memory.release()
    assert (prefixes.bytes == 0) == last
    assert memory.memory_in_use() - before <= 1.1 * prefixes.bytes + 10_000


def test_samples_differ_and_are_coupled(models: ModelSet, tmp_path: Path) -> None:
    found = evidence(run(models, [suite(tmp_path, SAMPLED)]))
    for item in found.values():
        texts = [answer["text"] for answer in item["answers"]["bf16"]]
        assert [answer["sample"] for answer in item["answers"]["bf16"]] == [0, 1, 2]
        assert len(set(texts)) > 1
        other = [answer["text"] for answer in item["answers"]["floor:F3"]]
        assert len(other) == 3
        assert other != texts
    again = evidence(run(models, [suite(tmp_path, SAMPLED)]))
    assert again == found


def test_a_broken_variant_fails_by_name_and_the_others_go_on(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "tiny", "qwen3", sharpness=1.5)
    models = load_set(c.Load(str(path), ["bf16", "4bit", "2bit"]), lambda event: None, None)
    broken = models.models["2bit"].model
    broken.model.layers[0].self_attn.q_proj.weight *= float("nan")
    found = evidence(run(models, [suite(tmp_path, verdict_items(10))]))
    assert len(found) == 10
    for item in found.values():
        assert set(item["answers"]) == {"bf16", "4bit", "floor:F2"}
        assert "no finite distribution" in item["failures"]["2bit"]


def test_items_longer_than_the_context_are_skipped_and_listed(
    models: ModelSet, tmp_path: Path
) -> None:
    long = VERDICTS + f'[[item]]\nid = "long"\nprompt = "{"word " * 900}"\n'
    long += '[[item]]\nid = "short"\nprompt = "word"\n'
    found = evidence(run(models, [suite(tmp_path, long)]))
    assert found["long"]["status"] == "skipped"
    assert "context" in found["long"]["reason"]
    assert found["short"]["status"] == "finished"


@pytest.mark.parametrize(
    ("line", "weighed"),
    [("VETO v APPROVE", True), ("yes v no after The answer is", True), ("refuse v comply", False)],
)
def test_what_an_edge_search_saved_can_be_run(
    models: ModelSet, tmp_path: Path, line: str, weighed: bool
) -> None:
    readout = parse_readout(line)
    first, second = readout.margin
    found = ev.EdgeFound(
        run="s",
        variant="2bit",
        number=1,
        prompt="open the valve?",
        changes=[],
        labels={"bf16": first, "2bit": second},
        margins={"bf16": 1.0, "2bit": -1.0},
        probabilities={},
        readout=readout.as_dict(),
    )
    path = tmp_path / "mine.toml"
    name = append_item(path, found)
    (item,) = evidence(run(models, [load_suite(path).made()])).values()
    assert item["id"] == name
    assert len(item["answers"]["2bit"]) == 1
    assert set(item["readout"].get("2bit", {})) == (set(readout.labels) if weighed else set())
    plan = SuitePlan(item["suite"], "edge", 1, tuple(readout.labels), forbidden=(readout.margin,))
    sheet = Sheet(
        "mine", plan, (TypeAdapter(ItemEvidence).validate_python(item),), "bf16", ("2bit",)
    )
    assert {x.metric for x in decisions.measure(sheet, "2bit")} >= (
        {"readout_flip_rate", "margin_shift_mean"} if weighed else set()
    )


def test_batches_do_not_depend_on_what_is_done(tmp_path: Path) -> None:
    whole = suite(tmp_path, verdict_items(20))
    batches = make_batches([whole], None)
    assert [work.item.id for batch in batches for work in batch] == [f"i{n}" for n in range(20)]
    assert max(len(batch) for batch in batches) <= 8
    assert make_batches([whole], None) == batches
    assert sum(map(len, make_batches([whole], 5))) == 5


@pytest.mark.parametrize("architecture", ["qwen3", "qwen3_5"])
def test_the_readout_is_the_likelihood_of_each_label(tmp_path: Path, architecture: str) -> None:
    path = write_tiny_model(tmp_path / "tiny", architecture, sharpness=1.5)
    models = load_set(c.Load(str(path), ["bf16", "4bit"]), lambda event: None, None)
    prompt = models.tokenizer.encode("open the valve?")
    start = constrained.opening(JUDGE, None)
    assert start is not None
    endings = constrained.label_tokens(models.tokenizer, start, JUDGE)
    shared = constrained.shared_length(endings)
    for loaded in models.models.values():
        filling = fill("m", loaded.model, prompt)
        while True:
            try:
                next(filling)
            except StopIteration as end:
                caches = end.value
                break
        found = constrained.score_labels(loaded.model, caches, prompt[-1], endings)
        for label, ids in endings.items():
            tokens = prompt + ids
            logits = np.array(
                loaded.model(mx.array(tokens)[None])[0].astype(mx.float32), np.float64
            )
            logprobs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
            at = range(len(prompt) + shared, len(tokens))
            assert found[label] == pytest.approx(
                sum(logprobs[i - 1, tokens[i]] for i in at), abs=1e-3
            )


def test_the_service_refuses_unknown_suites(models: ModelSet) -> None:
    service = Service()
    service.models, service._pieces = models, PieceTexts(models.tokenizer)
    with pytest.raises(Exception, match="no suite is called"):
        list(service.evaluate(c.Evaluate("e", ["vedricts"]), lambda: False))


def answered(events: list[ev.Event], name: str) -> list[str]:
    """Items that a model answered."""
    return [key for key, item in evidence(events).items() if name in item["answers"]]


def test_a_collapsed_variant_is_asked_no_more_also_after_a_resume(
    models: ModelSet, tmp_path: Path
) -> None:
    small = suite(tmp_path, verdict_items(40))
    events = run(models, [small], stop_collapsed=True)
    stops = [event for event in events if isinstance(event, ev.VariantStopped)]
    whole = run(models, [small])
    assert not any(isinstance(event, ev.VariantStopped) for event in whole)
    assert len(answered(whole, "2bit")) == 40
    (stop,) = [stop for stop in stops if stop.variant == "2bit"]
    assert stop.rule == "collapse"
    assert stop.items == 24
    assert answered(events, "2bit") == [f"i{n}" for n in range(24)]
    assert len(answered(events, "bf16")) == 40
    plan = SuitePlan(**next(e for e in events if isinstance(e, ev.Planned)).suites[0])
    adapter = TypeAdapter(ItemEvidence)
    seen = {
        f"{item['suite']}/{key}": {
            name: asdict(glance)
            for name, glance in glances(adapter.validate_python(item), plan, "bf16").items()
        }
        for key, item in list(evidence(events).items())[:27]
    }
    rest = run(models, [small], stop_collapsed=True, done=list(seen), glances=seen)
    assert answered(rest, "2bit") == []
    assert evidence(rest) == {k: v for k, v in evidence(events).items() if int(k[1:]) >= 27}
    assert [e for e in rest if isinstance(e, ev.VariantStopped)] == stops


def test_quick_mode_asks_a_drifted_variant_no_more_in_that_suite(
    models: ModelSet, tmp_path: Path
) -> None:
    suites = [suite(tmp_path, verdict_items(11)), suite(tmp_path, TALKS)]
    changed = asdict(Glance(decided=1, changed=1))
    kept = asdict(Glance(decided=1))
    first = [f"small@general/i{n}" for n in range(8)]
    seen = {key: {"bf16": kept, "4bit": kept, "2bit": changed} for key in first}
    events = run(models, suites, quick=True, done=first, glances=seen)
    (stop,) = [event for event in events if isinstance(event, ev.VariantStopped)]
    assert (stop.variant, stop.rule, stop.suite) == ("2bit", "drifted", "small@general")
    assert stop.items == 8
    talks = ["a-own", "b-own", "a-reference", "b-reference"]
    assert answered(events, "2bit") == talks
    assert answered(events, "4bit") == ["i8", "i9", "i10", *talks]


def test_thinking_tokens_are_counted_apart(tmp_path: Path) -> None:
    ((work,),) = make_batches([suite(tmp_path, verdict_items(1))], None)
    texts = {1: "<think>", 2: "not", 3: " sure", 4: "</think>", 5: "VETO"}
    columns = {"kl": [0.1] * 5, "flip": [False] * 5}
    scores = {"bf16": columns, "4bit": columns}
    record = fold(
        [
            ev.Started("r", "?", ["bf16", "4bit"], "bf16"),
            ev.Tokens("r", "bf16", 0, list(texts), scores),
            ev.TrajectoryFinished("r", "bf16", "stop", "".join(texts.values())),
            ev.Tokens("r", "4bit", 0, [5], same_as="bf16"),
            ev.TrajectoryFinished("r", "4bit", "stop", "VETO"),
        ]
    )
    runs = [record.runs["r"]]
    answers = harvest._answers(
        runs, "bf16", False, harvest._Drifts(work, runs, False, texts.__getitem__)
    )
    assert (answers[0].tokens, answers[0].thinking_tokens) == (5, 4)
    answers = harvest._answers(
        runs, "4bit", False, harvest._Drifts(work, runs, False, texts.__getitem__)
    )
    assert (answers[0].tokens, answers[0].thinking_tokens) == (1, 0)
