"""Weights that were quantized once are read back, whole or not at all, and never too many."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from corefeel_tui import events as ev
from corefeel_tui.commands import Load
from corefeel_tui.engine import calibrated, memory, quantize, weight_cache, weight_keys
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.service import Service
from corefeel_tui.engine.weight_cache import WeightCache, layout_of
from corefeel_tui.variants import parse

from .tiny_models import write_tiny_model

CAP = 1 << 30


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory in which even tiny weights are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(weight_cache, "SMALLEST", 1)
    return tmp_path / "cache" / "corefeel"


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("dense"), "qwen3")


def load(model: Path, *names: str, cap: int = CAP) -> tuple[ModelSet, list[ev.Event]]:
    told: list[ev.Event] = []
    return load_set(Load(str(model), list(names), cache_bytes=cap), told.append, None), told


def entries(cache: Path) -> list[Path]:
    return sorted((cache / "weights").glob("*.safetensors"))


def assert_same(first: ModelSet, second: ModelSet) -> None:
    for name, loaded in first.models.items():
        again = dict(tree_flatten(second.models[name].model.parameters()))
        for path, array in tree_flatten(loaded.model.parameters()):
            assert mx.array_equal(array, again[path]), (name, path)
        kept = {
            key: value
            for key, value in loaded.info.items()
            if "tokens" not in key and key not in ("measured", "disturbed")
        }
        assert kept.items() <= second.models[name].info.items()


def forbid(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    def called(*arguments: Any, **named: Any) -> None:
        raise AssertionError(f"{name} was called")

    monkeypatch.setattr(module, name, called)


@pytest.mark.parametrize(
    ("architecture", "execution"),
    [("qwen3", "native"), *((name, "expanded") for name in ("qwen3", "qwen3_moe", "qwen3_5"))],
)
def test_a_second_start_reads_what_the_first_made(
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    execution: str,
) -> None:
    monkeypatch.setattr(memory, "execution", lambda: execution)
    model = write_tiny_model(tmp_path / "model", architecture)
    names = ["4bit", "3bit-g32", "mxfp8", "recipe:mixed_3_6"]
    first, _ = load(model, *names)
    assert len(entries(cache)) == len(names)
    forbid(monkeypatch, quantize, "_pack")
    second, told = load(model, *names)
    assert_same(first, second)
    assert not [event for event in told if isinstance(event, ev.Failed | ev.Notice)]


@pytest.mark.parametrize("execution", ["expanded", "native"])
def test_calibrated_weights_are_kept_whatever_their_size(
    dense: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, execution: str
) -> None:
    monkeypatch.setattr(memory, "execution", lambda: execution)
    monkeypatch.setattr(weight_cache, "SMALLEST", 1 << 40)
    names = ["gptq-4bit", "awq-4bit-g32", "dwq-3bit", "4bit"]
    first, _ = load(dense, *names)
    assert len(entries(cache)) == 3
    forbid(monkeypatch, calibrated, "_calibrate")
    second, _ = load(dense, *names)
    assert_same(first, second)


def test_a_cache_of_keys_and_values_shares_the_weights_entry(dense: Path, cache: Path) -> None:
    load(dense, "4bit")
    load(dense, "4bit+kv8")
    assert len(entries(cache)) == 1


def test_small_weights_and_no_cache_leave_nothing(
    dense: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(dense, "4bit", "gptq-4bit", cap=0)
    assert not (cache / "hashes.json").exists()
    assert not (cache / "figures").exists()
    monkeypatch.setattr(weight_cache, "SMALLEST", 1 << 40)
    load(dense, "4bit")
    assert entries(cache) == []


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def strange(path: Path) -> None:
    mx.save_safetensors(str(path), {"x": mx.zeros(3)})


@pytest.mark.parametrize("damage", [flip_a_byte, cut, empty, strange])
def test_a_damaged_entry_is_made_again(
    dense: Path, cache: Path, damage: Callable[[Path], None]
) -> None:
    first, _ = load(dense, "4bit")
    (path,) = entries(cache)
    damage(path)
    second, told = load(dense, "4bit")
    assert_same(first, second)
    notices = [event.text for event in told if isinstance(event, ev.Notice)]
    assert len(notices) == 1
    assert "damaged and are made again" in notices[0]
    third, told = load(dense, "4bit")
    assert_same(first, third)
    assert not [event for event in told if isinstance(event, ev.Notice)]


def test_a_half_written_entry_is_never_used(
    dense: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process had been killed: no clean-up ran."""
    monkeypatch.setattr(weight_cache._Writer, "finish", lambda self, path: self._file.close())
    load(dense, "4bit")
    assert entries(cache) == []
    (partial,) = (cache / "weights").iterdir()
    os.utime(partial, (1, 1))
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parent))
    monkeypatch.setattr(weight_cache, "SMALLEST", 1)
    load(dense, "4bit")
    assert [path.suffix for path in (cache / "weights").iterdir()] == [".safetensors"]


def test_a_full_disk_is_told_and_nothing_else_changes(
    dense: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, name: str, array: mx.array) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(weight_cache._Writer, "add", full)
    models, told = load(dense, "4bit", "gptq-4bit")
    assert list(models.models) == ["bf16", "4bit", "gptq-4bit"]
    notices = [event.text for event in told if isinstance(event, ev.Notice)]
    assert all("no space left on device" in text for text in notices)
    assert len(notices) == 2
    assert list((cache / "weights").iterdir()) == []


def test_the_least_recently_used_go_first(dense: Path, cache: Path) -> None:
    load(dense, "4bit", "3bit", "2bit")
    smallest, middle, largest = sorted(entries(cache), key=lambda path: path.stat().st_size)
    for path, time in ((largest, 998), (middle, 999), (smallest, 1000)):
        os.utime(path, (time, time))
    load(dense, "4bit")  # the largest is used again
    total = sum(path.stat().st_size for path in entries(cache))
    load(dense, "5bit", cap=total)
    kept = entries(cache)
    assert largest in kept
    assert middle not in kept
    assert sum(path.stat().st_size for path in kept) <= total + 10_000  # headers
    load(dense, "6bit", cap=10_000)
    assert entries(cache) == kept


def test_a_key_is_of_everything_that_decides_the_bits(
    dense: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[recipe]\nbits = 4\n")
    names = ["4bit", "4bit-g32", "5bit", "mxfp4", "gptq-4bit", "awq-4bit", f"recipe:{recipe}"]
    keys = [weight_keys.weight_key(dense, parse(name)) for name in names]
    other = write_tiny_model(tmp_path / "other", "qwen3", seed=1)
    keys += [weight_keys.weight_key(other, parse(name)) for name in names]
    recipe.write_text("[recipe]\nbits = 5\n")
    keys.append(weight_keys.weight_key(dense, parse(f"recipe:{recipe}")))
    copy = Path(shutil.copytree(dense, tmp_path / "copy"))
    assert weight_keys.weight_key(copy, parse("4bit")) == keys[0]
    monkeypatch.setattr(weight_keys, "version", lambda package: "9")
    keys.append(weight_keys.weight_key(dense, parse("4bit")))
    assert len(set(keys)) == len(keys)


def test_contents_are_hashed_once_until_the_file_changes(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_tiny_model(tmp_path / "model", "qwen3")
    first = weight_keys.content_hash(model)
    path = model / "model.safetensors"
    with monkeypatch.context() as patch:
        forbid(patch, weight_keys, "_file_hash")
        assert weight_keys.content_hash(model) == first
    flip_a_byte(path)
    changed = weight_keys.content_hash(model)
    assert changed != first
    (cache / "hashes.json").write_text("[damaged")
    assert weight_keys.content_hash(model) == changed
    assert list(json.loads((cache / "hashes.json").read_text())) == [str(path.resolve())]


def test_an_entry_is_a_safetensors_file(tmp_path: Path) -> None:
    """Written by hand here, read by the format's own library."""
    from safetensors.numpy import load_file

    random = np.random.default_rng(0)
    arrays = {
        "a": mx.array(random.integers(0, 2**32, (3, 5), np.uint32)),
        "b": mx.array(random.normal(size=(4,)).astype(np.float32)),
    }
    cache = WeightCache(tmp_path / "weights", CAP)
    with cache.keep("key", layout_of(arrays), {"notes": ["x"]}) as add:
        for name, array in arrays.items():
            add(name, array)
    found = load_file(tmp_path / "weights" / "key.safetensors")
    assert {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in arrays.items()
    }
    assert cache.find("key").notes == {"notes": ["x"]}
    assert not cache.find("other")


def test_a_later_load_keeps_as_much_as_the_one_before(dense: Path, cache: Path) -> None:
    """The running app names other models without naming the cache again."""
    service = Service()
    for command in (Load(str(dense), ["4bit"], cache_bytes=CAP), Load(str(dense), ["3bit"])):
        assert isinstance(next(service.load(command, lambda event: None)), ev.Loaded)
    assert len(entries(cache)) == 2
