"""Training batches as a pure function of seed, position and stage;
resumable, and hashed as it is consumed.
"""

from __future__ import annotations

import hashlib
from array import array
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from .corpus import SKILLS, training_items
from .network import Encoded
from .tokenizer import encode_item

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SHARD_TOKENS = 131_072


class Position(NamedTuple):
    """Where the next batch begins: a shard, a conversation in it, and the hash of every shard
    before.
    """

    shard: int = 0
    offset: int = 0
    digest: str = ""


START = Position()


class Stream:
    """Batches, shard after shard."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        seed: int,
        position: Position = START,
        stage: str = "short",
    ) -> None:
        self.tokenizer, self.seed = tokenizer, seed
        self.position = position
        self.stage = stage
        self._loaded: int | None = None
        self._conversations: list[Encoded] = []

    def batch(self, stage: str, batch_tokens: int) -> list[Encoded]:
        """About `batch_tokens` tokens; a new stage takes effect where the next shard begins."""
        chosen: list[Encoded] = []
        size = 0
        while size < batch_tokens:
            self._load(stage)
            conversation = self._conversations[self.position.offset]
            chosen.append(conversation)
            size += len(conversation.ids)
            self.position = self.position._replace(offset=self.position.offset + 1)
            if self.position.offset == len(self._conversations):
                digest = chained(self.position.digest, self._conversations)
                self.position = Position(self.position.shard + 1, 0, digest)
        return chosen

    def _load(self, stage: str) -> None:
        if self._loaded == self.position.shard:
            return
        if self.position.offset == 0:
            self.stage = stage
        self._conversations = shard(self.tokenizer, self.seed + self.position.shard, self.stage)
        self._loaded = self.position.shard


def shard(tokenizer: Tokenizer, seed: int, stage: str) -> list[Encoded]:
    """The conversations of one shard."""
    size = 0

    def room(_: object) -> bool:
        return size < SHARD_TOKENS

    conversations: list[Encoded] = []
    for item in takewhile(room, training_items(seed, stage)):
        conversation = Encoded(*encode_item(tokenizer, item), SKILLS.index(item.skill))
        conversations.append(conversation)
        size += len(conversation.ids)
    return conversations


def chained(before: str, conversations: list[Encoded]) -> str:
    """SHA-256 over the hash so far and the ids of one more shard."""
    digest = hashlib.sha256(before.encode())
    for conversation in conversations:
        digest.update(array("H", conversation.ids).tobytes())
    return digest.hexdigest()
