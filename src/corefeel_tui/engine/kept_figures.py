"""What a load measures of its models, kept for later loads: floors, speeds, and a witness.

Knows small files and when one is believed; neither how anything is measured nor what a key is made
of.  Figures are those of this machine and of the very logits they were measured with: the witness
is a hash of some of these, and a model that computes others now is measured again.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from corefeel_tui.engine.speeds import Speeds
from corefeel_tui.events import JSON
from corefeel_tui.paths import private_directory

MOST = 1000
"""So many records are kept; the least recently used go."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one model beside its reference.

    `kl_max` is the largest KL on the calibration text; `floors` are the reference's own, empty for
    a variant; `at` is when, in UTC.
    """

    witness: str
    at: str
    kl_max: float | None
    speeds: Speeds
    floors: dict[str, JSON]


@dataclass(slots=True)
class KeptFigures:
    """Records in `directory`, none read or written unless `on`; with `anew` none is read."""

    directory: Path
    on: bool
    anew: bool = False

    def find(self, key: str, witness: str) -> Figures | None:
        """What was measured under that key with those logits; it counts as just used."""
        path = self._path(key)
        try:
            told = json.loads(path.read_text("utf-8"))
            found = Figures(**told | {"speeds": Speeds(**told["speeds"])})
            if self.anew or found.witness != witness:
                return None
            os.utime(path)
        except (OSError, ValueError, TypeError, KeyError):  # not there, or no record of ours
            return None
        return found

    def keep(self, key: str, figures: Figures) -> None:
        """At once or not at all; what is not kept is measured again."""
        path = self._path(key)
        partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
        try:
            private_directory(self.directory)
            self._make_room()
            partial.write_text(json.dumps(asdict(figures)), encoding="utf-8")
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)

    def _make_room(self) -> None:
        found = sorted(self.directory.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in found[: max(0, len(found) - MOST + 1)]:
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"
