"""Branches: going on from any position of a recorded answer, and the tree that this makes.

Pure: folded runs in, commands and nodes out; no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from corefeel_tui.commands import Ask
from corefeel_tui.errors import UsageError
from corefeel_tui.events import JSON
from corefeel_tui.evidence import CONTROL, FLOOR
from corefeel_tui.folding import Record, Run
from corefeel_tui.forks import origin_of

DRAWN = ("temperature", "top_p", "top_k", "min_p", "seed")
"""How a branch draws its tokens: as its parent did."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in a run: a position of one model's answer."""

    run: str
    trajectory: str
    position: int


def with_token(record: Record, origin: Origin, token: int, name: str, max_tokens: int) -> Ask:
    """All models go on from one answer up to a position, with another token there.

    They read the prompt that this answer's model had read.  `max_tokens` counts from the token on.
    Raises UsageError where that is not there.
    """
    run, kept = _kept(record, origin)
    prompts = run.started.prompt_ids
    prompt = prompts.get(origin.trajectory) or prompts.get(run.started.reference)
    if not prompt:
        raise UsageError(
            "this run was recorded without the tokens of its prompt; ask it again to branch from it"
        )
    return Ask(
        run=name,
        prompt=run.started.prompt,
        max_tokens=max_tokens,
        forced=[*kept, token],
        prompt_ids={run.started.reference: list(prompt)},
        branches_from={**_told(origin), "token": token},
        **_as_before(run),
    )


def with_prompt(record: Record, origin: Origin, prompt: str, name: str, max_tokens: int) -> Ask:
    """All models answer another prompt, beginning with one answer up to a position.

    The turns before are the reference's.  Raises UsageError where that is not there.
    """
    run, kept = _kept(record, origin)
    if run.started.turn and not run.started.messages:
        raise UsageError("this run was recorded without the turns before it; edit its first turn")
    return Ask(
        run=name,
        prompt=prompt,
        max_tokens=max_tokens,
        forced=kept,
        branches_from={**_told(origin), "edited": True},
        **_as_before(run),
    )


def _kept(record: Record, origin: Origin) -> tuple[Run, list[int]]:
    """The run, and the answer's tokens before the position."""
    run = record.runs.get(origin.run)
    answer = run.trajectories.get(origin.trajectory) if run else None
    if run is None or answer is None:
        raise UsageError("the answer to branch from is not in this session; choose another")
    if not 0 <= origin.position < max(1, len(answer.ids)):
        raise UsageError(
            f"position {origin.position} is past the end of the answer of {origin.trajectory}, "
            f"which has {len(answer.ids)} tokens; choose an earlier one"
        )
    return run, answer.ids[: origin.position]


def _told(origin: Origin) -> JSON:
    return {
        "run": origin.run,
        "trajectory": origin.trajectory,
        "position": origin.position,
    }


def _as_before(run: Run) -> dict[str, Any]:
    """What a branch has of its parent: the chat before, the draw, the rule, the models."""
    started = run.started
    system = [m["content"] for m in started.messages[:1] if m.get("role") == "system"]
    before = [m for m in started.messages[:-1] if m.get("role") != "system"]
    judged = any(own.verdict is not None for own in run.trajectories.values())
    rule = started.verdict if judged and "labels" in (started.verdict or {}) else None
    return {
        "system": system[0] if system else None,
        "history": [{"role": str(m["role"]), "content": str(m["content"])} for m in before],
        "thinking": started.thinking,
        "verdict": rule,
        "variants": models_of(run),
        "noise": list(started.noise),
        "origin": origin_of(run.loaded),
        **{name: started.sampling[name] for name in DRAWN if name in started.sampling},
    }


def models_of(run: Run) -> list[str]:
    """The models a reader compares; the control and the floors are none."""
    return [n for n in run.started.variants if n != CONTROL and not n.startswith(FLOOR)]


# --- the tree -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Node:
    """A run and the branches that go on from it, in the order they were asked."""

    run: Run
    branches: list[Node] = field(default_factory=list)


def tree(record: Record) -> list[Node]:
    """The runs that branch from nothing in this session, each with its branches."""
    nodes: dict[str, Node] = {}
    roots: list[Node] = []
    for name, run in record.runs.items():
        nodes[name] = node = Node(run)
        parent = (run.started.branches_from or {}).get("run")
        known = nodes.get(parent) if isinstance(parent, str) and parent != name else None
        (known.branches if known else roots).append(node)
    return roots


def taken_up(record: Record, run: Run) -> str:
    """What a branch goes on from and with, in words; "" for a run that is none."""
    told = run.started.branches_from
    if not told:
        return ""
    where = f"{told.get('trajectory')} at {told.get('position')}"
    token = told.get("token")
    if token is None:
        return f"{where}, prompt edited"
    return f"{where} “{record.text([int(token)])}”"


def labels_of(run: Run, names: Sequence[str]) -> dict[str, str]:
    """The verdicts of a run, by model, of those that gave one."""
    found = {name: run.trajectories[name].verdict for name in names if name in run.trajectories}
    return {name: verdict.label for name, verdict in found.items() if verdict is not None}
