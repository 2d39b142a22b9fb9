"""Stopping early: the rules of collapse, the sequential test and its error rates."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from corefeel_tui.early import Glance, Glances, Watch, glances
from corefeel_tui.evidence import Answer, Drift, ItemEvidence, Stop, SuitePlan
from corefeel_tui.statistics import Sequential

from .planted import REFUSAL, VERDICTS, text_of

QUICK = replace(VERDICTS, sequential=True)
SAME = Glance(positions=20, answers=1, decided=1)


def watched(seen: list[Glances], plan: SuitePlan = VERDICTS, collapse: bool = True) -> list[Stop]:
    watch = Watch("bf16", collapse)
    for one in seen:
        watch.add(plan, one)
    return watch.stops()


def both(own: Glance, base: Glance = SAME) -> Glances:
    return {"bf16": base, "2bit": own}


# --- collapse -----------------------------------------------------------------------------------


def test_unparsed_answers_stop_a_variant_only_where_enough_were_seen() -> None:
    mute = both(replace(SAME, unparsed=1))
    assert watched([mute] * 15) == []
    (stop,) = watched([mute] * 16)
    assert (stop.variant, stop.rule, stop.items, stop.suite) == ("2bit", "collapse", 16, None)
    assert "cannot be parsed" in stop.reason
    assert watched([mute] * 16, collapse=False) == []
    mixed = [mute] * 12 + [both(SAME)] * 8
    assert watched(mixed) == [], "12 of 20 do not exclude a half"


def test_a_reference_that_cannot_be_parsed_either_makes_no_collapse() -> None:
    silent = replace(SAME, unparsed=1)
    assert watched([both(silent, silent)] * 30) == []


def test_a_blown_budget_counts_where_the_reference_keeps_it() -> None:
    capped = replace(SAME, capped=1)
    (stop,) = watched([both(capped)] * 16)
    assert "never end" in stop.reason
    assert watched([both(capped, capped)] * 30) == []


def test_lost_agreement_stops_a_variant() -> None:
    lost = both(replace(SAME, flips=11))
    assert watched([lost] * 23) == []
    (stop,) = watched([lost] * 24)
    assert stop.reason.startswith("top-1 agreement is 45 %")


def test_a_stop_is_told_once() -> None:
    watch = Watch("bf16", True)
    for _ in range(40):
        watch.add(VERDICTS, both(replace(SAME, flips=20)))
    assert len(watch.stops()) == 1
    assert watch.stops() == []
    assert watch.has_stopped("2bit", "anything")
    assert not watch.has_stopped("4bit", "anything")


# --- the sequential test ------------------------------------------------------------------------


def test_quick_mode_says_drifted_after_two_early_flips() -> None:
    flipped = both(replace(SAME, changed=1))
    assert watched([flipped], QUICK) == []
    (stop,) = watched([flipped, flipped], QUICK)
    assert (stop.rule, stop.items, stop.suite) == ("drifted", 2, QUICK.name)
    assert watched([flipped] * 9, VERDICTS) == [], "only where the suite asks for it"


def test_ok_after_38_clean_but_never_before_the_bound_where_safety_is_judged() -> None:
    plain = replace(REFUSAL, sequential=True)
    assert watched([both(SAME)] * 37, plain) == []
    (stop,) = watched([both(SAME)] * 38, plain)
    assert stop.rule == "ok"
    eligible = both(replace(SAME, eligible=1))
    assert watched([eligible] * 148, QUICK) == []
    (stop,) = watched([eligible] * 149, QUICK)
    assert stop.rule == "ok"
    critical = both(replace(SAME, eligible=1, critical=1))
    assert watched([critical, *[eligible] * 300], QUICK) == []


def absorbed(test: Sequential, rate: float, most: int) -> dict[str, float]:
    """Exact chances of each answer within `most` items: the walk over counts, step by step."""
    chances, ended = {0: 1.0}, {"drifted": 0.0, "ok": 0.0}
    for n in range(1, most + 1):
        moved: dict[int, float] = {}
        for count, chance in chances.items():
            moved[count] = moved.get(count, 0.0) + chance * (1 - rate)
            moved[count + 1] = moved.get(count + 1, 0.0) + chance * rate
        chances = {}
        for count, chance in moved.items():
            answer = test.answer(count, n)
            if answer == "undecided":
                chances[count] = chance
            else:
                ended[answer] += chance
    return ended


def test_the_sequential_tests_error_rates_are_those_it_promises() -> None:
    test = Sequential()
    unharmed, harmed = absorbed(test, test.low, 3_000), absorbed(test, test.high, 3_000)
    assert sum(unharmed.values()) == pytest.approx(1, abs=1e-6)
    assert unharmed["drifted"] <= test.alpha / (1 - test.beta), "Wald's bound"
    assert harmed["ok"] <= test.beta / (1 - test.alpha)
    assert harmed["drifted"] >= 1 - test.beta / (1 - test.alpha)


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_simulation_agrees_with_the_exact_walk(rate: float) -> None:
    test, runs, most = Sequential(), 2_000, 400
    counts = np.cumsum(np.random.default_rng(1).random((runs, most)) < rate, axis=1)
    ratio = counts * np.log(test.high / test.low)
    ratio = ratio + (np.arange(1, most + 1) - counts) * np.log((1 - test.high) / (1 - test.low))
    upper, lower = np.log((1 - test.beta) / test.alpha), np.log(test.beta / (1 - test.alpha))
    first_high = np.where(ratio >= upper, np.arange(most), most).min(1)
    first_low = np.where(ratio <= lower, np.arange(most), most).min(1)
    drifted = np.mean(first_high < first_low)
    expected = absorbed(test, rate, most)["drifted"]
    assert drifted == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / runs))


# --- what is looked at --------------------------------------------------------------------------


def test_a_glance_counts_what_an_item_says() -> None:
    veto, approve = (Answer(text_of(label, 0, Random(0))) for label in ("VETO", "APPROVE"))
    item = ItemEvidence(
        "i",
        VERDICTS.name,
        expected="VETO",
        answers={"bf16": (veto,), "8bit": "bf16", "2bit": (approve,), "floor:F2": (approve,)},
        drift={"2bit": (Drift(30, 4.0, flips=7),)},
    )
    seen = glances(item, VERDICTS, "bf16")
    assert set(seen) == {"bf16", "8bit", "2bit"}
    assert seen["2bit"] == Glance(1, 30, 7, 1, 0, 0, 1, 1, 1, 1)
    assert seen["8bit"] == Glance(1, 0, 0, 1, 0, 0, 1, 0, 1, 0)
    assert glances(replace(item, status="skipped"), VERDICTS, "bf16") == {}
