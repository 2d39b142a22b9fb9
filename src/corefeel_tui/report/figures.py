"""Metrics in words and values as people read them.

Knows metric names and units; nothing of where values come from.
"""

from __future__ import annotations

from typing import Protocol

from corefeel_tui.text.numbers import MISSING, short

WORDS = {
    "kl_mean": "mean KL per token, nats",
    "kl_median": "median KL per token, nats",
    "kl_p99": "99th percentile of KL, nats",
    "own_kl_mean": "mean KL on its own answers, nats",
    "top1_agreement": "tokens with the same first choice",
    "hard_flip_rate": "first choice changed though the reference was sure",
    "entropy_shift_mean": "change of entropy per token, nats",
    "delta_p_rms": "typical change of a token's probability",
    "perplexity_ratio": "perplexity against the reference's",
    "verdict_accuracy": "right decisions",
    "accuracy_shift": "change of right decisions",
    "decision_flip_rate": "decisions that differ from the reference's",
    "refusal_flip_rate": "refused or answered otherwise than the reference",
    "readout_flip_rate": "likeliest label differs (forced readout)",
    "margin_shift_mean": "change of the verdict margin, nats",
    "unparsed_rate": "answers without a readable verdict",
    "blank_rate": "answers without a word in them",
    "critical_rate": "critical errors, of items that allow one",
    "critical_new_rate": "new critical errors, where the reference was right",
    "kept_refusal_rate": "refused what should be refused",
    "kept_refusal_shift": "change of kept refusals",
    "false_refusal_rate": "refused what should be answered",
    "false_refusal_shift": "change of false refusals",
    "template_dominant_prefix_share": "refusals that begin in the commonest way",
    "template_unique_prefix_rate": "different beginnings per refusal",
    "template_prefix_entropy": "entropy of refusals' beginnings, nats",
    "template_dominant_prefix_share_shift": "change of the commonest beginning's share",
    "template_unique_prefix_rate_shift": "change of different beginnings per refusal",
    "template_prefix_entropy_shift": "change of that entropy, nats",
    "refusal_length_ratio": "length of refusals against the reference's",
    "tier_disagreement_rate": "openers and rubric disagree on refusal",
    "ladder_rung_shift": "rungs later (+) or earlier (−) that refusal starts",
    "ladder_moved_rate": "ladders on which refusal starts elsewhere",
    "length_ratio": "length in words against the reference's",
    "token_length_ratio": "length in tokens against the reference's",
    "thinking_length_ratio": "length of thinking against the reference's",
    "length_spread_ratio": "spread of lengths against the reference's",
    "affect_mean_shift": "change of affect",
    "capped_rate": "answers cut off at the token limit",
    "hedges_per_100_shift": "change of hedges per 100 words",
    "boosters_per_100_shift": "change of boosters per 100 words",
    "burrows_delta": "distance of word use (Burrows' Delta)",
    "mtld_ratio": "lexical diversity against the reference's (MTLD)",
    "mattr_shift": "change of lexical diversity (MATTR-50)",
    "repeated_4gram_shift": "change of repeated four-word runs",
    "sentence_length_ratio": "sentence length against the reference's",
    "generic_opener_shift": "change of stock openings",
    "agreement_mean": "samples that agree with their majority",
    "agreement_shift": "change of agreement between samples",
    "majority_accuracy": "problems whose majority answer is right",
    "majority_accuracy_shift": "change of right majority answers",
    "answer_tv_mean": "distance between answer distributions (TV)",
    "steps_correct_rate": "reasoning steps found",
    "depth_ratio": "reasoning steps against the reference's",
    "recall_rate": "needles found",
    "recall_shift": "change of needles found",
    "needle_kl_mean": "mean KL at the needle's tokens, nats",
    "answer_rate": "answers that hold what is expected",
    "answer_shift": "change of answers that hold what is expected",
    "survival_rate": "every rule kept to the end",
    "survival_shift": "change of rules kept to the end",
    "first_failure_turn_mean": "first turn that fails",
    "first_failure_turn_shift": "change of the first turn that fails",
    "late_failure_rate": "failures per turn after the tenth",
    "late_failure_ratio": "failures after the tenth turn against the reference's",
    "kl_out_over_in": "KL outside the calibrated domains over KL inside",
}
SHARES = ("_rate", "accuracy", "agreement", "agreement_mean", "_share")
AT = ("kl_at_confidence", "kl_at_role", "flips_at_role")
"""Metrics whose last part is a place in the answers, not a name."""

ROLE_WORDS = {
    "kl_at_role": "mean KL at",
    "flips_at_role": "first choice changed at",
}
ROLES_IN_WORDS = {
    "verdict": "verdict words",
    "needle": "what is to be recalled",
    "key": "evidence keys",
    "negation": "negations",
    "number": "numbers",
    "name": "names",
    "code": "code",
    "thinking": "tokens of thinking",
    "other": "all other tokens",
}
HEADLINES = (
    "kl_mean",
    "kl_p99",
    "top1_agreement",
    "verdict_accuracy",
    "decision_flip_rate",
    "margin_shift_mean",
    "critical_new_rate",
    "unparsed_rate",
    "kept_refusal_shift",
    "false_refusal_shift",
    "ladder_rung_shift",
    "length_ratio",
    "burrows_delta",
    "agreement_shift",
    "majority_accuracy",
    "depth_ratio",
    "recall_rate",
    "survival_rate",
    "own_survival_rate",
    "answer_rate",
    "kl_out_over_in",
)
"""What a reader wants first."""

POINTS = (
    "accuracy_shift",
    "refusal_shift",
    "opener_shift",
    "recall_shift",
    "answer_shift",
    "survival_shift",
    "agreement_shift",
    "4gram_shift",
    "rate_shift",
    "share_shift",
)


def words(metric: str) -> str:
    """A metric in words; its own name where there are none."""
    name = metric.rpartition("/")[2] if not metric.startswith(AT) else metric
    told = WORDS.get(name) or WORDS.get(name.removeprefix("own_"))
    place, _, role = name.partition("/")
    if place in ROLE_WORDS:
        return f"{ROLE_WORDS[place]} {ROLES_IN_WORDS.get(role, role)}"
    if name.startswith("kl_at_confidence/"):
        return f"mean KL where the reference's confidence is {name.partition('/')[2]}"
    if told is None:
        return name.replace("_", " ")
    return f"{told} (own history)" if name.startswith("own_") and name not in WORDS else told


def figure(metric: str, value: float | None) -> str:
    """A value in its unit."""
    if value is None:
        return MISSING
    if value == 0 and neutral(metric) == 0:
        return "0"
    if metric.endswith(POINTS):
        return f"{100 * value:+.1f} pt".replace("-", "−")
    if metric.endswith(SHARES) or metric.startswith("flips_at_role/"):
        return f"{100 * value:.1f} %"
    if metric.endswith("_ratio"):
        return f"× {value:.3f}"
    if metric.endswith("_shift") or "_shift_" in metric:
        return f"{value:+.3g}".replace("-", "−")
    return short(value)


class Bounded(Protocol):
    """Whatever has two bounds."""

    @property
    def low(self) -> float | None: ...

    @property
    def high(self) -> float | None: ...


def interval(metric: str, found: Bounded) -> str:
    """Both bounds, or why there are none."""
    if found.low is None or found.high is None:
        return MISSING
    return f"{figure(metric, found.low)} … {figure(metric, found.high)}"


def neutral(metric: str) -> float | None:
    """What the metric reads where nothing changed; None where it is no comparison."""
    if metric.endswith(("_ratio", "out_over_in")):
        return 1.0
    if metric.endswith("_shift") or "_shift_" in metric or metric.startswith("kl_"):
        return 0.0
    return None


def headline(metric: str) -> bool:
    """Whether a reader wants it first."""
    return metric.rpartition("/")[2] in HEADLINES


def titled(metric: str) -> str:
    """A metric in words, its suite before them."""
    suite, slash, _ = metric.rpartition("/")
    return f"{suite}: {words(metric)}" if slash and suite not in AT else words(metric)
