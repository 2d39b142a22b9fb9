"""How the next prompt is asked: system prompt, sampling, conversation; turned into a command.

Knows commands; nothing of widgets.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any

from corefeel_tui.commands import Ask

LIMITS: dict[str, tuple[float, float]] = {
    "temperature": (0.0, 5.0),
    "top_p": (0.01, 1.0),
    "top_k": (0, 100_000),
    "min_p": (0.0, 1.0),
    "seed": (0, 2**31 - 1),
    "max_tokens": (1, 100_000),
}
"""What a field may hold, both ends included."""

WHOLE = ("top_k", "seed", "max_tokens")


@dataclass(frozen=True, slots=True)
class Question:
    """Everything about a prompt but its text; `verdict` None lets the engine look
    for the evaluator's classes, without expecting them."""

    system: str = ""
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0
    max_tokens: int = 256
    thinking: bool = False
    conversation: bool = False
    verdict: dict[str, Any] | None = field(default=None, hash=False)
    suite: str = ""

    def ask(self, prompt: str, continues: str | None) -> Ask:
        """The command that asks a prompt, with a new run's name."""
        return Ask(
            run=f"ui-{token_hex(4)}",
            prompt=prompt,
            system=self.system or None,
            continues=continues if self.conversation else None,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            seed=self.seed,
            thinking=self.thinking,
            verdict=self.verdict,
        )

    def summary(self) -> str:
        """What differs from the defaults, and what always matters."""
        parts = [f"T {self.temperature:g}", f"seed {self.seed}", f"≤ {self.max_tokens}"]
        parts += ["system"] if self.system else []
        parts += ["thinking"] if self.thinking else []
        parts += [self.suite] if self.suite else []
        parts += ["conversation"] if self.conversation else []
        return " · ".join(parts)

    def with_number(self, name: str, text: str) -> Question:
        """One field set from what was typed.  Raises ValueError with a sentence."""
        low, high = LIMITS[name]
        try:
            value: float = int(text) if name in WHOLE else float(text)
        except ValueError:
            kind = "a whole number" if name in WHOLE else "a number"
            raise ValueError(f"{name.replace('_', ' ')} must be {kind}") from None
        if not low <= value <= high:
            raise ValueError(f"{name.replace('_', ' ')} must be from {low:g} to {high:g}")
        changed: dict[str, Any] = {name: value}
        return replace(self, **changed)
