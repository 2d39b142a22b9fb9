"""The edge's pure half: readouts, parts, slots, changes, what events fold to, items kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corefeel_tui import events as ev
from corefeel_tui.edge import changes, slots, spans, telling
from corefeel_tui.edge.fold import EdgeRecord, fold, found
from corefeel_tui.edge.readouts import Readout, judge, of_suite, parse, refusal
from corefeel_tui.edge.saving import append_item
from corefeel_tui.errors import UsageError
from corefeel_tui.suites import load_suite, resolve

EVIDENCE = (
    "Evidence:\n"
    '{"key": "A1", "relevance": 0.8, "statement": "Lye may be moved by night, at most 3 jars."}\n'
    '{"key": "A2", "relevance": 0.6, "statement": "The mould risk is real."}\n'
    "Action: let 2 jars of lye be moved, then wait."
)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)

# --- readouts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "margin", "opening", "closing"),
    [
        ("VETO v APPROVE", ("VETO", "APPROVE"), '{"decision": "', '"'),
        ("REVISE vs VETO", ("REVISE", "VETO"), '{"decision": "', '"'),
        ("refuse v comply", ("refuse", "comply"), "", ""),
        ("comply | refuse", ("comply", "refuse"), "", ""),
        ("yes,no", ("yes", "no"), "", ""),
        ("yes v no after The answer is", ("yes", "no"), "The answer is", ""),
        ('up v down after {"way": "', ("up", "down"), '{"way": "', '"'),
        ('"a v b" v c', ("a v b", "c"), "", ""),
    ],
)
def test_two_labels_in_one_line(
    line: str, margin: tuple[str, str], opening: str, closing: str
) -> None:
    readout = parse(line)
    assert (readout.margin, readout.opening, readout.closing) == (margin, opening, closing)
    assert Readout.from_dict(json.loads(json.dumps(readout.as_dict()))) == readout


def test_a_word_after_words_has_a_blank_before_it() -> None:
    assert parse("yes v no after The answer is").written == {
        "yes": ["The answer is yes"],
        "no": ["The answer is no"],
    }


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("VETO", "one label"),
        ("", "a label is empty"),
        ("VETO v ", "one label"),
        ('VETO v ""', "a label is empty"),
        ("a v a", "named twice"),
        ("VETO v VETO", "named twice"),
    ],
)
def test_what_is_no_pair_of_labels_is_refused(line: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        parse(line)


def test_a_suite_brings_its_own_readout() -> None:
    verdicts, refusals = (resolve(name, pocket=True)[0] for name in ("verdicts", "refusal"))
    assert of_suite(verdicts) == judge()
    assert of_suite(refusals) == refusal()
    assert parse("REVISE v VETO", of_suite(verdicts)).labels == judge().labels
    with pytest.raises(UsageError, match="no labels that stand at a known place"):
        of_suite(resolve("style", pocket=True)[0])


# --- parts --------------------------------------------------------------------------------------


@given(text)
def test_a_part_is_where_it_says(prompt: str) -> None:
    try:
        parts = spans.removable(prompt)
    except UsageError:
        return
    for span in parts:
        assert prompt.replace(span.of(prompt), "") != prompt
        assert span.without(prompt).strip()
        assert len(span.without(prompt)) == len(prompt) - (span.end - span.start)
    assert len({(span.start, span.end) for span in parts}) == len(parts)


def test_a_line_of_evidence_goes_whole_and_its_words_leave_it_json() -> None:
    parts = spans.removable(EVIDENCE)
    whole = [span.of(EVIDENCE) for span in parts if span.unit == "line"]
    assert '{"key": "A2", "relevance": 0.6, "statement": "The mould risk is real."}\n' in whole
    clauses = [span.of(EVIDENCE) for span in parts if span.unit == "clause"]
    assert "at most 3 jars." in clauses
    for span in parts:
        if span.unit != "line":
            for line in span.without(EVIDENCE).splitlines()[1:3]:
                assert json.loads(line)


def test_a_word_takes_one_blank_with_it() -> None:
    assert [span.without("one two three") for span in spans.words("one two three")] == [
        "two three",
        "one three",
        "one two",
    ]


# --- slots --------------------------------------------------------------------------------------


def test_braces_of_json_are_no_slots() -> None:
    template = slots.parse(EVIDENCE.replace("2 jars", "{2|3|4} jars"), {})
    assert [slot.fillers for slot in template.slots] == [("2", "3", "4")]
    assert template.fill([0]) == EVIDENCE


def test_a_named_slot_stands_in_two_places() -> None:
    template = slots.parse("{who} asks {who}: {now|later}?", {"who": ["he", "she"]})
    rungs = slots.expand(template, 4)
    assert [rung.prompt for rung in rungs][:2] == ["he asks he: now?", "he asks he: later?"]
    assert {rung.rungs for rung in rungs} == {(0, 0), (0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize(
    ("prompt", "given_slots", "sentence"),
    [
        ("open {x}", {}, "the slot “{x}” has no fillers"),
        ("open {}", {}, "has no fillers"),
        ("open {x}", {"x": []}, "has no fillers"),
        ("open {x}", {"x": ["a"]}, "one rung"),
        ("open {a|a}", {}, "“a” twice"),
        ("open {a|b}", {"y": ["c"]}, "no slot “{y}”"),
        ("{a|b} {c|d} {e|f}", {}, "3 slots and a map has two"),
        ("open", {}, "no slot"),
        ("{a|b|c} {d|e|f}", {}, "3 × 3 = 9 combinations are more than the budget of 8"),
    ],
)
def test_what_is_no_ladder_is_refused(
    prompt: str, given_slots: dict[str, list[str]], sentence: str
) -> None:
    with pytest.raises(UsageError) as error:
        slots.expand(slots.parse(prompt, given_slots), budget=8)
    assert sentence in str(error.value)


def test_ladders_of_a_suite_are_in_order() -> None:
    suite = resolve("refusal", pocket=False)[0]
    name, rungs = next(iter(slots.ladders_of(suite).items()))
    assert slots.ladder_of(suite, name) == rungs
    assert len(rungs) > 2
    with pytest.raises(UsageError, match="has no ladder"):
        slots.ladder_of(suite, name + "x")


# --- changes ------------------------------------------------------------------------------------


def test_every_single_change_changes_something_once() -> None:
    found = changes.single_changes(EVIDENCE)
    texts = [changes.applied(EVIDENCE, [change]) for change in found]
    assert {change.kind for change in found} == {"reword", "drop", "reorder"}
    assert EVIDENCE not in texts
    assert len(set(texts)) == len(texts)
    assert [change.characters for change in found] == sorted(c.characters for c in found)


def test_a_reorder_keeps_every_line() -> None:
    for change in changes.single_changes(EVIDENCE):
        if change.kind == "reorder":
            moved = changes.applied(EVIDENCE, [change])
            assert sorted(moved.splitlines()) == sorted(EVIDENCE.splitlines())


def test_fillers_are_changes_of_the_first_ones() -> None:
    template = slots.parse("Move {2|3} jars {by day|by night}.", {})
    prompt = template.fill([0, 0])
    found = changes.single_changes(prompt, template)
    assert {changes.applied(prompt, [change]) for change in found} == {
        "Move 3 jars by day.",
        "Move 2 jars by night.",
    }
    assert changes.applied(prompt, found) == "Move 3 jars by night."


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), text), max_size=4))
def test_changes_that_are_apart_do_not_touch_each_other(places: list[tuple[int, int, str]]) -> None:
    prompt = "0123456789" * 4
    chosen = tuple(changes.Change("reword", at, at + size, to) for at, size, to in places)
    if not changes.apart(chosen):
        return
    made = changes.applied(prompt, chosen)
    removed = sum(change.end - change.start for change in chosen)
    assert len(made) == len(prompt) - removed + sum(len(change.after) for change in chosen)
    assert all(change.after in made for change in chosen)


# --- fold and words -----------------------------------------------------------------------------


def shares(approve: float) -> dict[str, float]:
    return {"APPROVE": approve, "REVISE": 0.0, "VETO": 1 - approve}


def margins(revision: int, **own: float) -> ev.Margins:
    """Margins of some models, the reference first; their shares lean the same way."""
    said = {name: shares(0.1 if value > 0 else 0.9) for name, value in own.items()}
    readout = judge().as_dict()
    return ev.Margins("m", revision, f"text {revision}", "bf16", readout, dict(own), said)


def test_a_disagreement_and_a_loss_are_called_out_in_words() -> None:
    event = margins(1, bf16=6.0, a=5.8, b=1.8, c=-0.8)
    assert telling.called_out(event) == [
        "b has lost 70 % of its margin and still says VETO",
        "c says APPROVE where bf16 says VETO",
    ]


def test_a_margin_on_the_other_side_under_a_third_label_is_called_out() -> None:
    third = {"APPROVE": 0.2, "REVISE": 0.7, "VETO": 0.1}
    own, said = {"bf16": 2.0, "a": -0.7}, {"bf16": third, "a": third}
    event = ev.Margins("m", 1, "x", "bf16", judge().as_dict(), own, said)
    assert telling.called_out(event) == ["a leans to APPROVE and still says REVISE"]


def test_no_margin_is_no_margin() -> None:
    assert telling.kept({"bf16": 0.01, "a": 3.0}, "a", "bf16") is None
    assert telling.kept({"bf16": None, "a": 3.0}, "a", "bf16") is None
    assert telling.leading({"a": None}) is None


def test_a_trail_is_in_order_of_revisions() -> None:
    record = fold([margins(1, bf16=1), margins(3, bf16=3), margins(2, bf16=2), margins(3, bf16=3)])
    meter = record.meters["m"]
    assert [point.revision for point in meter.trail] == [1, 2, 3]
    assert meter.latest is not None
    assert meter.latest.margins == {"bf16": 3}


def scanned() -> EdgeRecord:
    readout = judge().as_dict()
    start = ev.EdgeStarted("m", "scan", "one two", ["bf16", "a"], "bf16", readout, total=2)
    words = [
        ev.WordMargin("m", 0, 4, "one ", "word", {"bf16": 4.0, "a": 3.5}, {}),
        ev.WordMargin("m", 3, 7, " two", "word", {"bf16": 5.0, "a": -1.0}, {}),
    ]
    return fold([start, margins(0, bf16=5.0, a=4.0), *words, ev.ItemFinished("m")])


def test_words_on_which_variants_differ_most_come_first() -> None:
    scan = scanned().scans["m"]
    assert [word.text for word in telling.sorted_words(scan)] == [" two", "one "]
    assert telling.heat(scan, "a") == [(0, 4, 0.5), (3, 7, 5.0)]
    assert scan.finished is not None


def rung(i: int, **own: float) -> ev.RungMargin:
    said = {name: shares(approve) for name, approve in own.items()}
    return ev.RungMargin("l", [i], [str(i)], str(i), dict.fromkeys(own, 0.0), said)


def test_flips_are_counted_from_what_the_reference_says_first() -> None:
    names = ["bf16", "early", "late", "never", "at once"]
    start = ev.EdgeStarted("l", "ladder", "x", names, "bf16", judge().as_dict(), total=4)
    signs = {"bf16": "++--", "early": "+---", "late": "+++-", "never": "++++", "at once": "----"}
    rungs = [
        rung(i, **{name: 0.9 if sign[i] == "+" else 0.1 for name, sign in signs.items()})
        for i in range(4)
    ]
    ladder = fold([start, *rungs]).ladders["l"]
    assert telling.flips(ladder) == {"bf16": 2, "early": 1, "late": 3, "never": None, "at once": 0}
    assert telling.shifts(ladder) == {"early": -1, "late": 1, "never": None, "at once": -2}
    assert telling.disagreement(ladder)[(1,)] == ["early", "at once"]


def test_a_refusal_of_a_run_that_never_began_is_kept() -> None:
    record = fold([ev.Failed("the prompt is empty", run="s")])
    assert record.failures["s"].reason == "the prompt is empty"


# --- items kept ---------------------------------------------------------------------------------


def example(readout: Readout, prompt: str, item: str | None = "town-veto-001") -> ev.EdgeFound:
    return ev.EdgeFound(
        run="s",
        variant="3bit",
        number=4,
        prompt=prompt,
        changes=[{"kind": "drop", "before": "a\nb", "after": ""}],
        labels={"bf16": readout.margin[0], "3bit": readout.margin[1]},
        margins={"bf16": 1.0, "3bit": -1.0},
        probabilities={},
        readout=readout.as_dict(),
        system="Say\tthis.",
        item=item,
    )


@pytest.mark.parametrize(
    "line", ["VETO v APPROVE", "refuse v comply", "yes v no after The answer is", "up v down"]
)
@given(prompt=text.filter(str.strip))
def test_an_item_comes_back_from_the_file(
    tmp_path_factory: pytest.TempPathFactory, line: str, prompt: str
) -> None:
    path = tmp_path_factory.mktemp("prompts") / "mine.toml"
    names = [append_item(path, example(parse(line), prompt)) for _ in range(2)]
    suite = load_suite(path)
    assert [item.id for item in suite.item] == names
    assert len(set(names)) == 2
    assert [item.prompt for item in suite.item] == [prompt, prompt]
    assert suite.item[0].system == "Say\tthis."
    assert of_suite(suite).written == parse(line).written
    assert of_suite(suite).margin == parse(line).margin


def test_an_item_goes_into_no_file_of_other_labels(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    append_item(path, example(parse("up v down"), "x"))
    before = path.read_text()
    with pytest.raises(UsageError, match="weighs other labels"):
        append_item(path, example(judge(), "x"))
    assert path.read_text() == before


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        append_item(tmp_path / "file" / "mine.toml", example(judge(), "x"))


def test_variants_that_left_at_one_prompt_make_one_item() -> None:
    readout = judge().as_dict()
    start = ev.EdgeStarted("s", "search", "x", ["bf16", "a", "b"], "bf16", readout)

    def left(variant: str, prompt: str) -> ev.Event:
        return ev.EdgeFound("s", variant, 1, prompt, [], {}, {}, {}, readout)

    record = fold([start, left("a", "y"), left("b", "y"), left("c", "z")])
    assert sorted((one.variant, one.prompt) for one in found(record)) == [("a", "y"), ("c", "z")]
