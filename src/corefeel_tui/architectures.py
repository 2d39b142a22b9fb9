"""Which architectures mlx-lm has a model of, read from its files without importing it.

Good for lists and for refusing early; the engine checks again, thoroughly, when it loads.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

_MODEL = re.compile(r"^class Model\(", re.MULTILINE)


def is_known(model_type: str) -> bool:
    """Whether mlx-lm has a model for a `model_type` of a configuration."""
    name = _other_names().get(model_type, model_type)
    if not name.isidentifier():
        return False
    try:
        return bool(_MODEL.search((_mlx_lm() / "models" / f"{name}.py").read_text("utf-8")))
    except OSError:
        return False


@cache
def _mlx_lm() -> Path:
    found = importlib.util.find_spec("mlx_lm")
    if found is None or not found.submodule_search_locations:
        return Path()
    return Path(found.submodule_search_locations[0])


@cache
def _other_names() -> dict[str, str]:
    """mlx-lm's MODEL_REMAPPING; empty where a later version keeps it elsewhere."""
    try:
        tree = ast.parse((_mlx_lm() / "utils.py").read_text("utf-8"))
    except (OSError, SyntaxError):
        return {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODEL_REMAPPING":
            names: dict[str, str] = ast.literal_eval(node.value)
            return names
    return {}
