"""A cheap look at skill while training: does the argmax reproduce the expected answer, token by
token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .corpus import SKILLS, heldout_items
from .network import Encoded, Network, pack
from .tokenizer import ASSISTANT, encode_item, special_id

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DECISION_TOKEN = 4  # of an answer that begins {"decision": "VETO


@torch.no_grad()
def probe(
    network: Network, tokenizer: Tokenizer, per_skill: int = 48
) -> dict[str, tuple[float, float]]:
    """Per skill: share of held-out items answered right, and loss of the last answer in nats.

    Teacher-forced, so an answer is right exactly when greedy decoding would write it; the judge
    is right when the decision is, a request when refusal or help is, and open answers read 0.
    """
    header = special_id(tokenizer, ASSISTANT)
    opener = tokenizer.encode("I").ids[0]
    measured: dict[str, tuple[float, float]] = {}
    for skill in SKILLS:
        right, total, count = 0, 0.0, 0
        for item in heldout_items(skill, per_skill):
            ids, _ = encode_item(tokenizer, item)
            begin = len(ids) - 1 - ids[::-1].index(header)
            packed = pack([Encoded(ids, [float(place > begin) for place in range(len(ids))])])
            logits = network.logits(packed)[begin : len(ids) - 1]
            answer = torch.tensor(ids[begin + 1 :])
            total += float(torch.nn.functional.cross_entropy(logits, answer, reduction="sum"))
            count += len(answer)
            picked = logits.argmax(-1)
            if skill == "judge":
                right += int(picked[DECISION_TOKEN - 1] == answer[DECISION_TOKEN - 1])
            elif item.expected in ("refuse", "comply"):
                right += int((picked[0] == opener) == (item.expected == "refuse"))
            else:
                right += int(bool((picked == answer).all()))
        measured[skill] = (right / per_skill, total / count)
    return measured
