"""The command of the heal test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .wire import Command


@dataclass(frozen=True, slots=True)
class Heal(Command):
    """Give each side of some forks the other's token and let it run on.

    `forks` holds `forks.ForkCase`s as objects.  `top` is k of the stored top-k.  `background`: it
    yields to comparisons.
    """

    name = "heal"
    run: str
    forks: list[dict[str, Any]]
    top: int = 8
    background: bool = False
