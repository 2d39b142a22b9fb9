"""Saving as the screen sees it: whether, where, under which name.

Knows the face of a recorder; nothing of files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Keeper(Protocol):
    """What stores the session."""

    saving: bool

    @property
    def path(self) -> Path | None:
        """The session's file, once there is one."""

    def toggle_saving(self) -> bool:
        """Start or stop storing."""

    def rename(self, slug: str) -> Path | None:
        """Give the session a speaking name."""

    def keep_addendum(self, run: str, path: Path) -> None:
        """Put a run into a session recorded earlier.  Raises SessionError where it cannot."""

    def keep_batch(self, run: str, path: Path) -> None:
        """Give a batch its own file.  Raises SessionError where it cannot be written."""


def sentence(keeper: Keeper | None) -> str:
    """For the status bar."""
    if keeper is None or not keeper.saving:
        return "nothing is being saved"
    return f"saving {keeper.path.stem[11:]}" if keeper.path else "saving"
