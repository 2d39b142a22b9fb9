"""Which conversations a stage of training is made of; makes none."""

from __future__ import annotations

# Share of conversations (not tokens) by kind. Training begins with `short`; `focus` has many small
# acts of looking up, `lookup` little else, `dense` and `ripe` the longest texts; `bench` and what
# follows it the most verdicts; `ledger` matches risks with what meets them, before any verdict, and
# `ruling` and `comparing` rules with the action; the tokenizer was made from `short` and `long`.
MIXTURES: dict[str, dict[str, float]] = {
    "short": {
        "judge": 0.19, "fact": 0.26, "card": 0.21, "rule": 0.05, "describe": 0.05, "explain":
        0.02, "reason": 0.10,
        "recall": 0.08, "converse": 0.03, "refuse": 0.03, "persona": 0.01,
    },
    "long": {
        "judge": 0.22, "fact": 0.26, "card": 0.12, "rule": 0.04, "describe": 0.06, "explain":
        0.02, "reason": 0.13,
        "recall": 0.05, "converse": 0.05, "refuse": 0.03, "persona": 0.02,
    },
    "dense": {
        "judge": 0.14, "evidence": 0.18, "fact": 0.17, "card": 0.07, "rule": 0.04, "describe": 0.05,
        "explain": 0.02, "reason": 0.10, "recall": 0.08, "copy": 0.04, "converse": 0.05,
        "refuse": 0.04, "persona": 0.02,
    },
    "focus": {
        "judge": 0.16, "evidence": 0.14, "fact": 0.16, "card": 0.06, "rule": 0.04, "describe": 0.04,
        "explain": 0.01, "reason": 0.07, "recall": 0.12, "copy": 0.10, "converse": 0.04,
        "refuse": 0.04, "persona": 0.02,
    },
    "lookup": {
        "judge": 0.10, "evidence": 0.14, "fact": 0.12, "card": 0.03, "rule": 0.03, "describe": 0.03,
        "explain": 0.01, "reason": 0.06, "recall": 0.26, "copy": 0.14, "converse": 0.04,
        "refuse": 0.03, "persona": 0.01,
    },
    "ripe": {
        "judge": 0.26, "evidence": 0.10, "fact": 0.24, "card": 0.08, "rule": 0.05, "describe": 0.03,
        "explain": 0.01, "reason": 0.12, "recall": 0.05, "copy": 0.01, "converse": 0.04,
        "refuse": 0.04, "persona": 0.02,
    },
    "bench": {
        "judge": 0.38, "coined": 0.10, "evidence": 0.12, "fact": 0.12, "card": 0.03, "rule": 0.05,
        "describe": 0.05, "explain": 0.01, "reason": 0.07, "recall": 0.02, "copy": 0.01,
        "converse": 0.01, "refuse": 0.02, "persona": 0.01,
    },
    "boundary": {
        "judge": 0.10, "near": 0.36, "near_coined": 0.08, "evidence": 0.12, "fact": 0.11, "card":
        0.03, "rule": 0.06, "describe": 0.04, "explain": 0.01, "reason": 0.05, "recall": 0.01,
        "converse": 0.01, "refuse": 0.01, "persona": 0.01,
    },
    "verdict": {
        "judge": 0.18, "near": 0.18, "hard": 0.06, "near_coined": 0.05, "walk": 0.03, "fact":
        0.18, "card": 0.04, "rule": 0.05, "describe": 0.06, "explain": 0.01, "reason": 0.10,
        "recall": 0.04, "copy": 0.01, "converse": 0.02, "refuse": 0.03, "persona": 0.02,
    },
    "risks": {
        "judge": 0.06, "near": 0.08, "hard": 0.36, "near_coined": 0.04, "hard_walk": 0.14, "fact":
        0.11, "card": 0.03, "rule": 0.05, "describe": 0.04, "explain": 0.01, "reason": 0.06,
        "recall": 0.02, "converse": 0.01, "refuse": 0.02, "persona": 0.01,
    },
    "ledger": {
        "ledger": 0.60, "pair": 0.08, "match_walk": 0.04, "near": 0.06, "fact": 0.06, "card": 0.01,
        "rule": 0.04, "describe": 0.03, "explain": 0.01, "reason": 0.03, "recall": 0.01,
        "converse": 0.01, "refuse": 0.01, "persona": 0.01,
    },
    "matching": {
        "ledger": 0.12, "pair": 0.14, "match": 0.16, "match_walk": 0.10, "bare": 0.06, "near": 0.10,
        "fact": 0.12, "card": 0.02, "rule": 0.05, "describe": 0.04, "explain": 0.01, "reason": 0.04,
        "recall": 0.01, "converse": 0.01, "refuse": 0.01, "persona": 0.01,
    },
    "deciding": {
        "pair": 0.28, "match": 0.26, "ledger": 0.05, "match_walk": 0.02, "bare": 0.06, "near": 0.08,
        "fact": 0.10, "card": 0.02, "rule": 0.04, "describe": 0.03, "explain": 0.01, "reason": 0.03,
        "recall": 0.01, "converse": 0.01, "refuse": 0.01, "persona": 0.01,
    },
    "closing": {
        "judge": 0.17, "near": 0.14, "near_coined": 0.05, "match": 0.08, "match_walk": 0.02, "walk":
        0.03, "bare": 0.05, "fact": 0.16, "card": 0.04, "rule": 0.05, "describe": 0.06,
        "explain": 0.01, "reason": 0.06, "recall": 0.03, "converse": 0.01, "refuse": 0.02,
        "persona": 0.02,
    },
    "ruling": {
        "rulings": 0.56, "bind_pair": 0.10, "ledger": 0.04, "pair": 0.02, "walk": 0.04, "near":
        0.05, "fact": 0.06, "card": 0.01, "rule": 0.03, "describe": 0.02, "explain": 0.01,
        "reason": 0.03, "recall": 0.01, "converse": 0.01, "refuse": 0.01,
    },
    "binding": {
        "rulings": 0.12, "bind_pair": 0.20, "bind": 0.22, "pair": 0.04, "match": 0.05, "ledger":
        0.02, "walk": 0.04, "near": 0.06, "bare": 0.03, "fact": 0.10, "card": 0.01, "rule": 0.04,
        "describe": 0.02, "reason": 0.03, "recall": 0.01, "converse": 0.01,
    },
    "comparing": {
        "goods": 0.30, "rulings": 0.06, "bind_pair": 0.24, "bind": 0.08, "ledger": 0.02, "pair":
        0.03, "match": 0.03, "near": 0.04, "fact": 0.10, "rule": 0.03, "describe": 0.01, "reason":
        0.03, "recall": 0.01, "refuse": 0.02,
    },
    "flagging": {
        "flags": 0.34, "goods": 0.04, "bind_pair": 0.22, "bind": 0.10, "pair": 0.03, "match": 0.03,
        "near": 0.04, "fact": 0.10, "rule": 0.03, "reason": 0.04, "recall": 0.01, "refuse": 0.02,
    },
    "ruled": {
        "flags": 0.10, "bind_pair": 0.20, "bind": 0.22, "pair": 0.03, "match": 0.04, "near":
        0.08, "near_coined": 0.02, "bare": 0.03, "fact": 0.16, "card": 0.01, "rule": 0.04,
        "reason": 0.04, "recall": 0.01, "refuse": 0.02,
    },
    "aloud": {
        "aloud": 0.56, "goods": 0.04, "bind_pair": 0.14, "bind": 0.04, "pair": 0.02, "match": 0.02,
        "near": 0.03, "fact": 0.08, "rule": 0.02, "reason": 0.03, "refuse": 0.02,
    },
    "bound": {
        "aloud": 0.12, "bind_pair": 0.22, "bind": 0.22, "pair": 0.03, "match": 0.04, "near": 0.08,
        "near_coined": 0.02, "bare": 0.03, "fact": 0.14, "card": 0.01, "rule": 0.03, "reason":
        0.04, "recall": 0.01, "refuse": 0.01,
    },
    "settling": {
        "judge": 0.12, "near": 0.12, "near_coined": 0.04, "bind": 0.06, "bind_pair": 0.03, "match":
        0.05, "pair": 0.02, "aloud": 0.02, "ledger": 0.01, "walk": 0.03, "bare": 0.02, "fact":
        0.22, "card": 0.03, "rule": 0.04, "describe": 0.05, "explain": 0.01, "reason": 0.07,
        "recall": 0.02, "converse": 0.01, "refuse": 0.02, "persona": 0.01,
    },
    "mending": {
        "judge": 0.08, "near": 0.09, "near_coined": 0.03, "bind": 0.05, "bind_pair": 0.02, "match":
        0.04, "pair": 0.01, "walk": 0.02, "bare": 0.02, "fact": 0.38, "card": 0.06, "rule": 0.05,
        "describe": 0.03, "explain": 0.01, "reason": 0.06, "recall": 0.01, "converse": 0.01,
        "refuse": 0.02, "persona": 0.01,
    },
    "framing": {
        "judge": 0.09, "near": 0.10, "near_coined": 0.03, "bind": 0.05, "bind_pair": 0.04, "match":
        0.04, "pair": 0.01, "walk": 0.02, "bare": 0.10, "fact": 0.03, "framed": 0.26, "card": 0.02,
        "rule": 0.07, "describe": 0.03, "explain": 0.01, "reason": 0.04, "recall": 0.01, "converse":
        0.01, "refuse": 0.03, "persona": 0.01,
    },
    "steps": {
        "judge": 0.10, "near": 0.24, "near_coined": 0.06, "walk": 0.26, "fact": 0.11, "card":
        0.03, "rule": 0.06, "describe": 0.04, "explain": 0.01, "reason": 0.05, "recall": 0.01,
        "converse": 0.01, "refuse": 0.01, "persona": 0.01,
    },
}  # fmt: skip
