"""The trainer on a tiny network: one curve if interrupted, a full disk, the exported format."""

from __future__ import annotations

import errno
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from corefeel_tui.errors import CorefeelError

torch = pytest.importorskip("torch", reason="the trainer needs the extra `train`")

from corefeel_tui.pocket import trainer as training  # noqa: E402
from corefeel_tui.pocket.corpus import training_items  # noqa: E402
from corefeel_tui.pocket.export import export_network, export_run  # noqa: E402
from corefeel_tui.pocket.muon import orthogonalised  # noqa: E402
from corefeel_tui.pocket.network import Encoded, Network, pack  # noqa: E402
from corefeel_tui.pocket.plan import Phase, Plan, continued  # noqa: E402
from corefeel_tui.pocket.reproduce import reproduce  # noqa: E402
from corefeel_tui.pocket.shape import Shape  # noqa: E402
from corefeel_tui.pocket.stream import Position, Stream  # noqa: E402
from corefeel_tui.pocket.tokenizer import (  # noqa: E402
    encode_item,
    item_texts,
    save_tokenizer,
    train_tokenizer,
)
from corefeel_tui.pocket.workers import run_workers  # noqa: E402

TINY = Shape(
    hidden_size=64,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=32,
    intermediate_size=64,
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return train_tokenizer(item_texts(islice(training_items(1), 300)))


def plan(steps: int, **other: Any) -> Plan:
    schedule = (Phase(0, "short", 512),)
    return Plan(
        seed=3, steps=steps, schedule=schedule, warmup=2, probe_every=10**6, shape=TINY, **other
    )


def test_an_interrupted_run_resumes_to_the_same_weights(tmp_path: Path, tokenizer: Any) -> None:
    whole = training.Trainer(plan(6), tokenizer, tmp_path / "whole")
    whole.run()
    first = training.Trainer(plan(6), tokenizer, tmp_path / "parts")
    for _ in range(3):
        first._finished()
        first._step()
    first.save()
    second = training.Trainer(plan(6), tokenizer, tmp_path / "parts")
    assert second.progress.step == 3
    second.run()
    assert second.progress.position == whole.progress.position
    for ours, theirs in zip(second.network.parameters(), whole.network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_run_may_begin_with_an_exported_model(tmp_path: Path, tokenizer: Any) -> None:
    first = training.Trainer(plan(2), tokenizer, tmp_path / "first")
    export_network(first.network, tokenizer, tmp_path / "model")
    second = training.Trainer(continued(plan(2), tmp_path / "model"), tokenizer, tmp_path / "next")
    for ours, theirs in zip(second.network.parameters(), first.network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.to(torch.bfloat16).float())
    second._step()
    second.save()
    third = training.Trainer(second.plan, tokenizer, tmp_path / "next")
    for ours, theirs in zip(third.network.parameters(), second.network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_losses_fall(tmp_path: Path, tokenizer: Any) -> None:
    run = training.Trainer(plan(12), tokenizer, tmp_path)
    losses = []
    while not run._finished():
        losses.append(float(run._step()[0].mean()))
    assert losses[-1] < losses[0] - 0.3


def test_a_full_disk_keeps_the_last_checkpoint(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = training.Trainer(plan(2), tokenizer, tmp_path)
    run.save()
    before = (tmp_path / training.CHECKPOINT).read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(training.os, "fsync", full)
    run._step()
    with pytest.raises(CorefeelError, match=r"no space left .* last good checkpoint was kept"):
        run.save()
    assert (tmp_path / training.CHECKPOINT).read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


def test_batches_continue_from_any_position(tokenizer: Any) -> None:
    stream = Stream(tokenizer, 3)
    batches = [stream.batch("short", 512) for _ in range(4)]
    later = Stream(tokenizer, 3, Position(0, len(batches[0]) + len(batches[1])))
    assert [later.batch("short", 512), later.batch("short", 512)] == batches[2:]


def test_a_conversation_scores_the_same_alone_and_in_a_batch(tokenizer: Any) -> None:
    torch.manual_seed(0)
    network = Network(TINY).eval()
    encoded = [Encoded(*encode_item(tokenizer, item)) for item in islice(training_items(2), 12)]
    packed = pack(encoded)
    together = network.logits(packed)
    for start, conversation in zip(packed.starts, encoded, strict=True):
        alone = network.logits(pack([conversation]))[: len(conversation.ids)]
        torch.testing.assert_close(
            together[start : start + len(alone)], alone, rtol=1e-3, atol=1e-4
        )


def test_only_the_assistant_is_learned(tokenizer: Any) -> None:
    item = next(training_items(2))
    ids, weights = encode_item(tokenizer, item)
    said = tokenizer.decode(
        [i for i, weight in zip(ids, weights, strict=True) if weight], skip_special_tokens=False
    )
    assert said.split("<|end|>")[:-1] == [
        text for role, text in item.messages if role == "assistant"
    ]


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalised(torch.randn(2, 64, 32)).float())
    assert values.min() > 0.5
    assert values.max() < 1.5


def test_mlx_lm_loads_the_export_with_the_same_logits(tmp_path: Path, tokenizer: Any) -> None:
    import mlx.core as mx
    import numpy as np
    from mlx_lm import load

    torch.manual_seed(0)
    network = Network(TINY)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(weight.to(torch.bfloat16))
    export_network(network, tokenizer, tmp_path / "weights")
    model, theirs = load(str(tmp_path / "weights"))
    model.set_dtype(mx.float32)
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Who is it?"},
    ]
    ids = list(
        theirs.apply_chat_template(messages, add_generation_prompt=True, enable_thinking=False)
    )
    logits = network.logits(pack([Encoded(ids, [True] * len(ids))])).detach().numpy()
    assert np.abs(np.array(model(mx.array(ids)[None])[0]) - logits).max() < 1e-3
    assert theirs.eos_token_ids == {tokenizer.token_to_id("<|end|>")}


def test_a_decision_weighs_more_than_the_words_around_it(tokenizer: Any) -> None:
    item = next(item for item in training_items(2) if item.skill == "judge")
    ids, weights = encode_item(tokenizer, item)
    heavy = [tokenizer.decode([i]) for i, weight in zip(ids, weights, strict=True) if weight > 1]
    decisions = [
        json.loads(text)["decision"] for role, text in item.messages if role == "assistant"
    ]
    assert len(heavy) == len(decisions)
    assert all(decision.startswith(token) for token, decision in zip(heavy, decisions, strict=True))


def test_two_workers_train_one_model(tmp_path: Path, tokenizer: Any) -> None:
    """Found only by workers of their own processes: what they are given must be found by name."""
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    run_workers(2, training.train_run, plan(2), tmp_path / "tokenizer.json", tmp_path / "two", 1)
    two = training.Trainer(plan(2), tokenizer, tmp_path / "two")
    one = training.Trainer(plan(2), tokenizer, tmp_path / "one")
    one.run()
    assert two.progress.position == one.progress.position
    packed = pack([Encoded(*encode_item(tokenizer, item)) for item in islice(training_items(4), 8)])
    with torch.no_grad():
        torch.testing.assert_close(
            two.network.losses(packed), one.network.losses(packed), rtol=0.02, atol=0.02
        )


def test_every_run_behind_a_model_is_done_again(
    tmp_path: Path, tokenizer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first = training.Trainer(plan(4), tokenizer, tmp_path / "first")
    first.run()
    save_tokenizer(tokenizer, tmp_path / "first" / "tokenizer")
    export_run(tmp_path / "first", tmp_path / "model1")
    begun = continued(plan(3, decay=0.5), tmp_path / "model1")
    second = training.Trainer(begun, tokenizer, tmp_path / "second")
    second.run()
    save_tokenizer(tokenizer, tmp_path / "second" / "tokenizer")
    export_run(tmp_path / "second", tmp_path / "model2")

    again = reproduce(tmp_path / "model2", tmp_path / "again", 1, 2, False, print)

    assert capsys.readouterr().out == "run 1: 4 steps\nrun 2: 3 steps\n"
    ours, theirs = (
        json.loads((model / "training.json").read_text()) for model in (again, tmp_path / "model2")
    )
    assert ours["position"] == theirs["position"]
    assert ours["before"]["position"] == theirs["before"]["position"]
