"""What is planned is what is then measured; what does not fit is said before a weight is read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import pytest
from mlx.utils import tree_flatten
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import _get_classes, load_model, quantize_model, save_config, save_model

from corefeel_tui import events as ev
from corefeel_tui.commands import Load, Plan
from corefeel_tui.engine import capacity, memory, planning, weighing
from corefeel_tui.engine.capacity import Capacity
from corefeel_tui.engine.modelset import ModelSet, load_set, open_reference, plan_set
from corefeel_tui.errors import CorefeelError, ModelError

from .tiny_models import write_tiny_model, write_tokenizer

NAMES = ["8bit", "2bit-g32", "mxfp4", "w8a8", "llmint8", "bf16+kv8", "4bit+k8v4"]
PLANNED = ("bits_per_weight", "bytes", "resident_bytes")
EXACT = ("treatment", "execution", "skipped", "emulated", "kv_coverage", "notes")

Room = Callable[[int], None]


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("dense"), "qwen3")


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    """Sets the usable bytes of this machine; tiny models are made without scratch."""
    monkeypatch.setattr(weighing, "BLOCK_SCRATCH", 0)

    def leave(usable: int) -> None:
        free = usable * capacity.RESERVED_SHARE // (capacity.RESERVED_SHARE - 1)
        monkeypatch.setattr(planning, "capacity", lambda: Capacity(free + 1, "available memory"))

    return leave


def load(
    model: Path, *names: str, explicit: bool = True, previous: ModelSet | None = None
) -> tuple[ModelSet, list[ev.Event]]:
    told: list[ev.Event] = []
    load = Load(str(model), ["bf16", *names], explicit=explicit)
    return load_set(load, told.append, previous), told


def plan(model: Path | None, *names: str, explicit: bool = True) -> ev.PlannedSet:
    return plan_set(Plan(str(model) if model else None, ["bf16", *names], explicit=explicit))


def assert_as_measured(planned: ev.PlannedSet, measured: ModelSet) -> None:
    assert [about["name"] for about in planned.variants] == list(measured.models)
    for about in planned.variants:
        info = measured.models[about["name"]].info
        for key in PLANNED:
            assert about[key] == pytest.approx(info[key], rel=0.02), (about["name"], key)
        assert {key: about[key] for key in EXACT} == {key: info[key] for key in EXACT}


@pytest.mark.parametrize("architecture", ["qwen3", "qwen3_moe", "qwen3_5"])
def test_a_plan_is_what_is_measured(tmp_path: Path, architecture: str) -> None:
    model = write_tiny_model(tmp_path, architecture)
    assert_as_measured(plan(model, *NAMES), load(model, *NAMES)[0])


def test_pocket_is_what_was_planned() -> None:
    names = ["4bit", "2bit"]
    planned = plan(None, *names)
    assert_as_measured(planned, load_set(Load(None, names), lambda event: None, None))
    assert planned.fits
    assert planned.models_bytes == sum(about["resident_bytes"] for about in planned.variants)


def test_packed_execution_is_planned_as_packed(
    dense: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "execution", lambda: "native")
    planned, (models, _) = plan(dense, "4bit", "llmint8"), load(dense, "4bit", "llmint8")
    for about in planned.variants:
        info = models.models[about["name"]].info
        assert about["resident_bytes"] == pytest.approx(info["resident_bytes"], rel=0.02)
    reference, packed = planned.variants[:2]
    assert packed["resident_bytes"] < packed["bytes"] < reference["resident_bytes"]


def test_calibrated_weights_are_planned_as_mlx_lm_stores_them(dense: Path) -> None:
    """GPTQ's embeddings have 6 bits, AWQ's 4 in groups of 32; figures as measured once loaded."""
    planned = plan(dense, "gptq-4bit", "awq-4bit", "dwq-3bit", "3bit")
    stored = {about["name"]: about["bytes"] for about in planned.variants}
    assert stored["gptq-4bit"] == 76160
    assert stored["awq-4bit"] == 71552
    assert stored["dwq-3bit"] == stored["3bit"]


def test_models_of_a_path_are_planned(dense: Path, tmp_path: Path) -> None:
    model, config = load_model(dense)
    model, config = quantize_model(model, config, 64, 4)
    save_model(tmp_path / "mine", model)
    save_config(config, tmp_path / "mine" / "config.json")
    write_tokenizer(tmp_path / "mine")
    other = write_tiny_model(tmp_path / "other", "qwen3", seed=1)
    names = [f"mine={tmp_path / 'mine'}", f"other={other}", f"same={dense}"]
    planned, (models, _) = plan(dense, *names), load(dense, *names)
    for about in planned.variants:
        info = models.models[about["name"]].info
        assert [about[k] for k in PLANNED] == pytest.approx([info[k] for k in PLANNED], rel=0.02)
        assert about["identical"] == info["identical"]


@pytest.mark.parametrize("architecture", ["qwen3", "gemma3_text", "qwen3_5"])
def test_a_cache_takes_what_was_planned(tmp_path: Path, architecture: str) -> None:
    """Windows do not grow, and layers without keys hold a state of one size."""
    model = write_tiny_model(tmp_path, architecture)
    expand = memory.execution() == "expanded"
    unread = open_reference(model)
    planned, logits = weighing.cache_and_logits(unread.module, 300, expand)
    reference = load(model, "8bit")[0].models["bf16"].model
    caches = make_prompt_cache(reference)
    for count in (256, 43, 1):
        out = reference(mx.zeros((1, count), dtype=mx.int32), cache=caches)
        mx.eval(out)
    assert planned == sum(cache.nbytes for cache in caches)
    assert logits == 4 * out.shape[-1]


def test_nothing_is_read_to_plan(tmp_path: Path) -> None:
    """The data of this file is a hole of 0.4 GB; neither it nor a result of it is ever held."""
    model = write_tiny_model(tmp_path, "qwen3")
    shape = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 12}
    hollow(model, **shape)
    mx.clear_cache()
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    planned = plan(model, "8bit", "4bit", "w8a8", "gptq-4bit")
    assert planned.variants[0]["bytes"] > 3e8
    assert mx.get_peak_memory() - before < 1 << 20


def test_loading_stays_within_its_plan(tmp_path: Path) -> None:
    """What was planned with is let go, and no layer is quantized whole."""
    shape = {"hidden_size": 512, "intermediate_size": 2048}
    model = write_tiny_model(tmp_path, "qwen3", **shape)
    planned = plan(model, "4bit", "nvfp4")
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    models, _ = load(model, "4bit", "nvfp4")
    assert mx.get_active_memory() - before == pytest.approx(planned.models_bytes, rel=0.02)
    assert mx.get_peak_memory() - before <= planned.needed_bytes
    assert len(models.models) == 3


@pytest.mark.parametrize(
    ("name", "width"), [("gptq-4bit", 128), ("dwq-4bit", 64), ("smoothquant-w8a8", 256)]
)
def test_calibrating_stays_within_its_plan(tmp_path: Path, name: str, width: int) -> None:
    """And the plan is no more than a few times what it takes."""
    model = write_tiny_model(tmp_path, "qwen3", hidden_size=width, intermediate_size=3 * width)
    planned = plan(model, name)
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    load(model, name)
    peak = mx.get_peak_memory() - before
    assert peak <= planned.models_bytes + planned.making_bytes
    assert planned.models_bytes + planned.making_bytes <= 4 * peak


def hollow(model: Path, **shape: int) -> None:
    """Give a model another shape, with weights that are a hole in the file."""
    config = json.loads((model / "config.json").read_text()) | shape
    (model / "config.json").write_text(json.dumps(config))
    kind, arguments = _get_classes(config)
    header, end = {}, 0
    for name, array in tree_flatten(kind(arguments.from_dict(config)).parameters()):
        start, end = end, end + 2 * array.size
        header[name] = {"dtype": "BF16", "shape": array.shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with (model / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)


def test_unnamed_variants_are_dropped_to_what_fits(dense: Path, room: Room) -> None:
    names = ["8bit", "4bit", "3bit"]
    both = plan(dense, *names[:2])
    room(both.needed_bytes)
    models, told = load(dense, *names, explicit=False)
    assert list(models.models) == ["bf16", "8bit", "4bit"]
    notices = [event.text for event in told if isinstance(event, ev.Notice)]
    assert len(notices) == 1
    assert notices[0].startswith("3bit was left out: it needs ")
    assert "of which " in notices[0]
    planned = plan(dense, *names, explicit=False)
    assert planned.advice == notices
    assert planned.fits
    assert [about["included"] for about in planned.variants] == [True, True, True, False]
    assert planned.needed_bytes == both.needed_bytes


def test_a_named_set_that_does_not_fit_is_answered_with_what_would(dense: Path, room: Room) -> None:
    room(plan(dense, "8bit").needed_bytes)
    with pytest.raises(ModelError) as raised:
        load(dense, "8bit", "4bit")
    sentence = str(raised.value)
    assert sentence.startswith("bf16, 8bit and 4bit need ")
    assert "bf16 and 8bit would fit" in sentence
    assert "\n" not in sentence
    planned = plan(dense, "8bit", "4bit")
    assert not planned.fits
    assert planned.advice == [sentence]


def test_a_smaller_variant_is_proposed_where_packed_ones_are_smaller(
    dense: Path, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "execution", lambda: "native")
    room(plan(dense, "3bit").needed_bytes)
    planned = plan(dense, "8bit")
    assert not planned.fits
    assert "bf16 and 3bit would fit" in planned.advice[0]


@pytest.mark.parametrize("explicit", [True, False])
def test_where_no_variant_fits_nothing_is_loaded(dense: Path, room: Room, explicit: bool) -> None:
    room(plan(dense).needed_bytes)
    short = plan_set(Plan(str(dense), ["bf16", "8bit"], length=256))
    with pytest.raises(ModelError, match="no variant would fit beside it"):
        load(dense, "8bit", explicit=explicit)
    room(short.needed_bytes)
    with pytest.raises(ModelError, match="with 256 tokens there would be room"):
        load(dense, "8bit", explicit=explicit)
    room(1000)
    with pytest.raises(ModelError, match="not even its reference would fit"):
        load(dense, "8bit", explicit=explicit)


def test_what_is_loaded_already_needs_no_more_room(dense: Path, room: Room) -> None:
    first, _ = load(dense, "8bit")
    alone = plan(dense, "8bit")
    room(alone.cache_bytes + alone.logits_bytes + 1000)
    second, _ = load(dense, "8bit", previous=first)
    assert second.models["8bit"].model is first.models["8bit"].model
    with pytest.raises(ModelError, match="bf16, 8bit and 4bit need"):
        load(dense, "8bit", "4bit", previous=first)


def test_a_variant_that_cannot_be_made_tells_why(dense: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(dense, tmp_path / "broken"))
    (broken / "model.safetensors").write_bytes(b"short")
    planned = plan(dense, "4bit", f"broken={broken}")
    assert [about["included"] for about in planned.variants] == [True, True, False]
    assert "no readable safetensors" in planned.variants[2]["failure"]
    with pytest.raises(CorefeelError, match="no readable safetensors"):
        plan(dense, f"broken={broken}")
    with pytest.raises(CorefeelError, match="no readable safetensors"):
        plan(broken, "4bit")
    with pytest.raises(ModelError, match="there is no directory"):
        plan(tmp_path / "nowhere", "4bit")
    with pytest.raises(ModelError, match="does not divide the width"):
        plan(dense, "gptq-4bit-g128")


@pytest.mark.parametrize(
    ("text", "said"), [("Too short.", "at most 10 tokens; at least 2048"), (None, "cannot be read")]
)
def test_a_calibration_text_that_cannot_do_is_told_before_anything_is_read(
    dense: Path, tmp_path: Path, text: str | None, said: str
) -> None:
    own = tmp_path / "own.txt"
    if text is not None:
        own.write_text(text)
    with pytest.raises(CorefeelError, match=said):
        plan(dense, f"gptq-4bit:{own}")
    planned = plan(dense, "4bit", f"dwq-4bit:{own}")
    assert [about["included"] for about in planned.variants] == [True, True, False]
    assert said in planned.variants[2]["failure"]


def test_capacity_is_the_smaller_of_machine_and_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9000000 kB\nMemAvailable: 8000000 kB\n")
    own = tmp_path / "own"
    own.write_text("0::/box/inner\n")
    group = tmp_path / "box"
    group.mkdir()
    (group / "memory.max").write_text("3000000000\n")
    (group / "memory.current").write_text("1500000000\n")
    (group / "memory.stat").write_text("anon 5\ninactive_file 500000000\n")
    monkeypatch.setattr(memory, "backend", lambda: "cpu")
    monkeypatch.setattr(mx, "get_cache_memory", lambda: 0)
    monkeypatch.setattr(capacity, "MEMINFO", meminfo)
    monkeypatch.setattr(capacity, "GROUPS", tmp_path)
    monkeypatch.setattr(capacity, "OWN_GROUPS", tmp_path / "none")
    assert capacity.capacity() == Capacity(8_000_000 << 10, "available memory")
    monkeypatch.setattr(capacity, "OWN_GROUPS", own)
    found = capacity.capacity()
    assert found == Capacity(2_000_000_000, "this process's memory limit")
    assert found.usable + found.reserve == found.free
    (group / "memory.max").write_text("max\n")
    assert capacity.capacity().source == "available memory"


@pytest.mark.parametrize(
    ("backend", "info", "free"),
    [
        ("metal", {"max_recommended_working_set_size": 48_000_000_000}, 47_000_000_000),
        ("cuda", {"free_memory": 5_000_000_000}, 5_000_000_000),
    ],
)
def test_capacity_of_a_gpu_is_what_it_says(
    monkeypatch: pytest.MonkeyPatch, backend: str, info: dict[str, int], free: int
) -> None:
    monkeypatch.setattr(memory, "backend", lambda: backend)
    monkeypatch.setattr(memory, "memory_in_use", lambda: 1_000_000_000)
    monkeypatch.setattr(mx, "device_info", lambda: info)
    monkeypatch.setattr(mx, "get_cache_memory", lambda: 0)
    assert capacity.capacity().free == free
