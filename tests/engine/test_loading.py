"""Model directories, good and bad: every bad one gets one sentence."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import pytest

from corefeel_tui import events as ev
from corefeel_tui.commands import Load
from corefeel_tui.engine import checkpoints
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.errors import CorefeelError, ModelError, UsageError
from tests.engine.tiny_models import ARCHITECTURES, CONTEXT, write_tiny_model, write_tokenizer


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("original"), "qwen3")


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "copy"))


def load(
    model: Path | str, *variants: str, previous: ModelSet | None = None
) -> tuple[ModelSet, list[ev.Event]]:
    told: list[ev.Event] = []
    return load_set(Load(str(model), list(variants)), told.append, previous), told


def config_with(**changes: object) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / "config.json"
        config = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))

    return change


def remove(name: str) -> Callable[[Path], None]:
    return lambda directory: (directory / name).unlink()


def write(name: str, content: bytes) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        (directory / name).write_bytes(content)

    return change


def cut(count: int) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / "model.safetensors"
        path.write_bytes(path.read_bytes()[:count])

    return change


def damage_header(directory: Path) -> None:
    path = directory / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[9] = 0x7F
    path.write_bytes(data)


def offsets(*ends: object) -> Callable[[Path], None]:
    """Other offsets for the first array that the header tells of."""

    def change(directory: Path) -> None:
        path = directory / "model.safetensors"
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        first = next(name for name in header if name != "__metadata__")
        header[first]["data_offsets"] = ends
        changed = json.dumps(header).encode()
        path.write_bytes(len(changed).to_bytes(8, "little") + changed + data[8 + length :])

    return change


DEEP = (99999).to_bytes(8, "little") + b"[" * 99999


def promise_a_shard(directory: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))


def drop_an_array(directory: Path) -> None:
    path = directory / "model.safetensors"
    arrays = mx.load(str(path))
    mx.eval(arrays)
    del arrays["model.norm.weight"]
    mx.save_safetensors(str(path), arrays)


def only_pickled_weights(directory: Path) -> None:
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no config": (remove("config.json"), "has no config.json"),
    "config not JSON": (write("config.json", b"{oops"), "cannot be read as JSON"),
    "config not UTF-8": (write("config.json", b"\xff\xfe{}"), "cannot be read as JSON"),
    "config nested": (write("config.json", b'{"a":' + b"[" * 99999), "cannot be read as JSON"),
    "config a list": (write("config.json", b"[]"), "no object"),
    "no model_type": (config_with(model_type=None), "has no model_type"),
    "unknown architecture": (config_with(model_type="qwen33"), "the nearest it knows is “qwen3”"),
    "a path as architecture": (config_with(model_type="..utils"), "knows no architecture"),
    "cache": (config_with(model_type="cache"), "no model architecture"),
    "base": (config_with(model_type="base"), "no model architecture"),
    "switch_layers": (config_with(model_type="switch_layers"), "no model architecture"),
    "model_file": (config_with(model_file="evil.py"), "asks to run its own code"),
    "a config that does not run": (config_with(rope_theta="x"), "the model does not run: rope"),
    "a key missing": (config_with(hidden_size=None), "does not load as qwen3"),
    "sizes that do not fit": (config_with(hidden_size=32), "does not load as qwen3"),
    "no weights": (remove("model.safetensors"), "no model*.safetensors; fetch the rest of it"),
    "pickled weights": (only_pickled_weights, "only safetensors weights are read"),
    "empty weights": (cut(0), "no readable safetensors"),
    "header cut": (cut(60), "no readable safetensors"),
    "truncated": (cut(5000), "is truncated"),
    "not safetensors": (write("model.safetensors", b"PK\x03\x04" + b"\0" * 99), "no readable"),
    "damaged header": (damage_header, "no readable safetensors"),
    "nested header": (write("model.safetensors", DEEP), "no readable safetensors"),
    "offsets no numbers": (offsets("a", "b"), "no readable safetensors"),
    "longer than promised": (lambda d: _append(d), "is damaged"),
    "an array missing": (drop_an_array, "does not load as qwen3"),
    "a shard missing": (promise_a_shard, "is incomplete"),
    "index nested": (write("model.safetensors.index.json", b"[" * 99999), "is damaged"),
    "index damaged": (write("model.safetensors.index.json", b"[1]"), "is damaged"),
    "no tokenizer": (remove("tokenizer.json"), "has no tokenizer"),
    "tokenizer not JSON": (write("tokenizer.json", b"{"), "does not load"),
}


def _append(directory: Path) -> None:
    with (directory / "model.safetensors").open("ab") as file:
        file.write(b"tail")


@pytest.mark.parametrize("name", BAD)
def test_bad_directories_are_refused_in_one_sentence(copy: Path, name: str) -> None:
    change, reason = BAD[name]
    change(copy)
    with pytest.raises(ModelError) as raised:
        load(copy, "4bit")
    sentence = str(raised.value)
    assert reason in sentence
    assert "\n" not in sentence
    assert raised.value.exit_code == 2


def test_no_code_of_a_repository_runs(copy: Path) -> None:
    """Neither the architecture's nor the tokenizer's, whatever the configs ask for."""
    trap = f"open({str(copy / 'ran')!r}, 'w')\n"
    for name in ("evil.py", "tokenization_evil.py", "configuration_evil.py"):
        (copy / name).write_text(trap)
    config_with(auto_map={"AutoConfig": "configuration_evil.C"})(copy)
    path = copy / "tokenizer_config.json"
    wanted = {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": [None, "evil.Evil"]}}
    path.write_text(json.dumps(json.loads(path.read_text()) | wanted))
    with contextlib.suppress(ModelError):
        load(copy, "4bit")
    config_with(model_file="evil.py")(copy)
    with pytest.raises(ModelError, match="its own code"):
        load(copy, "4bit")
    assert not (copy / "ran").exists()


def test_names_that_lead_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, original: Path
) -> None:
    with pytest.raises(ModelError, match="there is no directory"):
        checkpoints.resolve(str(tmp_path / "missing"))
    with pytest.raises(ModelError, match="is a file"):
        checkpoints.resolve(str(original / "config.json"))
    with pytest.raises(ModelError, match="hf download nobody/nothing-4B"):
        checkpoints.resolve("nobody/nothing-4B")


def test_what_a_loaded_set_tells(original: Path) -> None:
    models, told = load(original, "8bit", "4bit-g32")
    loaded = models.describe()
    assert [v["name"] for v in loaded.variants] == ["bf16", "8bit", "4bit-g32"]
    assert (loaded.vocabulary, loaded.context, loaded.thinking) == (384, CONTEXT, True)
    assert loaded.floors["F0"]["kl_max"] == 0.0
    assert 0 <= loaded.floors["F1"]["kl_max"] < 1e-9
    assert all(v["tokens_per_second"] > 0 for v in loaded.variants)
    assert all(v["prefill_tokens_per_second"] > 0 for v in loaded.variants)
    assert [v["bits_per_weight"] for v in loaded.variants] == pytest.approx([16, 8.5, 5], abs=0.05)
    assert {"weights", "config", "tokenizer", "template"} <= set(loaded.fingerprint)
    steps = {(e.variant, e.stage) for e in told if isinstance(e, ev.Loading)}
    assert {("", "checkpoint"), ("bf16", "reading"), ("4bit-g32", "quantizing")} <= steps
    assert ev.decode(ev.encode(loaded)) == loaded


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_loads(tmp_path: Path, architecture: str) -> None:
    models, _ = load(write_tiny_model(tmp_path, architecture), "8bit", "2bit-g32")
    assert list(models.models) == ["bf16", "8bit", "2bit-g32"]


def test_changing_the_set_keeps_what_is_loaded(original: Path) -> None:
    first, _ = load(original, "8bit", "4bit")
    second, told = load(original, "4bit", "3bit", previous=first)
    assert second.checkpoint is first.checkpoint
    assert second.tokenizer is first.tokenizer
    assert second.models["4bit"].model is first.models["4bit"].model
    assert {e.variant for e in told if isinstance(e, ev.Loading) and e.stage == "quantizing"} == {
        "3bit"
    }


def test_a_directory_that_changed_is_read_again(copy: Path) -> None:
    first, _ = load(copy, "8bit")
    write_tiny_model(copy, "qwen3", seed=1)
    second, _ = load(copy, "8bit", previous=first)
    assert second.checkpoint is not first.checkpoint


def test_another_model_may_be_the_reference(original: Path) -> None:
    told: list[ev.Event] = []
    models = load_set(Load(str(original), ["bf16", "8bit"], reference="8bit"), told.append, None)
    assert (models.reference, list(models.models)) == ("8bit", ["8bit", "bf16"])


def test_one_variant_fails_while_the_others_live(original: Path, copy: Path) -> None:
    cut(5000)(copy)
    models, told = load(original, "4bit", f"broken={copy}")
    assert list(models.models) == ["bf16", "4bit"]
    failures = [event for event in told if isinstance(event, ev.Failed)]
    assert [(failure.variant, failure.fatal) for failure in failures] == [("broken", False)]
    assert "truncated" in failures[0].reason


def test_a_set_without_a_living_variant_is_refused(original: Path, copy: Path) -> None:
    cut(5000)(copy)
    with pytest.raises(ModelError, match="truncated"):
        load(original, f"broken={copy}")
    with pytest.raises(UsageError, match="nearest valid one"):
        load(original, "4bit", "7bit")


def test_nothing_is_read_for_a_set_without_a_variant_that_can_be_made(
    original: Path, copy: Path
) -> None:
    cut(5000)(copy)
    told: list[ev.Event] = []
    with pytest.raises(ModelError, match="truncated"):
        load_set(Load(str(original), ["bf16", f"broken={copy}"]), told.append, None)
    assert {event.stage for event in told if isinstance(event, ev.Loading)} == {"checkpoint"}
    assert not [event for event in told if isinstance(event, ev.Failed)]


def test_a_reason_that_ends_the_load_is_told_once(original: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("The gauge fell from 41 to 38 bar. " * 64)  # bytes enough, but not tokens
    told: list[ev.Event] = []
    names = ["bf16", f"gptq-4bit:{own}", f"dwq-4bit:{own}"]
    with pytest.raises(UsageError, match="at least 2048 are needed"):
        load_set(Load(str(original), names), told.append, None)
    assert [event.variant for event in told if isinstance(event, ev.Failed)] == [names[2]]


def test_vocabularies_that_differ(original: Path, copy: Path, tmp_path: Path) -> None:
    path = copy / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["!"], vocabulary["#"] = vocabulary["#"], vocabulary["!"]
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match="its tokens are not the reference's"):
        load(original, f"other={copy}")
    wider = write_tiny_model(tmp_path / "wider", "qwen3", vocab=512)
    with pytest.raises(ModelError, match="logits are 512 wide, the reference's 384"):
        load(original, f"wider={wider}")


def test_a_variant_added_dropped_or_swapped_reloads_nothing_else(original: Path) -> None:
    first, _ = load(original, "8bit", "4bit")
    for variants in (["8bit", "4bit", "3bit"], ["4bit", "3bit"], ["4bit", "2bit"]):
        before = set(first.models)
        second, told = load(original, *variants, previous=first)
        made = {event.variant for event in told if isinstance(event, ev.Loading)}
        assert made <= {"", "bf16", *set(variants) - before}
        for name in {"bf16", *variants} & before:
            assert second.models[name].model is first.models[name].model
            assert second.models[name].info == first.models[name].info
        first = second


def test_the_same_tokens_in_another_file_are_accepted(original: Path, copy: Path) -> None:
    path = copy / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    models, _ = load(original, f"other={copy}")
    assert models.models["other"].info["identical"]


def test_a_quantized_model_is_no_silent_reference(original: Path, tmp_path: Path) -> None:
    from mlx_lm.utils import load_model, quantize_model, save_config, save_model

    model, config = load_model(original)
    model, config = quantize_model(model, config, 64, 4)
    save_model(tmp_path, model)
    save_config(config, tmp_path / "config.json")
    write_tokenizer(tmp_path)
    with pytest.raises(ModelError, match=r"already quantized.*corefeel BF16_MODEL --variants"):
        load(tmp_path, "4bit")
    (tmp_path / "README.md").write_text("---\nbase_model: someone/original-4B\n---\n")
    with pytest.raises(ModelError) as raised:
        load(tmp_path, "4bit")
    assert f"corefeel someone/original-4B --variants mine={tmp_path}" in str(raised.value)
    models, _ = load(original, "4bit", f"mine={tmp_path}")
    assert models.models["mine"].info["bits_per_weight"] == pytest.approx(4.54, abs=0.01)


def test_several_quantized_repositories_of_one_model(original: Path, tmp_path: Path) -> None:
    """Each by its path, beside what is quantized here: equal treatments are equal models."""
    from mlx_lm.utils import load_model, quantize_model, save_config, save_model

    for bits in (4, 8):
        model, config = load_model(original)
        model, config = quantize_model(model, config, 64, bits)
        save_model(tmp_path / f"{bits}", model)
        save_config(config, tmp_path / f"{bits}" / "config.json")
        write_tokenizer(tmp_path / f"{bits}")
    paths = [f"theirs{bits}={tmp_path / str(bits)}" for bits in (4, 8)]
    models, told = load(original, "4bit", "8bit", *paths)
    assert list(models.models) == ["bf16", "4bit", "8bit", "theirs4", "theirs8"]
    assert not [event for event in told if isinstance(event, ev.Failed)]
    tokens = mx.array([[5, 80, 200, 17, 33]])
    logits = {name: model.model(tokens) for name, model in models.models.items()}
    for bits in (4, 8):
        assert mx.array_equal(logits[f"theirs{bits}"], logits[f"{bits}bit"])
    assert not mx.array_equal(logits["theirs4"], logits["theirs8"])


@pytest.mark.parametrize("error", [CorefeelError, ModelError])
def test_errors_end_in_exit_code_2(error: type[CorefeelError]) -> None:
    assert error("x").exit_code == 2
