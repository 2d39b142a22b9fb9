"""Costs beside the reference, and what must be said of them."""

from __future__ import annotations

import pytest

from corefeel_tui.costs import EMULATED, costs, speed_mark
from corefeel_tui.text.numbers import rate, times, whole

SET = [
    {"name": "bf16", "bits_per_weight": 16.0, "bytes": 800, "resident_bytes": 800,
     "tokens_per_second": 20.0, "prefill_tokens_per_second": 100.0, "skipped": []},
    {"name": "4bit", "bits_per_weight": 4.5, "bytes": 225, "resident_bytes": 225,
     "tokens_per_second": 50.0, "prefill_tokens_per_second": 90.0, "skipped": ["lm_head"]},
    {"name": "w8a8", "bits_per_weight": 8.0, "bytes": 400, "resident_bytes": 1600,
     "tokens_per_second": 5.0, "emulated": True, "skipped": ["a", "b", "c"]},
    {"name": "bf16+kv8", "bytes": 800, "kv_coverage": "8 of 32 layers"},
]  # fmt: skip


def test_ratios_are_to_the_reference() -> None:
    reference, packed, _, _ = costs(SET, "bf16")
    assert (reference.size_ratio, reference.decode_ratio, reference.remarks) == (1.0, 1.0, ())
    assert packed.size_ratio == 225 / 800
    assert (packed.decode_ratio, packed.prefill_ratio) == (2.5, 0.9)
    assert packed.remarks == ("not quantized: lm_head",)


def test_an_emulated_treatment_has_no_speed_of_its_own() -> None:
    emulated = costs(SET, "bf16")[2]
    assert (emulated.decode, emulated.decode_ratio, emulated.prefill) == (None, None, None)
    assert emulated.remarks == (EMULATED, "not quantized: a and 2 more")


def test_a_speed_of_an_earlier_start_says_so() -> None:
    told = {**SET[1], "measured": "2026-11-21T15:07Z"}
    (cost,) = costs([told], "bf16")
    assert cost.remarks[-1] == "speed as measured 2026-11-21 15:07 UTC"
    assert speed_mark(told) == "*"
    assert speed_mark(SET[1]) == speed_mark({**SET[2], "measured": "2026-11-21T15:07Z"}) == ""


def test_a_speed_that_was_disturbed_says_so() -> None:
    told = {**SET[1], "measured": "2026-11-21T15:07Z", "disturbed": True}
    (cost,) = costs([told], "bf16")
    assert cost.remarks[-2:] == (
        "timed on a busy machine",
        "speed as measured 2026-11-21 15:07 UTC",
    )
    assert speed_mark(told) == "?"
    assert speed_mark({**SET[2], "disturbed": True}) == ""


def test_what_is_unknown_stays_unknown() -> None:
    cached = costs(SET, "bf16")[3]
    assert (cached.bits_per_weight, cached.decode_ratio) == (None, None)
    assert cached.remarks == ("cache quantized in 8 of 32 layers",)
    assert [cost.size_ratio for cost in costs(SET, "nobody")] == [None] * 4


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (1.44, "1.4"), (9.94, "9.9"), (9.96, "10"), (1234.5, "1234")]
)
def test_figures_keep_the_decimals_that_mean_something(value: float | None, shown: str) -> None:
    assert whole(value) == shown
    assert rate(value) == ("" if value is None else f"{shown} tok/s")


def test_ratios() -> None:
    assert [times(ratio) for ratio in (None, 1.0, 0.625, 2.5, 12.2)] == [
        "–", "1×", "0.62×", "2.5×", "12×",
    ]  # fmt: skip
