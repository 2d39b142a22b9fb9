"""The variant grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corefeel_tui.errors import UsageError
from corefeel_tui.variants import (
    BITS,
    GROUPS,
    VariantSpec,
    parse,
    parse_all,
    split,
    valid_names,
)

KV = st.sampled_from(["", "+kv8", "+kv4", "+k8v4", "+k4v2"])


@given(st.sampled_from(valid_names()), KV)
def test_a_named_treatment_survives_the_round_trip(name: str, kv: str) -> None:
    spec = parse(name + kv)
    assert str(spec) == spec.name == name + kv
    assert parse(str(spec)) == spec


@given(st.sampled_from(BITS), st.sampled_from(GROUPS))
def test_affine_bits_and_group(bits: int, group: int) -> None:
    spec = parse(f"{bits}bit-g{group}")
    assert (spec.kind, spec.bits, spec.group) == ("affine", bits, group)
    assert parse(spec.name) == spec


def test_the_default_group_is_not_spelled_out() -> None:
    assert parse("4bit-g64") == parse("4bit")


def test_paths_keep_their_name_and_may_quantize_the_cache() -> None:
    spec = parse("mine=./models/a+b=c+kv8")
    assert spec == VariantSpec("mine", "path", source="./models/a+b=c", kv=(8, 8))
    assert parse(str(spec)) == spec


def test_recipes() -> None:
    spec = parse("recipe:keep attention.toml+k8v4")
    assert (spec.kind, spec.source, spec.kv) == ("recipe", "keep attention.toml", (8, 4))
    assert parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("7bit", "“8bit”"),
        ("4bit-g48", "“4bit-g32”"),
        ("99bit-g4096", "“8bit-g128”"),
        ("4-bit", "“4bit”"),
        ("mfp4", "“mxfp4”"),
        ("Q4", "bit”"),
        ("", "nearest"),
    ],
)
def test_unknown_variants_suggest_the_nearest(text: str, near: str) -> None:
    with pytest.raises(UsageError, match="unknown variant") as raised:
        parse(text)
    assert near in str(raised.value)


@pytest.mark.parametrize(
    "text", ["control", "control=x", "4bit=x", "a b=x", "=x", "x=", "4bit+kv7"]
)
def test_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


def test_the_reference_comes_first_and_is_added() -> None:
    names = [spec.name for spec in parse_all(split("8bit, 4bit,"))]
    assert names == ["bf16", "8bit", "4bit"]
    assert [s.name for s in parse_all(["4bit", "8bit"], reference="8bit")] == ["8bit", "4bit"]


def test_a_variant_named_twice_or_a_missing_reference() -> None:
    with pytest.raises(UsageError, match="twice"):
        parse_all(["4bit", "4bit-g64"])
    with pytest.raises(UsageError, match="none of the variants"):
        parse_all(["4bit"], reference="8bit")


def test_calibrated_methods_in_their_bits_groups_and_texts() -> None:
    assert parse("gptq-4bit") == VariantSpec("gptq-4bit", "calibrated", 4, 64, "gptq")
    spec = parse("awq-3bit-g32:my notes=a.txt+kv8")
    assert (spec.method, spec.bits, spec.group) == ("awq", 3, 32)
    assert (spec.source, spec.kv) == ("my notes=a.txt", (8, 8))
    assert parse(str(spec)) == spec
    for text in ("gptq-3bit", "dwq-8bit", "awq-4bit-g48"):
        with pytest.raises(UsageError, match="unknown variant") as raised:
            parse(text)
        assert "as in" in str(raised.value)


def test_mlx_lms_recipes_have_names() -> None:
    assert parse("recipe:mixed_4_6").source == "mixed_4_6"
