"""Recipes of weight treatments: a TOML file of patterns → bits, or one of mlx-lm's by name.

Pure text: knows the file and how a pattern meets a module's path; knows no model.

    [recipe]
    bits = 4                  # of every module that no rule names; or "bf16"

    [[rule]]
    pattern = "self_attn.*"   # a path or the end of one; the first rule that fits holds
    bits = 8
    group = 32

    [[rule]]
    pattern = "lm_head"
    bits = "bf16"             # exempt
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from corefeel_tui import tomlfile
from corefeel_tui.errors import UsageError
from corefeel_tui.variants import BITS, DEFAULT_GROUP, GROUPS, MICROSCALING, MIXED

Mode = Literal["affine", "mxfp4", "nvfp4", "mxfp8"]


class Treatment(BaseModel):
    """Bits, group and mode of some modules; `bits` is "bf16" for modules left alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bits: int | Literal["bf16"] | None = None
    group: int | None = None
    mode: Mode = "affine"

    @model_validator(mode="after")
    def _exists(self) -> Treatment:
        if self.mode != "affine":
            bits, group = MICROSCALING[self.mode]
            if self.bits not in (None, bits) or self.group not in (None, group):
                raise ValueError(f"{self.mode} always has {bits} bits in groups of {group}")
        elif self.bits is None:
            raise ValueError("bits are missing")
        elif self.bits != "bf16" and self.bits not in BITS:
            raise ValueError(f"bits are “bf16” or one of {', '.join(map(str, BITS))}")
        elif self.group is not None and self.group not in GROUPS:
            raise ValueError(f"a group is one of {', '.join(map(str, GROUPS))}")
        return self

    @property
    def exempt(self) -> bool:
        """Whether the modules are left as they are."""
        return self.bits == "bf16"

    @property
    def size(self) -> tuple[int, int]:
        """(bits, group); not of an exemption."""
        if self.mode != "affine":
            return MICROSCALING[self.mode]
        assert isinstance(self.bits, int)
        return self.bits, self.group or DEFAULT_GROUP


class Rule(Treatment):
    """A treatment and the pattern of the paths that get it; `*` and `?` stand for anything."""

    pattern: str = Field(min_length=1)

    def fits(self, path: str) -> bool:
        """Whether the pattern names this module: its whole path, or the end of it."""
        return fnmatchcase(path, self.pattern) or fnmatchcase(path, f"*.{self.pattern}")


class Recipe(BaseModel):
    """A recipe file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: Treatment
    rule: list[Rule] = []

    def treatment(self, path: str) -> Treatment:
        """What happens to the module at `path`."""
        return next((rule for rule in self.rule if rule.fits(path)), self.recipe)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file.  Raises UsageError naming file, line and mend."""
    if not path.exists():
        raise UsageError(
            f"there is no recipe file “{path}”; mlx-lm's own recipes are {', '.join(MIXED)}"
        )
    found = tomlfile.load(path, Recipe)
    if found.recipe.exempt and not found.rule:
        raise UsageError(f"{path} leaves every module as it is; give it a [[rule]]")
    return found
