"""What a branch takes over from a recorded run: its prompt's tokens and a forced beginning.

Knows commands, loaded models and token ids; computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from corefeel_tui.commands import Ask
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.errors import UsageError
from corefeel_tui.forks import refuse_foreign


def check_branch(command: Ask, models: ModelSet, names: Iterable[str]) -> None:
    """Raises UsageError where these models cannot go on from what the command names."""
    refuse_foreign(command.origin, models.describe(), names)
    check_tokens(command.forced, models.vocabulary, "the forced tokens")
    for ids in command.prompt_ids.values():
        check_tokens(ids, models.vocabulary, "the stored prompt")


def check_tokens(ids: Iterable[int], vocabulary: int, what: str) -> None:
    """Raises UsageError on an id that the models have no token for."""
    for id in ids:
        if not 0 <= id < vocabulary:
            raise UsageError(
                f"{what}: there is no token {id} in this model's vocabulary of {vocabulary}; "
                "choose one of the inspector's"
            )


def stored_prompts(
    ids: Mapping[str, Sequence[int]], names: Sequence[str], reference: str
) -> dict[str, list[int]]:
    """Every model's prompt of `Started.prompt_ids`.  Raises UsageError without the reference's."""
    if not ids.get(reference):
        raise UsageError("the tokens of the prompt are missing; ask it again to branch from it")
    return {name: list(ids.get(name, ids[reference])) for name in names}


def told_prompts(prompts: Mapping[str, list[int]], reference: str) -> dict[str, list[int]]:
    """The inverse of `stored_prompts`: the reference's, and those that differ from it."""
    base = prompts[reference]
    return {name: ids for name, ids in prompts.items() if name == reference or ids != base}
