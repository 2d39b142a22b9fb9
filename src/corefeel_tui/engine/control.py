"""The positive control: a model that must fail, or the evaluation could not have seen a failure.

Knows a loaded reference; nothing of what judges it.
"""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from corefeel_tui.engine.loading import open_checkpoint
from corefeel_tui.engine.memory import execution
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.quantize import expand_modules, quantized
from corefeel_tui.variants import parse

STORED_AS = parse("4bit")
SEED = 0


def make_control(models: ModelSet) -> nn.Module:
    """The reference in 4 bits with the scales of every matrix permuted among its rows.

    Integers and offsets stay, so that what is stored looks sound and computes nonsense.  Where the
    reference is gone it is read again, a module at a time.
    """
    alone = models.turns is not None and models.turns.gave_up_reference
    own = open_checkpoint(models.checkpoint.directory) if alone else models.checkpoint
    module = quantized(own, STORED_AS, False, lambda done, total: None, alone=alone).module
    random = np.random.default_rng(SEED)
    for _, layer in module.named_modules():
        if "scales" in layer:
            order = mx.array(random.permutation(layer.scales.shape[-2]))
            layer.scales = mx.take(layer.scales, order, axis=-2)
    if execution() == "expanded":
        expand_modules(module)
    mx.eval(module.parameters())
    return module
