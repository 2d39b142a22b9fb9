"""A recipe on a model: module path → what mlx-lm's quantization is told to do with it.

Knows modules and mlx-lm's predicates; the file's format is `corefeel_tui.recipes`.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import mlx.nn as nn
from mlx_lm.convert import mixed_quant_predicate_builder

from corefeel_tui.errors import ModelError
from corefeel_tui.recipes import Recipe, read_recipe
from corefeel_tui.variants import MIXED

Predicate = Callable[[str, nn.Module], "bool | dict[str, Any]"]
"""As `mlx_lm.utils.quantize_model` takes it: False to skip, or the parameters."""

NEAREST = 3


def predicate(source: str, module: nn.Module) -> Predicate:
    """What the recipe file or mlx-lm's recipe `source` does with each module.

    Raises UsageError on a bad file and ModelError where a rule names no module of this model.
    """
    if source not in MIXED:
        return from_recipe(read_recipe(Path(source)), module, source)
    try:
        mixed: Predicate = mixed_quant_predicate_builder(source, module)
    except ValueError as error:
        raise ModelError(
            f"{source} is made for models whose feed-forward layers are called down_proj, which "
            "this one has none of; write a recipe file"
        ) from error
    return lambda path, layer: divides(layer, 64) and mixed(path, layer)


def from_recipe(recipe: Recipe, module: nn.Module, source: str) -> Predicate:
    """The recipe's decision per module; where no rule fits, the architecture's own is asked too.

    A module whose width the group does not divide is skipped, and so listed as skipped.
    """
    paths = [path for path, layer in module.named_modules() if hasattr(layer, "to_quantized")]
    for rule in recipe.rule:
        if not any(rule.fits(path) for path in paths):
            raise ModelError(
                f"{source}: the pattern “{rule.pattern}” fits no module that can be quantized; "
                f"the nearest are {', '.join(nearest(rule.pattern, paths))}"
            )
    own = getattr(module, "quant_predicate", None)

    def decide(path: str, layer: Any) -> bool | dict[str, Any]:
        treatment = recipe.treatment(path)
        if treatment.exempt:
            return False
        if treatment is recipe.recipe and own is not None:
            asked: bool | dict[str, Any] = own(path, layer)
            if asked is not True:
                return asked
        bits, group = treatment.size
        if not divides(layer, group):
            return False
        return {"bits": bits, "group_size": group, "mode": treatment.mode}

    return decide


def divides(layer: Any, group: int) -> bool:
    """Whether a group divides the width of a layer's weights."""
    return layer.weight.shape[-1] % group == 0


def nearest(pattern: str, paths: list[str]) -> list[str]:
    """Module names like those a pattern seems to mean, quoted; repeated layers named once."""
    names = {
        ".".join("*" if part.isdigit() else part for part in path.split(".")) for path in paths
    }
    ends = {name.rpartition("*.")[2]: name for name in names}
    wanted = pattern.replace("*.", "").strip("*.")
    near = get_close_matches(wanted, ends, n=NEAREST, cutoff=0.0)
    return [f"“{ends[name]}”" for name in near]
