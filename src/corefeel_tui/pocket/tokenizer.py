"""The model's own byte-level BPE and chat template;
knows text and token ids, not what the text is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .conversation import Item

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VOCABULARY = 2560
PAD, SYSTEM, USER, ASSISTANT, END = "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"
DECISION = '{"decision": "'
DECISION_WEIGHT = 8.0
SPECIALS = (PAD, SYSTEM, USER, ASSISTANT, END)

# A run of letters or one digit may carry the space before it; JSON's `", "` and `": "` are single
# pieces.
PIECES = r""" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+(?: ["\[{]+)?\n*|\s+"""

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


def train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def item_texts(items: Iterable[Item]) -> Iterable[str]:
    for item in items:
        for _, text in item.messages:
            yield text


def special_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of a special token, which is always there."""
    number = tokenizer.token_to_id(token)
    if number is None:
        raise ValueError(f"the tokenizer has no {token}")
    return int(number)


def encode_item(tokenizer: Tokenizer, item: Item) -> tuple[list[int], list[float]]:
    """Token ids of a conversation as the chat template renders it, and the weight of each in the
    loss: 0 for what the assistant is given, 1 for what it must produce, more for a decision.
    """
    ids: list[int] = []
    weights: list[float] = []
    end = special_id(tokenizer, END)
    opening = tokenizer.encode(DECISION, add_special_tokens=False).ids
    for role, text in item.messages:
        body = tokenizer.encode(text, add_special_tokens=False).ids
        ids += [special_id(tokenizer, f"<|{role}|>"), *body, end]
        mine = float(role == "assistant")
        shares = [mine] * (len(body) + 1)
        if mine and body[: len(opening)] == opening:
            shares[len(opening)] = DECISION_WEIGHT
        weights += [0.0, *shares]
    return ids, weights


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """tokenizer.json, its configuration and the chat template, as transformers and mlx-lm load
    them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 2048,
        "clean_up_tokenization_spaces": False,
        "add_bos_token": False,
        "eos_token": END,
        "pad_token": PAD,
        "additional_special_tokens": [SYSTEM, USER, ASSISTANT],
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
