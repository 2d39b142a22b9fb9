"""Tiny random models with a real tokenizer, written as the directories a user would name.

Knows the configs and mlx-lm's module trees; knows nothing of corefeel.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.utils import _get_classes
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

CONTEXT = 512
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]

CHATML = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)
"""Every turn is rendered as it was written."""

THINKING = (
    "{%- for message in messages -%}"
    "{%- set text = message.content -%}"
    "{%- if message.role == 'assistant' -%}"
    "{%- set text = text.split('</think>')[-1].lstrip('\n') -%}{%- endif -%}"
    "{{- '<|im_start|>' + message.role + '\n' + text + '<|im_end|>\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}"
    "{%- if enable_thinking is defined and enable_thinking is false -%}"
    "{{- '<think>\n\n</think>\n\n' -}}{%- endif -%}{%- endif -%}"
)
"""Past answers lose their think block, so a rendered conversation is no prefix of the next one."""

TEXT = """The pump in the north hall stopped at nine. Its valve was open and the pressure fell.
Open the east valve? Not before the guard has read the gauge: 41 bar, then 38, then 12.
{"decision": "VETO", "evidence_cited": ["TRP-1", "TRP-2"]} {"decision": "APPROVE"}
A question of seven apples and five pears is twelve pieces of fruit; who ate the last one?
Ein kurzer Satz auf Deutsch, une phrase en français, y otra en español. 你好，世界。 ¡Olé! 🙂
def area(width, height): return width * height  # no comment
"""

DENSE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "max_position_embeddings": CONTEXT,
}

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "qwen3": {**DENSE, "tie_word_embeddings": True},
    "llama": {**DENSE, "tie_word_embeddings": False},
    "gemma3_text": {
        **DENSE,
        "num_hidden_layers": 4,
        "num_key_value_heads": 1,
        "query_pre_attn_scalar": 32,
        "rope_local_base_freq": 1000.0,
        "sliding_window": 16,
        "sliding_window_pattern": 2,
    },
    "qwen3_moe": {
        **DENSE,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "moe_intermediate_size": 64,
        "norm_topk_prob": True,
        "tie_word_embeddings": False,
    },
    "qwen3_5": {
        "text_config": {
            **DENSE,
            "model_type": "qwen3_5_text",
            "num_hidden_layers": 4,
            "tie_word_embeddings": True,
            "full_attention_interval": 2,
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 32,
            "linear_value_head_dim": 32,
            "linear_conv_kernel_dim": 4,
            "rope_parameters": {
                "type": "default",
                "rope_theta": 10000.0,
                "partial_rotary_factor": 0.5,
            },
        },
    },
    "mamba": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "state_size": 8,
        "num_hidden_layers": 2,
        "conv_kernel": 4,
        "use_bias": False,
        "use_conv_bias": True,
        "time_step_rank": 32,
        "tie_word_embeddings": True,
        "max_position_embeddings": CONTEXT,
    },
}


@cache
def _tokenizer_json() -> str:
    """A byte-level BPE of a few hundred tokens, trained on `TEXT`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=SPECIAL,
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    text: str = tokenizer.to_str()
    return text


def write_tokenizer(directory: Path, template: str | None = THINKING) -> None:
    """`tokenizer.json` and its config, with a chat template."""
    (directory / "tokenizer.json").write_text(_tokenizer_json(), encoding="utf-8")
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": CONTEXT,
        "clean_up_tokenization_spaces": False,
    }
    if template is not None:
        config["chat_template"] = template
    (directory / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")


def tiny_config(architecture: str, vocab: int = 384, **overrides: Any) -> dict[str, Any]:
    """The `config.json` of a tiny model; `overrides` reach the text part of a nested config."""
    config = json.loads(json.dumps(ARCHITECTURES[architecture]))
    text = config.get("text_config", config)
    text |= {"vocab_size": vocab, **overrides}
    return {"model_type": architecture, "eos_token_id": SPECIAL.index("<|im_end|>"), **config}


def write_tiny_model(
    directory: Path,
    architecture: str,
    *,
    seed: int = 0,
    vocab: int = 384,
    sharpness: float = 3.0,
    template: str | None = THINKING,
    dtype: mx.Dtype = mx.bfloat16,
    **overrides: Any,
) -> Path:
    """A loadable model directory with random weights in `dtype`; returns it.

    `sharpness` is about the standard deviation of the logits: at 3 the likeliest token of a
    position typically holds a third of the mass.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config = tiny_config(architecture, vocab, **overrides)
    model_class, arguments = _get_classes(config)
    model = model_class(arguments.from_dict(config))
    random = np.random.default_rng(seed)
    norm = 0.0 if architecture.startswith("gemma") else 1.0
    weights = {
        name: mx.array(_random_weight(random, name, value.shape, sharpness, norm)).astype(dtype)
        for name, value in tree_flatten(model.parameters())
    }
    mx.save_safetensors(str(directory / "model.safetensors"), weights, {"format": "mlx"})
    (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")
    write_tokenizer(directory, template)
    return directory


def _random_weight(
    random: np.random.Generator,
    name: str,
    shape: tuple[int, ...],
    sharpness: float,
    norm: float,
) -> np.ndarray:
    """`norm` is the weight at which a norm of this architecture scales by one."""
    if name.endswith("A_log"):
        return np.log(random.uniform(0.5, 4.0, shape)).astype(np.float32)
    if len(shape) == 1:
        centre = 0.0 if "bias" in name else norm
        return (centre + 0.1 * random.standard_normal(shape)).astype(np.float32)
    if "conv1d" in name:
        return random.normal(0.0, 0.5, shape).astype(np.float32)
    scale = shape[-1] ** -0.5
    if "embed" in name or "lm_head" in name:
        scale *= sharpness
    return random.normal(0.0, scale, shape).astype(np.float32)
