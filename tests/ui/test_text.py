"""The pure part of the screens: inert text, numbers, rows, cells, diffs, navigation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from corefeel_tui import events as ev
from corefeel_tui.folding import Record, fold
from corefeel_tui.summaries import percentile
from corefeel_tui.text import numbers
from corefeel_tui.text.inert import inert, inert_lines, label_of, one_line, preview
from corefeel_tui.ui.text import facts, navigation
from corefeel_tui.ui.text.cells import Cell, Mark, Script, View
from corefeel_tui.ui.text.inspection import inspect
from corefeel_tui.ui.text.ramp import column_of, level, strip_levels
from corefeel_tui.ui.text.worddiff import word_edits
from corefeel_tui.ui.text.wrapping import Flow
from tests.ui import stream


@pytest.fixture
def record() -> Record:
    return fold(stream.session())


def script(record: Record, name: str, view: View = View.FREE) -> Script:
    return Script(record, record.runs["ui-1"], name, view)


def plain(record: Record, name: str, view: View = View.FREE) -> str:
    return "".join(cell.text for cell in script(record, name, view).cells())


# --- inert ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred", "a␛[31mred"),
        ("\x07\x00\x7f", "␇␀␡"),
        ("\u202eabc", "⟨U+202E⟩abc"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
        ("x\ufeffy\u200bz", "x⟨U+FEFF⟩y⟨U+200B⟩z"),
        ("\ud800", "⟨U+D800⟩"),
        ("[red]漢字", "[red]漢字"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(st.text())
def test_inert_text_holds_no_control_character(text: str) -> None:
    shown = inert_lines(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown if c != "\n")
    shown.encode()


def test_labels_name_blanks() -> None:
    assert [label_of(p) for p in (" VETO", "  ", "\n", "")] == ["VETO", "␣␣", "↵", "∅"]
    assert one_line("a\n  b" * 100, 10) == "a ba ba b…"[:9] + "…"


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (3e-7, "3e-7"),
        (0.0002, ".0002"),
        (0.031, ".031"),
        (0.27, ".27"),
        (1.23, "1.2"),
        (12.3, "12"),
        (0.9999, "1.0"),
    ],
)
def test_short_numbers(value: float | None, text: str) -> None:
    assert numbers.short(value) == text


def test_other_numbers() -> None:
    assert (numbers.signed(6.1), numbers.signed(-0.8)) == ("+6.1", "−0.8")
    assert [numbers.probability(p) for p in (1.0, 0.97, 0.004, 1e-5)] == [
        "1.0",
        ".97",
        ".004",
        "<.001",
    ]
    assert [numbers.change(p) for p in (0.12, -0.26, 0.001)] == ["+.12", "−.26", "±0"]
    assert [numbers.size(n) for n in (512, 3_100_000, 24e9, 999_999)] == [
        "512 B",
        "3.1 MB",
        "24 GB",
        "1.0 MB",
    ]


def test_ramp_is_half_decades_and_resampling_keeps_the_largest() -> None:
    assert [level(x) for x in (None, 0, 9e-4, 1e-3, 0.05, 0.9, 1.0, 50)] == [0, 0, 0, 1, 4, 6, 7, 7]
    kls = [0.0] * 99
    kls[50] = 2.0
    levels = strip_levels(kls, 10)
    assert levels.count(7) == 1
    assert levels.index(7) == column_of(50, 99, 10)
    assert strip_levels([None, 0.5], 10) == [None, 6]


@given(st.integers(1, 300), st.integers(1, 80), st.data())
def test_the_column_of_a_position_holds_it(count: int, width: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, count - 1))
    kls: list[float | None] = [0.0] * count
    kls[position] = 1.0
    assert strip_levels(kls, width)[column_of(position, count, width)] == 7


# --- rows -----------------------------------------------------------------------------------------

WORDS = st.text(alphabet="ab \n漢é", max_size=12)


@given(st.lists(WORDS, max_size=30), st.integers(2, 20), st.integers(0, 30))
def test_rows_fit_and_grow_as_if_laid_out_at_once(texts: list[str], width: int, cut: int) -> None:
    cells = [Cell(i, text) for i, text in enumerate(texts)]
    once, grown = Flow(width), Flow(width)
    once.add(cells)
    grown.add(cells[:cut])
    kept = [list(row) for row in grown.rows]
    first = grown.add(cells[cut:])
    assert grown.rows == once.rows
    assert grown.rows[:first] == kept[:first]
    assert all(sum(f.width for f in row) <= width for row in once.rows)
    shown = "".join(f.text for row in once.rows for f in row)
    assert "".join(shown.split()) == "".join("".join(texts).split())


def test_words_stay_whole_and_wide_characters_never_stick_out() -> None:
    flow = Flow(10)
    flow.add([Cell(0, "hello wor"), Cell(1, "ld 漢字漢字漢字")])
    lines = ["".join(f.text for f in row) for row in flow.rows]
    assert lines == ["hello ", "world 漢字", "漢字漢字"]
    assert max(map(cell_len, lines)) <= 10


# --- cells ----------------------------------------------------------------------------------------


def test_free_shows_own_answer_and_locked_what_would_have_been_said(record: Record) -> None:
    assert '"⑂APPROVE"' in plain(record, "3bit")
    locked = plain(record, "3bit", View.LOCKED)
    assert '"⑂VETO⟨APPRO⟩"' in locked
    assert "no decree lifts it" in locked


def test_flips_and_forks_are_marked(record: Record) -> None:
    fork = record.runs["ui-1"].trajectories["3bit"].fork
    marked = [c for c in script(record, "3bit").cells() if c.mark & Mark.FLIP]
    assert [c.position for c in marked] == [fork]
    assert marked[0].mark & Mark.HARD
    assert marked[0].level >= 5


def test_the_end_is_a_mark_not_the_token(record: Record) -> None:
    assert plain(record, "bf16").endswith("∎")
    assert stream.END not in plain(record, "bf16")


def broken(text: str | None) -> Record:
    """ "a🦊b" whose fox came in four broken pieces."""
    record = fold(
        [
            ev.Pieces({"1": "a", "2": "\ufffd", "3": "b"}),
            ev.Started("r", "p", ["bf16"], "bf16"),
            ev.Tokens("r", "bf16", 0, [1, 2, 2, 2, 2, 3], {"bf16": {"kl": [0.0] * 6}}),
        ]
    )
    record.runs["r"].reference.text = text
    return record


def test_broken_pieces_are_mended_by_the_finished_text() -> None:
    def cells(text: str | None) -> list[Cell]:
        record = broken(text)
        return list(Script(record, record.runs["r"], "bf16", View.FREE).cells())

    assert "".join(c.text for c in cells(None)) == "a����b"
    mended = cells("a🦊b")
    assert [c.text for c in mended] == ["a", "🦊", "b"]
    assert mended[1].covers(1)
    assert mended[1].covers(4)
    assert not mended[1].covers(5)
    assert "".join(c.text for c in cells("something else")) == "a����b"


# --- diff -----------------------------------------------------------------------------------------


def test_word_diff_marks_what_was_replaced(record: Record) -> None:
    base, own = script(record, "bf16").text(), script(record, "4bit").text()
    edits = word_edits(base, own)
    shown = "".join(c.text for c in script(record, "4bit").cells(0, edits))
    assert "The law⑂ −binds +stands, and" in shown
    assert "".join(own[e.start : e.stop] for e in edits)[:6] == "stands"


def test_an_unfinished_answer_has_not_dropped_the_rest() -> None:
    assert word_edits("a b c d", "a b", complete=False) == []
    assert [e.removed for e in word_edits("a b c d", "a b")] == ["c d"]


@given(
    st.lists(st.sampled_from("abcd"), max_size=30), st.lists(st.sampled_from("abcd"), max_size=30)
)
def test_edits_turn_the_reference_into_the_answer(first: list[str], second: list[str]) -> None:
    reference, answer = " ".join(first), " ".join(second)
    kept, at = [], 0
    for edit in word_edits(reference, answer):
        kept.append(answer[at : edit.start])
        kept.append(f" {edit.removed} ")
        at = edit.stop
    kept.append(answer[at:])
    assert " ".join("".join(kept).split()) == reference


# --- navigation and inspection --------------------------------------------------------------------


def test_the_next_flip_goes_round(record: Record) -> None:
    positions = navigation.flips(record.runs["ui-1"], "bf16", View.LOCKED)
    assert navigation.following(positions, None, 1) == positions[0]
    assert navigation.following(positions, positions[-1], 1) == positions[0]
    assert navigation.following(positions, positions[0], -1) == positions[-1]
    assert navigation.following([], 3, 1) is None


def test_at_the_fork_all_models_are_side_by_side_and_past_it_only_two(record: Record) -> None:
    run = record.runs["ui-1"]
    fork = run.trajectories["3bit"].fork
    assert fork is not None
    at = inspect(record, run, "3bit", fork, View.FREE)
    assert at is not None
    assert [o.model for o in at.opinions] == list(stream.ANSWERS)
    assert [o.candidates[0].label for o in at.opinions][3] == "APPRO"
    assert at.opinions[3].change is None  # the reference's top-8 does not hold that token
    past = inspect(record, run, "3bit", fork + 2, View.FREE)
    assert past is not None
    assert [o.model for o in past.opinions] == ["bf16", "3bit"]
    assert past.absent == ("8bit", "4bit", "2bit")


def test_badges_call_out_what_changed(record: Record) -> None:
    run = record.runs["ui-1"]
    assert facts.badge(run, "bf16", View.FREE).label == "VETO"
    assert facts.badge(run, "4bit", View.FREE).note == "▼64 %"
    three = facts.badge(run, "3bit", View.FREE)
    assert (three.label, three.margin, three.note, three.tone) == (
        "APPROVE",
        "−0.8",
        "‼ was VETO",
        "alarm",
    )
    assert facts.badge(run, "3bit", View.LOCKED).note == "‼ leans away"


def test_an_answer_that_ends_without_a_verdict_is_called_out(record: Record) -> None:
    run = record.runs["ui-1"]
    run.trajectories["2bit"].verdict = None
    badge = facts.badge(run, "2bit", View.FREE)
    assert (badge.label, badge.note, badge.tone) == ("no verdict", "‼ was VETO", "alarm")
    run.trajectories["2bit"].text = None
    assert facts.badge(run, "2bit", View.FREE).tone == ""


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_percentiles_are_those_of_numpy(values: list[float], fraction: float) -> None:
    expected = float(np.percentile(values, 100 * fraction))
    assert percentile(sorted(values), fraction) == pytest.approx(expected, abs=1e-9)


def test_below_the_floor_is_not_a_number() -> None:
    assert facts.drift(2e-7, 3e-7) == "KL ≈ 0"
    assert facts.drift(0.0, 3e-7) == "KL 0"
    assert facts.drift(0.03, 3e-7) == "KL .03"


def test_a_preview_is_the_line_that_asks() -> None:
    evidence = '{"key": "TRP1", "label": "harm", "statement": "There is a fire risk."}'
    rows = "\n".join([evidence] * 40)
    assert preview(f"Judge.\nAction: 4 casks are to be sold.\n{rows}", 60) == (
        "Action: 4 casks are to be sold."
    )
    assert preview(f"Look:\n{rows}\nMay this be done?\n", 60) == "May this be done?"
    assert preview("one line") == "one line"
    assert preview(evidence) == evidence
    assert preview("") == ""
