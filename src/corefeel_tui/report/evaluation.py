"""A batch's evaluation as one object: the profile, confusions, critical errors, claims, the gate.

Knows the shape that programs rely on; measures and judges nothing itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corefeel_tui import hypotheses
from corefeel_tui.diagnostics import decisions
from corefeel_tui.diagnostics.decisions import Critical
from corefeel_tui.diagnostics.measurement import Measurement
from corefeel_tui.diagnostics.profile import Profile
from corefeel_tui.evidence import Evidence
from corefeel_tui.evidence_file import read_evidence
from corefeel_tui.gate import Judgement, judge, measured
from corefeel_tui.hypotheses import Finding
from corefeel_tui.policy import Policy


@dataclass(frozen=True)
class Evaluation:
    """Everything that any format of the report tells."""

    profile: Profile
    judgement: Judgement
    findings: list[Finding]

    @property
    def evidence(self) -> Evidence:
        """What it all rests on."""
        return self.profile.evidence


def evaluate(path: Path, policy: Policy | None = None, only: tuple[str, ...] = ()) -> Evaluation:
    """Read, measure and judge a session.  Raises SessionError and UsageError."""
    chosen = policy or Policy()
    profile = measured(read_evidence(path), chosen)
    return Evaluation(profile, judge(profile, chosen, only), hypotheses.findings(profile))


def as_dict(evaluation: Evaluation) -> dict[str, Any]:
    """The object that `report --format json` prints."""
    profile, evidence = evaluation.profile, evaluation.evidence
    others = [name for name in evidence.variants if name != evidence.reference]
    return {
        "session": str(evidence.path),
        "status": evidence.status,
        "reference": evidence.reference,
        "execution": evidence.header.execution,
        "items": counts(evidence),
        "variants": {
            name: {metric: measurement_as_dict(found) for metric, found in values.items()}
            for name, values in profile.values.items()
        },
        "confusion": {
            name: {
                sheet.name: decisions.confusion(sheet, name)
                for sheet in profile.sheets
                if sheet.has_labels and name in sheet.variants
            }
            for name in evidence.variants
        },
        "against_reference": {
            name: {
                sheet.name: decisions.against_reference(sheet, name)
                for sheet in profile.sheets
                if sheet.has_labels and name in sheet.variants
            }
            for name in others
        },
        "critical": {name: _critical(profile.critical(name)) for name in evidence.variants},
        "critical_new": {name: _critical(profile.critical_new(name)) for name in others},
        "hypotheses": [finding.as_dict() for finding in evaluation.findings],
        "gate": evaluation.judgement.as_dict(),
    }


def counts(evidence: Evidence) -> dict[str, int]:
    """Items by what became of them."""
    states = Counter(item.status for item in evidence.items)
    return {
        "planned": evidence.planned,
        "finished": states["finished"],
        "skipped": states["skipped"],
    }


def measurement_as_dict(found: Measurement) -> dict[str, float | int | None]:
    """The five numbers of a metric."""
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "floor": found.floor,
    }


def _critical(found: Critical) -> dict[str, Any]:
    return {
        "count": found.count,
        "eligible": found.eligible,
        "upper95": found.upper95,
        "items": list(found.items),
    }
