"""Recipe files, how their patterns meet modules, and what a bad one is told."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import pytest

from corefeel_tui.engine.loading import materialise, open_checkpoint
from corefeel_tui.engine.quantize import Treated, quantized
from corefeel_tui.errors import CorefeelError, ModelError, UsageError
from corefeel_tui.recipes import Recipe, Rule, read_recipe
from corefeel_tui.variants import parse

from .tiny_models import write_tiny_model

KEEP_ATTENTION = """
[recipe]
bits = 4

[[rule]]
pattern = "layers.0.self_attn.*"
bits = "bf16"

[[rule]]
pattern = "self_attn.*"
bits = 8
group = 32

[[rule]]
pattern = "lm_head"
mode = "mxfp4"
"""


def write(directory: Path, text: str) -> Path:
    path = directory / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def treated(
    directory: Path, architecture: str, recipe: Path | str, expand: bool = False
) -> Treated:
    model = write_tiny_model(directory / architecture, architecture)
    checkpoint = open_checkpoint(model)
    materialise(checkpoint, expand, lambda done, total: None)
    spec = parse(f"recipe:{recipe}")
    return quantized(checkpoint, spec, expand, lambda done, total: None)


def bits_of(found: Treated) -> dict[str, tuple[int, int, str] | None]:
    """Path → (bits, group, mode), or None where a module was left alone."""
    return {
        path: (module.bits, module.group_size, module.mode) if hasattr(module, "bits") else None
        for path, module in found.module.named_modules()
        if hasattr(module, "bits") or hasattr(module, "to_quantized")
    }


def test_the_first_rule_that_fits_holds(tmp_path: Path) -> None:
    found = treated(tmp_path, "llama", write(tmp_path, KEEP_ATTENTION))
    bits = bits_of(found)
    assert bits["model.layers.0.self_attn.q_proj"] is None
    assert bits["model.layers.1.self_attn.q_proj"] == (8, 32, "affine")
    assert bits["model.layers.1.mlp.up_proj"] == (4, 64, "affine")
    assert bits["lm_head"] == (4, 32, "mxfp4")
    assert sorted(found.skipped) == [
        f"model.layers.0.self_attn.{name}_proj" for name in ("k", "o", "q", "v")
    ]
    assert 4.5 < found.bits_per_weight < 16


def test_exempt_modules_share_the_reference_arrays(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "llama", "llama")
    checkpoint = open_checkpoint(model)
    materialise(checkpoint, True, lambda done, total: None)
    spec = parse(f"recipe:{write(tmp_path, KEEP_ATTENTION)}")
    found = quantized(checkpoint, spec, True, lambda done, total: None)
    ours, theirs = (m.model.layers for m in (found.module, checkpoint.module))
    assert ours[0].self_attn.q_proj.weight is theirs[0].self_attn.q_proj.weight
    assert not mx.array_equal(ours[1].self_attn.q_proj.weight, theirs[1].self_attn.q_proj.weight)


def test_mlx_lms_mixed_recipe_by_name(tmp_path: Path) -> None:
    bits = bits_of(treated(tmp_path, "llama", "mixed_3_6"))
    assert bits["lm_head"] == (6, 64, "affine")
    assert bits["model.layers.1.self_attn.v_proj"] == (6, 64, "affine")
    assert bits["model.layers.1.self_attn.q_proj"] == (3, 64, "affine")


def test_the_architectures_own_wishes_hold_where_no_rule_fits(tmp_path: Path) -> None:
    bits = bits_of(treated(tmp_path, "qwen3_moe", write(tmp_path, "[recipe]\nbits = 4\n")))
    assert bits["model.layers.0.mlp.gate"] == (8, 64, "affine")
    text = '[recipe]\nbits = 4\n[[rule]]\npattern = "mlp.gate"\nbits = "bf16"\n'
    bits = bits_of(treated(tmp_path, "qwen3_moe", write(tmp_path, text)))
    assert bits["model.layers.0.mlp.gate"] is None


def test_a_group_that_does_not_divide_is_listed_as_skipped(tmp_path: Path) -> None:
    found = treated(tmp_path, "llama", write(tmp_path, "[recipe]\nbits = 4\ngroup = 128\n"))
    assert "model.layers.0.mlp.up_proj" in found.skipped
    assert bits_of(found)["model.layers.0.mlp.down_proj"] == (4, 128, "affine")


def test_a_pattern_that_fits_nothing_names_the_nearest_modules(tmp_path: Path) -> None:
    text = '[recipe]\nbits = 4\n[[rule]]\npattern = "self_atn.o_proj"\nbits = 8\n'
    with pytest.raises(ModelError, match="fits no module") as raised:
        treated(tmp_path, "llama", write(tmp_path, text))
    assert "“model.layers.*.self_attn.o_proj”" in str(raised.value)


def test_a_recipe_that_leaves_everything_alone(tmp_path: Path) -> None:
    text = '[recipe]\nbits = 4\n[[rule]]\npattern = "*"\nbits = "bf16"\n'
    with pytest.raises(ModelError, match="leaves every layer"):
        treated(tmp_path, "llama", write(tmp_path, text))
    with pytest.raises(UsageError, match="give it a"):
        read_recipe(write(tmp_path, '[recipe]\nbits = "bf16"\n'))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[recipe]\nbit = 4\n", "unknown key “recipe.bit”"),
        ("[recipe]\nbits = 7\n", "line 1.*one of 2, 3, 4, 5, 6, 8"),
        ("[recipe]\nbits = 4\ngroup = 48\n", "one of 32, 64, 128"),
        ("[recipe]\nmode = 'mxfp4'\nbits = 8\n", "always has 4 bits"),
        ("[recipe]\n", "bits are missing"),
        ("[[rule]]\npattern = 'x'\nbits = 4\n", "“recipe” is missing"),
        ("[recipe]\nbits = 4\n[[rule]]\nbits = 4\n", "“rule.pattern” is missing"),
        ("bits = = 4", "not TOML"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CorefeelError, match=said):
        read_recipe(write(tmp_path, text))


def test_a_missing_file_names_the_recipes_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mixed_4_6"):
        read_recipe(tmp_path / "mixed.toml")


def test_patterns_fit_whole_paths_or_their_ends() -> None:
    rule = Rule(pattern="self_attn.?_proj", bits=8)
    assert rule.fits("model.layers.3.self_attn.q_proj")
    assert not rule.fits("model.layers.3.cross_self_attn.q_proj")
    recipe = Recipe.model_validate({"recipe": {"bits": 4}, "rule": [rule.model_dump()]})
    assert recipe.treatment("lm_head").size == (4, 64)
