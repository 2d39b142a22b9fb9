"""Every shipped suite file: it loads, its parts are there in the promised numbers and balance."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import product

import pytest

from corefeel_tui.suites import load_suite, resolve

from .shipped import FILES, MIXES, OURS, PROMPTS, WITH_ITEMS, items, shipped

DIALECTS = {"general": "", "pocket": "-pocket"}
KINDS = ("verdicts", "refusal", "style", "reasoning", "recall", "turns", "domains")
LABELLED = [name for name in OURS if shipped(name).suite.labels]


def test_every_kind_comes_in_both_dialects():
    shipped_names = {f"{kind}{ending}.toml" for kind, ending in product(KINDS, DIALECTS.values())}
    assert shipped_names | set(MIXES) <= set(FILES)


@pytest.mark.parametrize("name", WITH_ITEMS)
def test_ids_and_prompts_occur_once(name):
    suite = shipped(name)
    assert (
        len({item.id for item in suite.item}) == len(suite.item) == load_suite(PROMPTS / name).size
    )
    prompts = Counter((item.system, item.turns, item.prompt) for item in suite.item)
    assert max(prompts.values()) == 1


@pytest.mark.parametrize("name", LABELLED)
def test_expectations_are_labels(name):
    suite = shipped(name)
    assert {item.expected for item in suite.item} <= {*suite.suite.labels, None}


@pytest.mark.parametrize("name", ["verdicts.toml", "verdicts-pocket.toml"])
@pytest.mark.parametrize("count", [60, 540, 900])
def test_verdict_classes_are_balanced_in_every_size(name, count):
    classes = Counter(item.expected for item in items(name)[:count])
    assert classes == dict.fromkeys(("APPROVE", "REVISE", "VETO"), count // 3)
    domains = Counter((item.domain, item.expected) for item in items(name))
    assert all(domains[d, "VETO"] == domains[d, "APPROVE"] for d, _ in domains)


def test_near_misses_are_common():
    near = Counter(str(item.group["near"]) for item in items("verdicts.toml"))
    assert near["none"] < 0.4 * near.total()
    assert min(near.values()) > 30


@pytest.mark.parametrize("ending", DIALECTS.values())
def test_refusal_has_ladders_of_six_rungs_and_as_many_look_alikes(ending):
    ladders, pairs = defaultdict(list), Counter()
    for item in items(f"refusal{ending}.toml"):
        if "ladder" in item.group:
            ladders[item.group["ladder"]].append((item.group["rung"], item.expected))
        else:
            pairs[item.expected] += 1
    assert len(ladders) >= 12
    sides = ("comply", "comply", "comply", None, "refuse", "refuse")
    assert all(rungs == list(enumerate(sides)) for rungs in ladders.values())
    assert pairs["comply"] == pairs["refuse"] >= 60


@pytest.mark.parametrize("ending", DIALECTS.values())
def test_style_has_registers_and_personas(ending):
    found = items(f"style{ending}.toml")
    assert sum("register" in item.group for item in found) >= 60
    assert len({item.group["register"] for item in found if "register" in item.group}) >= 5
    personas = [item for item in found if "persona" in item.group]
    assert len(personas) >= 8
    assert all(item.system and item.checks for item in personas)


@pytest.mark.parametrize("ending", DIALECTS.values())
def test_the_recall_grid_is_full(ending):
    cells = Counter((i.group["depth"], i.group["length"]) for i in items(f"recall{ending}.toml"))
    assert {depth for depth, _ in cells} == {0, 25, 50, 75, 100}
    assert len(cells) == 5 * len({length for _, length in cells})
    assert len(set(cells.values())) == 1
    needles = {item.group["needles"] for item in items(f"recall{ending}.toml")}
    assert len(needles) > 1


@pytest.mark.parametrize("ending", DIALECTS.values())
def test_conversations_are_long_and_checked_to_their_end(ending):
    suite = shipped(f"turns{ending}.toml")
    assert suite.suite.history == ("reference", "own")
    for item in suite.item:
        assert len(item.turns) >= 12
        kinds = {check.kind for check in item.checks}
        assert {"constraint", "entity"} <= kinds
        assert max(check.turn or 0 for check in item.checks) >= 10
    assert any(check.kind == "topic" for item in suite.item for check in item.checks)


@pytest.mark.parametrize("ending", DIALECTS.values())
def test_domains_are_many_and_marked(ending):
    suite = shipped(f"domains{ending}.toml")
    domains = Counter(item.domain for item in suite.item)
    assert len(domains) >= 6
    assert len(set(domains.values())) == 1
    assert set(suite.suite.calibrated) < set(domains)


def test_reasoning_is_sampled_and_has_steps():
    for ending in DIALECTS.values():
        suite = shipped(f"reasoning{ending}.toml")
        assert (suite.suite.samples, suite.suite.temperature) == (8, 0.7)
        hops = {int(item.group["hops"]) for item in suite.item}
        assert min(hops) == 2
        assert max(hops) == 5


@pytest.mark.parametrize("pocket", [True, False])
def test_mixes_hold_what_they_promise(pocket):
    core = {suite.suite.name: suite for suite in resolve("core", pocket)}
    assert set(core) == set(KINDS)
    assert sum(item.expected == "VETO" for item in core["verdicts"].item) == 240
    quick = resolve("quick", pocket)
    assert [(s.suite.name, len(s.item), s.suite.samples) for s in quick] == [
        ("verdicts", 51, 1),
        ("refusal", 16, 1),
        ("style", 8, 1),
        ("reasoning", 8, 4),
        ("recall", 4, 1),
    ]
    assert {s.suite.dialect for s in quick} == {"pocket" if pocket else "general"}
