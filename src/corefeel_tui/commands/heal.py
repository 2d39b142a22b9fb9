"""The command of the heal test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .wire import Command


@dataclass(frozen=True, slots=True)
class Heal(Command):
    """Give each side of some forks the other's token and let it run on.

    `forks` holds `forks.ForkCase`s as objects; `origin` names the models they were made with, as
    `forks.origin_of` tells.  `top` is k of the stored top-k.  `background`: yields to comparisons.
    """

    name = "heal"
    run: str
    forks: list[dict[str, Any]]
    origin: dict[str, Any] = field(default_factory=dict)
    top: int = 8
    background: bool = False
