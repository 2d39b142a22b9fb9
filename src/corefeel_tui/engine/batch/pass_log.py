"""What the items of one pass over a batch left, on disk before it counts; knows no pass."""

from __future__ import annotations

import json
import os
from pathlib import Path

from corefeel_tui import events as ev
from corefeel_tui.errors import EngineError

Items = dict[str, ev.JSON]
""""suite/id" → evidence."""


class PassLog:
    """What the items of one pass left, a line each; a line that is not whole does not count."""

    def __init__(self, directory: Path, number: int) -> None:
        self._path = directory / f"{number}.jsonl"
        self.items: Items = {}
        lines = self._path.read_bytes().splitlines(True) if self._path.exists() else []
        whole = [line for line in lines if line.endswith(b"\n")]
        if len(whole) < len(lines):
            self._path.write_bytes(b"".join(whole))
        for line in whole:
            self._remember(json.loads(line))

    def add(self, item: ev.JSON) -> None:
        """On disk before it counts.  Raises EngineError where it cannot be written."""
        line = json.dumps(item)
        try:
            with self._path.open("ab") as file:
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise EngineError(f"{self._path} cannot be written: {reason}") from error
        self._remember(json.loads(line))

    def _remember(self, item: ev.JSON) -> None:
        self.items[f"{item['suite']}/{item['id']}"] = item
