"""The world and its conversations: pure functions of their seeds, held-out really held out."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import islice

import pytest

from corefeel_tui.pocket import facts, question_forms, scoring, words
from corefeel_tui.pocket.conversation import Item, is_heldout, signature_hash
from corefeel_tui.pocket.corpus import (
    DOMAINS,
    HELDOUT_SEED,
    SKILLS,
    heldout_items,
    training_items,
)
from corefeel_tui.pocket.world import handbook


def training(seed: int, stage: str, count: int = 1000) -> list[Item]:
    return list(islice(training_items(seed, stage), count))


def own_replies(item: Item) -> list[str]:
    return [text for role, text in item.messages if role == "assistant"]


def test_the_handbook_holds_several_thousand_facts() -> None:
    assert handbook().fact_count() > 3000
    assert len(facts.all_facts(handbook())) == handbook().fact_count()


@pytest.mark.parametrize("stage", ["short", "long"])
def test_training_is_a_function_of_its_seed(stage: str) -> None:
    assert training(3, stage, 300) == training(3, stage, 300)
    assert training(3, stage, 30) != training(4, stage, 30)


def test_another_process_draws_the_same() -> None:
    script = (
        "from itertools import islice\n"
        "from corefeel_tui.pocket.corpus import training_items\n"
        "from corefeel_tui.pocket.conversation import signature_hash\n"
        "print(signature_hash(tuple(i.messages for i in islice(training_items(3), 200))))"
    )
    here = signature_hash(tuple(item.messages for item in training(3, "short", 200)))
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert there.stdout.strip() == here


@pytest.mark.parametrize("skill", SKILLS)
def test_heldout_items_are_stable_and_longer_lists_begin_the_same(skill: str) -> None:
    assert heldout_items(skill, 20) == heldout_items(skill, 40)[:20]


@pytest.mark.parametrize("stage", ["short", "long"])
def test_no_heldout_tuple_occurs_in_training(stage: str) -> None:
    asked = {signature_hash(i.signatures[-1]) for s in SKILLS for i in heldout_items(s, 100)}
    trained = {signature_hash(s) for item in training(5, stage) for s in item.signatures}
    assert not asked & trained


def test_training_drops_every_heldout_tuple() -> None:
    assert not any(is_heldout(s) for item in training(6, "long") for s in item.signatures)


def test_facts_are_held_out_by_form_and_no_fact_is_held_out() -> None:
    assert question_forms.TRAINED_FORMS.keys() == question_forms.HELDOUT_FORMS.keys()
    for attribute, forms in question_forms.TRAINED_FORMS.items():
        assert not set(forms) & set(question_forms.HELDOUT_FORMS[attribute])


def test_words_of_the_heldout_domains_never_occur_in_training() -> None:
    text = " ".join(text for item in training(7, "long") for _, text in item.messages)
    for domain in DOMAINS:
        for word in (*words.HELDOUT_DOMAINS[domain]["substances"], domain):
            assert word not in text


@pytest.mark.parametrize("skill", SKILLS)
def test_every_expected_answer_is_right_by_the_rules(skill: str) -> None:
    for item in heldout_items(skill, 80):
        assert scoring.right(item, own_replies(item)), item


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_heldout_domain_is_judged_by_the_same_rules(domain: str) -> None:
    items = heldout_items("judge", 60, domain)
    assert {item.expected for item in items} == {"APPROVE", "REVISE", "VETO"}
    assert all(scoring.right(item, own_replies(item)) for item in items)


def test_long_conversations_have_twelve_turns() -> None:
    assert all(len(own_replies(item)) == 12 for item in heldout_items("converse", 20))


def test_a_training_seed_is_below_the_heldout_seeds() -> None:
    with pytest.raises(ValueError, match="below"):
        next(training_items(HELDOUT_SEED))


def test_an_unknown_skill_is_refused() -> None:
    with pytest.raises(ValueError, match="no such skill"):
        heldout_items("singing", 1)


def test_facts_in_other_words_never_meet_a_form_that_is_held_out() -> None:
    """A question in a frame is a trained form inside it, and asks for the same fact."""
    rng = random.Random(3)
    known = facts.all_facts(handbook())
    heldout, trained = (
        {facts.question(fact, form) for fact in known for form in forms[fact.attribute]}
        for forms in (question_forms.HELDOUT_FORMS, question_forms.TRAINED_FORMS)
    )
    asked = [
        text
        for _ in range(400)
        for role, text in facts.fact_item(rng, known, count=4, frames=True).messages
        if role == "user"
    ]
    assert not set(asked) & heldout
    assert 0.6 < sum(text not in trained for text in asked) / len(asked) < 0.9
    assert not [text for text in asked if text.startswith("Tell")]
