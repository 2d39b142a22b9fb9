"""Models that wait for their turn: beside the reference one at a time, or each alone.

Knows who is still to come and what it was planned to be; neither questions nor texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corefeel_tui.engine import memory
from corefeel_tui.engine.making import Builder, LoadedModel
from corefeel_tui.variants import VariantSpec

PAIRS, SINGLE = "pairs", "single"


@dataclass
class Turns:
    """`way` is "pairs" (the reference stays) or "single" (it goes first and alone).

    `about` describes every variant as planned, later as it was measured.
    """

    way: str
    waiting: list[VariantSpec]
    about: dict[str, dict[str, Any]]
    builder: Builder
    gave_up_reference: bool = False

    def make(self, spec: VariantSpec) -> LoadedModel:
        """The next one.  Raises CorefeelError where it cannot be made."""
        made = self.builder.make if self.way == PAIRS else self.builder.make_alone
        model = made(spec)
        self.about[spec.name] = model.info
        memory.release()
        return model

    def reference_again(self) -> LoadedModel:
        """The reference after it was given up, alone.  Raises CorefeelError as `make` does."""
        return self.builder.make_reference_alone()

    def give_up_reference(self) -> None:
        """Let its arrays go; from now on each model is alone."""
        self.gave_up_reference = True
        known = {name: model.info for name, model in self.builder.models.items()}
        self.about = known | self.about
        self.builder.give_up_reference()
