"""Where a batch's session stands and what it holds already, before an engine is started.

Knows session files; nothing of models.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from corefeel_tui.cli import options as opt
from corefeel_tui.errors import SessionError, UsageError


@dataclass(frozen=True, slots=True)
class Done:
    """Finished items as "suite/id", what each said (`early.Glance` as objects), and how many
    answers stood side by side."""

    items: list[str] = field(default_factory=list)
    glances: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    answers: int | None = None


def session_path(path: Path | None, resume: bool, names: list[str]) -> Path:
    """Where the session stands.  Raises UsageError where none can."""
    from corefeel_tui.session_writer import free_path, slugify

    if path is not None:
        return path if resume and path.exists() else opt.new_session_path(path) or path
    if resume:
        raise UsageError("--resume needs the --session file to go on with")
    try:
        return free_path(slugify("-".join(names)))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"there is nowhere to write a session ({reason}); name one with --session"
        ) from error


def done_so_far(path: Path) -> Done:
    """What a session holds; nothing where it is new.  Raises SessionError where it is broken."""
    from corefeel_tui.early import glances
    from corefeel_tui.evidence_file import read_evidence

    if not path.exists():
        return Done()
    try:
        evidence = read_evidence(path)
    except SessionError as error:
        if "no batch" in str(error):
            return Done()
        raise
    plans = {plan.name: plan for plan in evidence.suites}
    seen = {
        f"{item.suite}/{item.id}": {
            name: asdict(glance)
            for name, glance in glances(item, plans[item.suite], evidence.reference).items()
        }
        for item in evidence.items
    }
    return Done(list(seen), seen, evidence.asked.get("answers"))
