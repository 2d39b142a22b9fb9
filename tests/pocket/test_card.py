"""The card's numbers, run again from the shipped weights on few items, fall in their intervals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy.stats import binomtest

from corefeel_tui import pocket
from corefeel_tui.pocket.card import KL_ITEMS, measure
from corefeel_tui.pocket.card_page import GOALS, render
from corefeel_tui.pocket.evaluation import Figures, Share, one_sided

HERE = Path(pocket.__file__).parent
FEW = {
    "judge": 12, "facts": 16, "describe": 3, "reason": 6, "recall": 2, "converse": 1, "refuse": 9,
}  # fmt: skip


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Figures]:
    folder = tmp_path_factory.mktemp("card")
    figures = measure(pocket.weights_path(), FEW, 2, 0, [["8bit", "2bit"]], folder)
    return {one.variant: one for one in figures}


@pytest.fixture(scope="module")
def printed() -> dict[str, dict]:
    content = json.loads((HERE / "card.json").read_text("utf-8"))
    return {one["variant"]: one for one in content["variants"]}


@pytest.mark.parametrize("variant", ["bf16", "8bit", "2bit"])
def test_accuracy_agrees_with_the_card(
    variant: str, again: dict[str, Figures], printed: dict[str, dict]
) -> None:
    for column in GOALS:
        ours, theirs = again[variant].accuracy[column], printed[variant]["accuracy"][column]
        low, high = binomtest(ours.right, ours.count).proportion_ci(0.999, "exact")
        assert low <= theirs["high"], column
        assert high >= theirs["low"], column


def test_the_reference_does_not_drift_from_itself(again: dict[str, Figures]) -> None:
    assert again["bf16"].kl_mean == 0
    assert again["bf16"].flips == 0
    assert again["bf16"].length_ratio == 1


def test_fewer_bits_drift_more(again: dict[str, Figures], printed: dict[str, dict]) -> None:
    assert 0 < again["8bit"].kl_mean * 20 < again["2bit"].kl_mean
    order = [printed[f"{bits}bit"]["kl_mean"] for bits in (8, 6, 5, 4, 3, 2)]
    assert order == sorted(order)


def test_the_page_is_what_the_numbers_render(printed: dict[str, dict]) -> None:
    measured = [figures(row) for row in printed.values()]
    training = json.loads((pocket.weights_path() / "training.json").read_text("utf-8"))
    assert (HERE / "CARD.md").read_text("utf-8") == render(measured, training, KL_ITEMS)


def figures(row: dict) -> Figures:
    shares = {column: Share(**share) for column, share in row["accuracy"].items()}
    return Figures(**{**row, "accuracy": shares, "critical": Share(**row["critical"])})


def test_no_event_still_has_a_bound() -> None:
    assert one_sided(Share.of(0, 300)) == pytest.approx(1 - 0.05 ** (1 / 300), rel=1e-6)
    assert one_sided(Share.of(3, 3)) == 1
