"""What ties a policy to evidence: the fingerprint it is bound to, the rules it re-reads under.

Knows headers and policies; judges no measurement.
"""

from __future__ import annotations

from collections.abc import Iterator

from corefeel_tui import tomlfile
from corefeel_tui.errors import UsageError
from corefeel_tui.evidence import Evidence, SuitePlan, with_suites
from corefeel_tui.policy import Policy

HASHES = ("weights", "config", "tokenizer", "template")


def rejudged(evidence: Evidence, policy: Policy) -> Evidence:
    """The evidence under the policy's labels, rules and forbidden cells.

    Raises UsageError where the policy names a suite that was not run.
    """
    known = sorted({name for suite in evidence.suites for name in (suite.name, suite.base)})
    for name in policy.suites:
        if name not in known:
            raise UsageError(
                f"the policy's suite “{name}” was not run; {tomlfile.mend(name, known)}"
            )
    changes = {name: change.model_dump(exclude_none=True) for name, change in policy.suites.items()}
    evidence = with_suites(evidence, changes)
    forbidden = {
        suite.name: {"forbidden": tuple(dict.fromkeys((*suite.forbidden, *_cells(suite, policy))))}
        for suite in evidence.suites
    }
    return with_suites(evidence, forbidden)


def _cells(suite: SuitePlan, policy: Policy) -> Iterator[tuple[str, str]]:
    """The policy's cells that this suite's labels have."""
    for cell in policy.cell:
        named = cell.suite in (None, suite.name, suite.base)
        if named and {cell.expected, cell.given} <= set(suite.labels):
            yield cell.expected, cell.given


def check_binding(evidence: Evidence, policy: Policy) -> None:
    """Raises UsageError naming the first thing in which evidence and policy differ."""
    header, bind = evidence.header, policy.bind
    found: dict[str, object] = {
        "model": header.model,
        "execution": header.execution,
        "backend": header.backend,
        **{key: header.fingerprint.get(key) for key in HASHES},
    }
    wanted = {key: value for key in found if (value := getattr(bind, key)) is not None}
    found |= {f"version of {name}": version for name, version in header.versions.items()}
    wanted |= {f"version of {name}": version for name, version in bind.versions.items()}
    for key, value in wanted.items():
        if found.get(key) != value:
            raise UsageError(
                f"the evidence does not match the policy: {key} is “{found.get(key)}”, the policy "
                f"is bound to “{value}”; run eval again or change [bind]"
            )
    for name in bind.variants:
        if name not in evidence.judged:
            raise UsageError(
                f"the evidence does not match the policy: it has no variant “{name}”; "
                "run eval with it or change [bind]"
            )
