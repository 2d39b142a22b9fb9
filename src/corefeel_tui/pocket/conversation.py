"""One generated conversation, and the hash rule that parts training from held-out;
knows nothing of the world.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

HELDOUT_SHARE = 24
Message = dict[str, str]


@dataclass(frozen=True)
class Item:
    """A conversation ending in an assistant message, with the signatures of everything asked in it.

    `expected` is what a correct last answer carries, `rule` names the rule that derived it.
    `rolling` items are scored
    on every assistant turn. A signature is the tuple (template, slot values).
    """

    skill: str
    messages: tuple[tuple[str, str], ...]
    expected: str
    rule: str
    signatures: tuple[tuple[object, ...], ...]
    domain: str = "town"
    rolling: bool = False
    facts: dict[str, str] = field(default_factory=dict)

    def prompt(self) -> list[Message]:
        return [{"role": role, "content": text} for role, text in self.messages[:-1]]

    def answer(self) -> str:
        return self.messages[-1][1]


def signature_hash(signature: tuple[object, ...]) -> str:
    """Sixteen hexadecimal digits naming one (template, slot values) tuple."""
    return hashlib.blake2b(repr(signature).encode(), digest_size=8).hexdigest()


def is_heldout(signature: tuple[object, ...]) -> bool:
    """True for the fixed share (one in HELDOUT_SHARE) of all tuples that training never sees."""
    return int(signature_hash(signature), 16) % HELDOUT_SHARE == 0
