"""Prompts sent before, kept in the user's data directory: bounded, private, newest last."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

KEPT = 500


class History:
    """A cursor over earlier prompts.  A file that cannot be read or written means less memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._entries: list[str] | None = None
        self._at: int | None = None
        self._draft = ""

    @property
    def entries(self) -> list[str]:
        """Oldest first; read on first use, so that no start waits for it."""
        if self._entries is None:
            self._entries = _read(self._path)
        return self._entries

    def add(self, text: str) -> None:
        """Remember a prompt; a repeated one moves to the end."""
        entries = [entry for entry in self.entries if entry != text]
        self._entries = [*entries, text][-KEPT:]
        self._at = None
        self._write()

    def earlier(self, draft: str) -> str | None:
        """The prompt before the one on show; `draft` is kept to come back to."""
        if self._at is None:
            self._draft = draft
        at = len(self.entries) if self._at is None else self._at
        if at == 0:
            return None
        self._at = at - 1
        return self.entries[self._at]

    def later(self) -> str | None:
        """The prompt after the one on show, at last the draft; None when there is none."""
        if self._at is None:
            return None
        self._at += 1
        if self._at < len(self.entries):
            return self.entries[self._at]
        self._at = None
        return self._draft

    def _write(self) -> None:
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = self._path.with_suffix(".part")
            part.unlink(missing_ok=True)
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(self.entries, file, ensure_ascii=True)
            part.replace(self._path)


def _read(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(found, list):
        return []
    return [entry for entry in found if isinstance(entry, str)][-KEPT:]
