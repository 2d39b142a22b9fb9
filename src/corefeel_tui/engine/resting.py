"""Speeds taken once more while nothing is asked, so that none stays as a busy moment made it.

Knows the models of a set and where figures are kept; neither commands nor how a pass is timed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from corefeel_tui import events as ev
from corefeel_tui.engine.floors import Probe
from corefeel_tui.engine.kept_figures import Figures, KeptFigures
from corefeel_tui.engine.speeds import Speeds, alternately

if TYPE_CHECKING:
    from corefeel_tui.engine.making import LoadedModel
    from corefeel_tui.engine.modelset import ModelSet

QUIET_SECONDS = 1.5
"""So long nothing must have been asked before models are timed."""
DECODE_SECONDS = 0.25
FEWEST_TOKENS = 5
"""So long a model decodes, and at least so many tokens, for a median to mean something."""

log = logging.getLogger(__name__)


def now() -> str:
    """The time to the minute, UTC."""
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime())


@dataclass
class Stopwatches:
    """What is needed to time the models of a set again: `taken` is each one's key, "" where none is
    kept, and its figures so far."""

    probe: Probe
    store: KeptFigures
    taken: dict[str, tuple[str, Figures]] = field(default_factory=dict)

    def steps(self, models: dict[str, LoadedModel]) -> Generator[None, None, dict[str, ev.JSON]]:
        """Time all models that have a speed of their own, alternately, a forward pass a step.

        Returns what is told of each from now on, in `info` as in the kept record; nothing where
        other programs disturbed, and the figures so far were taken without.
        """
        timed = {name: m for name, m in models.items() if not m.info["emulated"]}
        steps = {
            n: self.probe.timing(m.model, DECODE_SECONDS, FEWEST_TOKENS) for n, m in timed.items()
        }
        found = yield from alternately(steps)
        disturbed = any(speeds.disturbed for speeds in found.values())
        if disturbed and not any(model.info["disturbed"] for model in timed.values()):
            return {}
        return {name: self._take(model, found[name]) for name, model in timed.items()}

    def _take(self, model: LoadedModel, speeds: Speeds) -> ev.JSON:
        told = speeds.described() | {"measured": None}
        model.info |= told
        key, figures = self.taken[model.name]
        if key:
            self.store.keep(key, replace(figures, at=now(), speeds=speeds))
        return told


class Resting:
    """What the engine does while nothing is asked of it."""

    def __init__(self) -> None:
        self._steps: Generator[None, None, dict[str, ev.JSON]] | None = None

    @property
    def busy(self) -> bool:
        """Whether a step is due at once."""
        return self._steps is not None

    def patience(self, models: ModelSet | None) -> float | None:
        """Seconds to wait for a command before `step`; None where there is nothing to do."""
        if models is None or models.watches is None:
            return None
        return 0.0 if self.busy else QUIET_SECONDS

    def interrupt(self) -> None:
        """Something is asked: let go of what was begun, and of every array with it."""
        if self._steps is not None:
            self._steps.close()
            self._steps = None

    def step(self, models: ModelSet) -> ev.Timed | None:
        """One forward pass more; after the last what is told of the models from now on."""
        assert models.watches is not None
        if self._steps is None:
            self._steps = models.watches.steps(models.models)
        try:
            next(self._steps)
        except StopIteration as end:
            models.watches = self._steps = None
            return ev.Timed(end.value) if end.value else None
        except Exception:  # what cannot be timed can perhaps answer
            log.exception("the models could not be timed again")
            models.watches = self._steps = None
        return None
