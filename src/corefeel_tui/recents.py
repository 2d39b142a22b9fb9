"""Models opened before, kept in the user's data directory: bounded, private, newest first.

Knows names of models; nothing of what they hold.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

KEPT = 12


class Recents:
    """A short memory of models.  A file that cannot be read or written means less memory."""

    def __init__(self, path: Path | None) -> None:
        """`path` None remembers nothing beyond this object."""
        self._path = path
        self._models: list[str] | None = None

    @property
    def models(self) -> list[str]:
        """Directories and hub ids, newest first; read on first use."""
        if self._models is None:
            self._models = _read(self._path)
        return self._models

    def add(self, model: str) -> None:
        """Remember a model; one opened before moves to the front."""
        name = absolute(model)
        self._models = [name, *(m for m in self.models if m != name)][:KEPT]
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = self._path.with_suffix(f".{os.getpid()}.part")
            part.write_text(json.dumps(self.models), encoding="utf-8")
            part.chmod(0o600)
            part.replace(self._path)


def absolute(model: str) -> str:
    """A directory by its whole path, so that it is found from anywhere; a hub id as it is."""
    path = Path(model).expanduser()
    return str(path.absolute()) if path.is_dir() else model


def _read(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(found, list):
        return []
    return [entry for entry in found if isinstance(entry, str) and entry][:KEPT]
