"""Directory → module tree and tokenizer, by mlx-lm's own loaders.

Knows how a checkpoint becomes arrays under this machine's execution; knows no treatment.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm.tokenizer_utils import TokenizerWrapper
from mlx_lm.utils import load_model, load_tokenizer

from corefeel_tui.engine import checkpoints
from corefeel_tui.errors import ModelError

logging.getLogger("transformers").setLevel(logging.ERROR)

Report = Callable[[int, int], None]
"""Told after each array: how many are done, how many there are."""


@dataclass
class Checkpoint:
    """A model as its directory holds it.

    `dtypes` gives each array's stored type by its path in the module tree; an array that was
    expanded to float32 goes back to it without loss, so weights are quantized from what is stored
    although the file was read once.
    """

    directory: Path
    config: dict[str, Any]
    module: nn.Module
    dtypes: dict[str, mx.Dtype] = field(default_factory=dict)

    @property
    def is_quantized(self) -> bool:
        """Whether the weights were quantized before they came here."""
        return any(hasattr(m, "bits") for _, m in self.module.named_modules())


def open_checkpoint(directory: Path) -> Checkpoint:
    """The checked model of a directory, its arrays not read yet.  Raises ModelError."""
    config = checkpoints.read_config(directory)
    checkpoints.weight_files(directory)
    try:
        with silence():
            module, config = load_model(directory, lazy=True, strict=True, trust_remote_code=False)
    except Exception as error:  # whatever an architecture's code makes of a strange config
        kind = config["model_type"]
        raise ModelError(f"“{directory}” does not load as {kind}: {first_line(error)}") from error
    dtypes = {path: array.dtype for path, _, _, array in arrays(module)}
    return Checkpoint(directory, config, module, dtypes)


def materialise(checkpoint: Checkpoint, expand: bool, report: Report) -> None:
    """Read every array, one at a time; with `expand` floating ones become float32.

    Raises ModelError if the data cannot be read.
    """
    places = [(path, holder, key) for path, holder, key, _ in arrays(checkpoint.module)]
    for done, (path, holder, key) in enumerate(places, 1):
        if expand and mx.issubdtype(holder[key].dtype, mx.floating):
            holder[key] = holder[key].astype(mx.float32)
        try:
            mx.eval(holder[key])
        except Exception as error:
            raise ModelError(
                f"“{checkpoint.directory}”: {path} cannot be read: {first_line(error)}"
            ) from error
        report(done, len(places))


def open_tokenizer(directory: Path, config: dict[str, Any]) -> TokenizerWrapper:
    """The tokenizer of a directory; code that comes with it is never run.  Raises ModelError."""
    checkpoints.check_tokenizer(directory)
    try:
        with silence():
            return load_tokenizer(
                directory,
                {"trust_remote_code": False},
                eos_token_ids=config.get("eos_token_id"),
            )
    except Exception as error:  # a tokenizer's files can be wrong in as many ways as there are
        raise ModelError(
            f"the tokenizer in “{directory}” does not load: {first_line(error)}"
        ) from error


def arrays(node: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any, mx.array]]:
    """(path, holder, key, array) of every array below a module: `holder[key]` is the array."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        path = f"{prefix}{key}"
        if isinstance(value, mx.array):
            yield path, node, key, value
        elif isinstance(value, (dict, list)):
            yield from arrays(value, path + ".")


def share(module: nn.Module) -> nn.Module:
    """A second module tree over the same arrays."""
    held = [array for _, array in tree_flatten(module) if isinstance(array, mx.array)]
    return copy.deepcopy(module, {id(array): array for array in held})


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Python's stdout belongs to nobody inside: mlx-lm prints while it quantizes."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def first_line(error: Exception) -> str:
    """What an exception says, on one line."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")
