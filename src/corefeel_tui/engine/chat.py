"""Messages → tokens by the model's own chat template.  Knows tokenizers, no model."""

from __future__ import annotations

from typing import Any

from corefeel_tui.errors import ModelError, UsageError

Message = dict[str, str]


def render(tokenizer: Any, messages: list[Message], thinking: bool) -> list[int]:
    """Token ids of the chat, up to and including the header of the answer to come.

    A model without a template gets the messages' text, separated by blank lines.
    """
    if not tokenizer.has_chat_template:
        text = "\n\n".join(message["content"] for message in messages)
        return list(tokenizer.encode(text))
    return _apply(tokenizer, messages, thinking, add_generation_prompt=True)


def header_boundary(tokenizer: Any, messages: list[Message], prompt: list[int]) -> int:
    """How many tokens of `prompt` stand before the header of the answer to come.

    The next turn's rendering agrees with this one at least up to here, whatever the template does
    to thinking blocks of past turns.
    """
    if not tokenizer.has_chat_template:
        return len(prompt)
    try:
        bare = _apply(tokenizer, messages, False, add_generation_prompt=False)
    except ModelError:
        return 0
    return common_prefix(bare, prompt)


def common_prefix(a: list[int], b: list[int]) -> int:
    """Length of the longest common prefix."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))


def _apply(
    tokenizer: Any, messages: list[Message], thinking: bool, add_generation_prompt: bool
) -> list[int]:
    try:
        return list(
            tokenizer.apply_chat_template(
                messages,
                tokenize=True,
                add_generation_prompt=add_generation_prompt,
                enable_thinking=thinking,
            )
        )
    except Exception as error:  # templates are programs; whatever they raise is their message
        raise ModelError(f"the model's chat template refuses these messages: {error}") from error


def conversation(system: str | None, history: list[Message], prompt: str) -> list[Message]:
    """The chat as messages; raises UsageError where there is nothing to ask."""
    if not prompt.strip():
        raise UsageError("the prompt is empty; type a question")
    first = [{"role": "system", "content": system}] if system else []
    return [*first, *history, {"role": "user", "content": prompt}]
