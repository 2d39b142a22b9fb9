"""Where an evaluation's numbers come from: model, hashes, machine, versions, floors.

Knows a session's header; judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from corefeel_tui.costs import costs
from corefeel_tui.evidence import Evidence, SuitePlan
from corefeel_tui.report.terminal import bytes_short
from corefeel_tui.text.numbers import MISSING, short, times, whole


def provenance(evidence: Evidence) -> list[tuple[str, str]]:
    """(what, value) rows."""
    header = evidence.header
    execution, backend = header.execution or MISSING, header.backend or MISSING
    sampling = ", ".join(f"{key} {value}" for key, value in header.sampling.items())
    return [
        ("session", str(evidence.path)),
        ("made", header.created),
        ("ended", evidence.status),
        ("model", header.model),
        *((f"{key} hash", str(value)) for key, value in header.fingerprint.items()),
        ("reference", evidence.reference),
        *_variants(header.variants, evidence.reference),
        ("execution", f"{execution} on {backend}, BLAS {header.blas or 'none'}"),
        ("sampling", sampling or MISSING),
        *((f"floor {name}", _floor(values)) for name, values in evidence.floors.items()),
        *((f"suite {suite.name}", _size(suite)) for suite in evidence.suites),
        ("versions", ", ".join(f"{name} {version}" for name, version in header.versions.items())),
        ("machine", _machine(header.machine)),
    ]


def _size(suite: SuitePlan) -> str:
    return f"{suite.items} items" + (f", {suite.samples} samples each" if suite.samples > 1 else "")


def _machine(machine: dict[str, Any]) -> str:
    processor = machine.get("processor") or machine.get("architecture") or MISSING
    memory = bytes_short(machine.get("memory_bytes"))
    return f"{processor}, {machine.get('cpus', MISSING)} cores, {memory}"


def _variants(variants: list[dict[str, Any]], reference: str) -> Iterator[tuple[str, str]]:
    """What each model is, costs and is not; its speed is that of this machine, alone."""
    for told, cost in zip(variants, costs(variants, reference), strict=True):
        bits, stored, resident = cost.bits_per_weight, cost.bytes, cost.resident_bytes
        parts = [
            str(told.get("treatment") or MISSING),
            f"{bits:.2f} bits per weight" if bits is not None else "",
            f"{bytes_short(stored)} stored" if stored is not None else "",
            f"{bytes_short(resident)} resident" if resident is not None else "",
            f"{whole(cost.decode)} tok/s ({times(cost.decode_ratio)})" if cost.decode else "",
            f"prefill {whole(cost.prefill)} tok/s" if cost.prefill else "",
            str(told.get("execution") or ""),
            *cost.remarks,
            *(told.get("notes") or ()),
        ]
        yield f"variant {cost.name}", ", ".join(part for part in parts if part)


def _floor(values: dict[str, object]) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')} {short(value) if isinstance(value, float) else value}"
        for key, value in values.items()
        if isinstance(value, float | int)
    )
