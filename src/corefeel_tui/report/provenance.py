"""Where an evaluation's numbers come from: model, hashes, machine, versions, floors.

Knows a session's header; judges nothing.
"""

from __future__ import annotations

from typing import Any

from corefeel_tui.evidence import Evidence, SuitePlan
from corefeel_tui.report.terminal import bytes_short
from corefeel_tui.text.numbers import MISSING, short


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
        *(_variant(variant) for variant in header.variants),
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


def _variant(variant: dict[str, object]) -> tuple[str, str]:
    bits, stored = variant.get("bits_per_weight"), variant.get("bytes")
    parts = [str(variant.get("treatment") or MISSING)]
    parts += [f"{bits:.2f} bits per weight"] if isinstance(bits, float | int) else []
    parts += [bytes_short(stored)] if isinstance(stored, float | int) else []
    parts += [str(variant["execution"])] if variant.get("execution") else []
    return f"variant {variant.get('name')}", ", ".join(parts)


def _floor(values: dict[str, object]) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')} {short(value) if isinstance(value, float) else value}"
        for key, value in values.items()
        if isinstance(value, float | int)
    )
