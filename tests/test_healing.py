"""What a fork was, on hand-made texts; and which forks of a session can be tested."""

from __future__ import annotations

from dataclasses import replace

import pytest

from corefeel_tui import events as ev
from corefeel_tui import forks
from corefeel_tui.errors import UsageError
from corefeel_tui.folding import Record, fold
from corefeel_tui.healing import (
    SHIFT,
    TAIL,
    Continuation,
    ForkLabel,
    Rejoining,
    carried,
    label,
    rejoin,
)
from corefeel_tui.verdicts import JUDGE
from tests.ui import stream

LINE = list(range(100, 120))
"""Twenty tokens, all different."""


def ended(*ids: int) -> Continuation:
    return Continuation(ids, ended=True)


def cut(*ids: int) -> Continuation:
    return Continuation(ids, ended=False)


@pytest.mark.parametrize(
    ("healed", "other", "expected"),
    [
        pytest.param(ended(*LINE), ended(*LINE), Rejoining(0, 0), id="the same text"),
        pytest.param(ended(), ended(), Rejoining(0, 0), id="both end at the fork"),
        pytest.param(ended(7, 8), ended(7, 8), Rejoining(0, 0), id="the same few words"),
        pytest.param(ended(7, 8), ended(7, 9), Rejoining(None), id="other few words"),
        pytest.param(ended(), ended(*LINE), Rejoining(None), id="one says nothing more"),
        pytest.param(ended(1, 2, 3, *LINE), ended(4, *LINE), Rejoining(3, 2), id="two words more"),
        pytest.param(
            ended(1, *LINE),
            ended(2, 3, 4, *LINE),
            Rejoining(1, -2),
            id="two words less",
        ),
        pytest.param(ended(*LINE, 5), ended(*LINE, 6), Rejoining(None), id="apart at the end"),
        pytest.param(ended(*LINE, 5), ended(*LINE), Rejoining(None), id="one goes on"),
        pytest.param(
            ended(*range(12), 9, 9),
            ended(*range(20, 32), 9, 9),
            Rejoining(None),
            id="shared end",
        ),
        pytest.param(
            ended(0, *LINE[:TAIL]), ended(1, *LINE[:TAIL]), Rejoining(1, 0), id="just enough"
        ),
        pytest.param(
            ended(0, *LINE[: TAIL - 1]),
            ended(1, *LINE[: TAIL - 1]),
            Rejoining(None),
            id="few",
        ),
        pytest.param(
            ended(*range(SHIFT), *LINE), ended(*LINE), Rejoining(SHIFT, SHIFT), id="widest shift"
        ),
        pytest.param(
            ended(*range(SHIFT + 1), *LINE), ended(*LINE), Rejoining(None), id="too far apart"
        ),
        pytest.param(cut(*LINE), cut(*LINE), Rejoining(0, 0), id="both cut, equal so far"),
        pytest.param(cut(*LINE), ended(*LINE, 1, 2), Rejoining(0, 0), id="cut before the end"),
        pytest.param(ended(*LINE, 1, 2), cut(*LINE), Rejoining(0, 0), id="the other cut"),
        pytest.param(
            cut(1, 2, *LINE[:-2]), cut(*LINE), Rejoining(2, 2), id="cut at one length, shifted"
        ),
        pytest.param(
            ended(*LINE), cut(*LINE, 1, 2), Rejoining(None), id="ends where the cut one went on"
        ),
        pytest.param(
            cut(1, 2, 3), cut(1, 2, 3), Rejoining(None, told=False), id="cut after three words"
        ),
        pytest.param(cut(), ended(*LINE), Rejoining(None, told=False), id="cut at the fork"),
    ],
)
def test_where_texts_fall_in_step(
    healed: Continuation, other: Continuation, expected: Rejoining
) -> None:
    assert rejoin(healed, other) == expected


def test_a_rejoining_holds_what_it_says() -> None:
    healed, other = ended(1, 2, 3, *LINE), ended(4, *LINE)
    found = rejoin(healed, other)
    assert found.at is not None
    assert healed.ids[found.at :] == other.ids[found.at - found.shift :]


@pytest.mark.parametrize(
    ("variant", "reference", "changed", "expected"),
    [
        (Rejoining(0), Rejoining(3, 1), False, ForkLabel.TIE_BREAK),
        (Rejoining(0), Rejoining(None), False, ForkLabel.DRIFT),
        (Rejoining(None), Rejoining(0), False, ForkLabel.DRIFT),
        (Rejoining(None), Rejoining(None, told=False), False, ForkLabel.DRIFT),
        (Rejoining(0), Rejoining(None, told=False), False, ForkLabel.CUT_OFF),
        (Rejoining(0), Rejoining(0), True, ForkLabel.VERDICT),
        (Rejoining(None), Rejoining(None), True, ForkLabel.VERDICT),
    ],
)
def test_what_a_fork_was(
    variant: Rejoining, reference: Rejoining, changed: bool, expected: ForkLabel
) -> None:
    assert label(variant, reference, changed) is expected


def test_what_an_answer_carries() -> None:
    rule = JUDGE.as_dict()
    assert carried('{"decision": "VETO"}', "stop", rule) == "VETO"
    assert carried('{"decision": "VETO"}', "length", rule) == "UNPARSED"
    assert carried('{"decision": "MAYBE"}', "stop", rule) == "UNPARSED"
    assert carried("good morning", "stop", rule) is None
    assert carried("I cannot help with that.", "stop", {"openers": "refusal"}) == "refuse"
    assert carried("Gladly: take a rope.", "length", {"openers": "refusal"}) == "comply"
    assert carried("anything", "stop", None) is None
    assert carried("anything", "stop", {"json_key": "decision"}) is None


# --- the forks of a session -----------------------------------------------------------------------


def session(prompt: bool = True) -> Record:
    """One comparison of five models, three of which fork."""
    events = [stream.loaded(), *stream.Comparison("r").events()]
    if prompt:
        events = [
            replace(e, prompt_ids={"bf16": [1, 2, 3]}, verdict=JUDGE.as_dict())
            if isinstance(e, ev.Started)
            else e
            for e in events
        ]
    return fold(events)


def healed(variant: str, label: str) -> ev.Healed:
    return ev.Healed("h", "r", "bf16", variant, 4, label, {}, {}, {})


def test_a_session_offers_its_forks_once() -> None:
    record = session()
    assert forks.testable(record) == [("r", "4bit"), ("r", "3bit"), ("r", "2bit")]
    case = forks.case_of(record.runs["r"], "3bit")
    reference, variant = case.ids["bf16"], case.ids["3bit"]
    assert reference[: case.position] == variant[: case.position]
    assert reference[case.position] != variant[case.position]
    assert case.was == {"bf16": "VETO", "3bit": "APPROVE"}
    record.healed["r", "3bit"] = healed("3bit", "verdict-changing")
    assert forks.testable(record) == [("r", "4bit"), ("r", "2bit")]
    count = forks.tally(record)
    assert count.labels["3bit"] == {"verdict-changing": 1}
    assert (count.tested, count.waiting, count.reasons) == (1, 2, {})


def test_forks_that_cannot_be_tested_say_why() -> None:
    record = session(prompt=False)
    with pytest.raises(UsageError, match="without the tokens of its prompt; ask it again"):
        forks.case_of(record.runs["r"], "3bit")
    with pytest.raises(UsageError, match="8bit does not leave"):
        forks.case_of(record.runs["r"], "8bit")
    assert list(forks.tally(record).reasons.values()) == [3]
    other = session().runs["r"]
    other.started.prompt_ids["3bit"] = [1, 2]
    assert "another conversation" in forks.untestable(other, "3bit")
    other.trajectories["4bit"].text = None
    assert "still being written" in forks.untestable(other, "4bit")


def test_models_of_another_session_are_refused_by_name() -> None:
    now = stream.loaded()
    origin = forks.origin_of(now)
    forks.refuse_foreign(origin, now, ["bf16", "3bit"])
    forks.refuse_foreign({}, now, ["bf16"])
    with pytest.raises(UsageError, match=r"another model \(big, loaded is pocket\); open that"):
        forks.refuse_foreign({"model": "big", "fingerprint": {"content": "x"}}, now, [])
    with pytest.raises(UsageError, match="6bit is not loaded; load it with --variants"):
        forks.refuse_foreign(origin, now, ["6bit"])
    told = {**origin, "treatments": {"3bit": "3bit-g32"}}
    with pytest.raises(UsageError, match="3bit was 3bit-g32 in this run and is 3bit now"):
        forks.refuse_foreign(told, now, ["3bit"])


def test_only_forks_of_the_models_at_hand_are_tested() -> None:
    record = session()
    places = forks.testable(record)
    assert forks.made_by(record, places, stream.loaded()) == places
    few = stream.loaded(["bf16", "3bit"])
    assert forks.made_by(record, places, few) == [("r", "3bit")]
    with pytest.raises(UsageError, match="4bit is not loaded"):
        forks.made_by(record, places, stream.loaded(["bf16"]))
    assert forks.made_by(record, [], few) == []


def test_a_healed_fork_survives_the_file() -> None:
    event = healed("3bit", "drift")
    assert ev.decode(ev.encode(event)) == event
    assert fold([event]).healed["r", "3bit"].label == "drift"
