"""What each model of a set costs beside the reference: bits, bytes, speed; and what to know of it.

Pure: descriptions as in `events.Loaded.variants` in, small frozen rows out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EMULATED = "emulated: numbers, not speed"
NAMED = 2
"""So many skipped modules are named; of more, the first and how many there are."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One model; ratios are to the reference's own figure, None where either is unknown.

    Bytes are those stored and those resident; speeds are tokens per second alone, and None for
    emulated treatments, whose speed is not the method's.
    """

    name: str
    is_reference: bool
    bits_per_weight: float | None
    bytes: int | None
    size_ratio: float | None
    resident_bytes: int | None
    decode: float | None
    decode_ratio: float | None
    prefill: float | None
    prefill_ratio: float | None
    remarks: tuple[str, ...]


def costs(variants: Sequence[dict[str, Any]], reference: str) -> list[Cost]:
    """One row per model, in the order given."""
    base = next((told for told in variants if told.get("name") == reference), {})
    return [_cost(told, base) for told in variants]


def _cost(told: dict[str, Any], base: dict[str, Any]) -> Cost:
    decode, prefill = speeds(told)
    base_decode, base_prefill = speeds(base)
    return Cost(
        name=str(told.get("name")),
        is_reference=told is base,
        bits_per_weight=told.get("bits_per_weight"),
        bytes=told.get("bytes"),
        size_ratio=_ratio(told.get("bytes"), base.get("bytes")),
        resident_bytes=told.get("resident_bytes"),
        decode=decode,
        decode_ratio=_ratio(decode, base_decode),
        prefill=prefill,
        prefill_ratio=_ratio(prefill, base_prefill),
        remarks=(*remarks(told, told is base), *_doubts(told)),
    )


def speeds(told: dict[str, Any]) -> tuple[float | None, float | None]:
    """Tokens per second of answering and of reading, where they are the treatment's own."""
    if told.get("emulated"):
        return None, None
    return told.get("tokens_per_second"), told.get("prefill_tokens_per_second")


def retold(
    variants: Sequence[dict[str, Any]], timed: Mapping[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Descriptions with the speeds that were taken later, by name."""
    return [told | timed.get(str(told.get("name")), {}) for told in variants]


def speed_mark(told: dict[str, Any]) -> str:
    """What stands behind a speed that other programs disturbed, or an earlier start measured."""
    if told.get("emulated"):
        return ""
    return "?" if told.get("disturbed") else "*" if told.get("measured") else ""


def _doubts(told: dict[str, Any]) -> Iterator[str]:
    mark = speed_mark(told)
    if mark == "?":
        yield "timed on a busy machine"
    if mark and told.get("measured"):
        yield f"speed as measured {str(told['measured']).replace('T', ' ').replace('Z', ' UTC')}"


def remarks(told: dict[str, Any], is_reference: bool = False) -> Iterator[str]:
    """What a reader must know before believing a model's numbers, shortest words first."""
    if told.get("identical") and not is_reference:
        yield "identical to the reference"
    if told.get("emulated"):
        yield EMULATED
    if coverage := told.get("kv_coverage"):
        yield f"cache quantized in {coverage}"
    if (skipped := told.get("skipped")) and not is_reference:
        yield f"not quantized: {_named(skipped)}"


def _named(skipped: Sequence[str]) -> str:
    if len(skipped) <= NAMED:
        return ", ".join(skipped)
    return f"{skipped[0]} and {len(skipped) - 1} more"


def _ratio(own: float | None, base: float | None) -> float | None:
    return own / base if own is not None and base else None
