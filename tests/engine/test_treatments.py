"""Every treatment through the door a user comes in by: a list of variants, loaded and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui.commands import Load
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.scoring import score_steps
from corefeel_tui.errors import ModelError

from .tiny_models import write_tiny_model

WINDOWS = [list(range(20, 90)), list(range(90, 40, -1))]


def load(model: Path, *variants: str) -> tuple[ModelSet, list[ev.Event]]:
    told: list[ev.Event] = []
    return load_set(Load(str(model), list(variants)), told.append, None), told


def kl_of(models: ModelSet) -> dict[str, float]:
    """Variant → mean KL of a score run."""
    steps = score_steps("r", models, WINDOWS, None, None, lambda: False)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            found = stop.value["variants"]
            return {name: found[name]["kl"]["mean"] for name in found if "kl" in found[name]}


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("dense"), "qwen3")


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("hybrid"), "qwen3_5")


def test_weights_of_every_kind_side_by_side(dense: Path) -> None:
    names = ["mxfp4", "nvfp4", "mxfp8", "gptq-4bit", "w8a8", "smoothquant-w8a8", "llmint8"]
    models, told = load(dense, "8bit", "2bit", *names, "recipe:mixed_2_6")
    assert [event for event in told if isinstance(event, ev.Failed)] == []
    info = {name: model.info for name, model in models.models.items()}
    assert set(info) == {"bf16", "8bit", "2bit", *names, "recipe:mixed_2_6"}
    emulated = {name for name, about in info.items() if about["emulated"]}
    assert emulated == {"w8a8", "smoothquant-w8a8", "llmint8"}
    for name in emulated:
        assert "emulated: numbers, not speed" in info[name]["notes"][0]
        assert info[name]["skipped"] == ["model.embed_tokens"]
        assert 8 < info[name]["bits_per_weight"] < 16
    assert info["mxfp4"]["bits_per_weight"] < info["mxfp8"]["bits_per_weight"]
    assert "tokens of the shipped text" in info["gptq-4bit"]["notes"][0]
    kl = kl_of(models)
    assert 0 < kl["8bit"] < kl["w8a8"] < kl["2bit"]
    assert kl["mxfp8"] < kl["mxfp4"]
    assert ev.decode(ev.encode(models.describe())) == models.describe()


def test_any_weights_with_any_cache(hybrid: Path) -> None:
    names = ["bf16+kv8", "bf16+kv4", "4bit", "4bit+k8v4", "w8a8+kv8", f"same={hybrid}+kv4"]
    models, told = load(hybrid, *names)
    assert [event for event in told if isinstance(event, ev.Failed)] == []
    info = {name: model.info for name, model in models.models.items()}
    assert info["4bit"]["kv_coverage"] is None
    assert info["4bit+k8v4"]["kv_coverage"] == "2 of 4 layers"
    assert info["bf16+kv8"]["resident_bytes"] == 0
    assert not info["same"]["identical"]
    kl = kl_of(models)
    assert 0 < kl["bf16+kv8"] < kl["bf16+kv4"]
    assert kl["bf16+kv4"] == kl["same"]
    assert kl["4bit"] != kl["4bit+k8v4"]


def test_one_that_cannot_be_carried_out_leaves_the_others(hybrid: Path, tmp_path: Path) -> None:
    _, told = load(hybrid, "4bit", "awq-4bit", f"recipe:{tmp_path / 'none.toml'}")
    failed = {event.variant: event.reason for event in told if isinstance(event, ev.Failed)}
    assert "does not know the architecture qwen3_5" in failed["awq-4bit"]
    assert "no recipe file" in failed[f"recipe:{tmp_path / 'none.toml'}"]
    assert len(failed) == 2


def test_an_edited_recipe_is_read_again(dense: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[recipe]\nbits = 8\n", encoding="utf-8")
    load_again = Load(str(dense), [f"recipe:{recipe}", "4bit"])
    first = load_set(load_again, lambda event: None, None)
    same = load_set(load_again, lambda event: None, first)
    recipe.write_text("[recipe]\nbits = 3\ngroup = 32\n", encoding="utf-8")
    other = load_set(load_again, lambda event: None, same)
    name = f"recipe:{recipe}"
    assert same.models[name].model is first.models[name].model
    assert other.models[name].model is not first.models[name].model
    assert other.models["4bit"].model is first.models["4bit"].model
    assert other.models[name].info["bits_per_weight"] < 5


def test_a_cache_without_keys_is_refused_by_variant(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "mamba", "mamba")
    with pytest.raises(ModelError, match=r"8bit\+kv8: this model keeps no keys"):
        load(model, "8bit+kv8")
