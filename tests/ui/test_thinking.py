"""The thinking part of an answer: one line in its pane, a key unfolds it, numbers apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from corefeel_tui import events as ev
from tests.ui import stream
from tests.ui.conftest import Stage, rows, stage

THOUGHT = "Salt must never be burned, says TRP1, so the answer is plain"
ANSWERS = {
    "bf16": f"{THOUGHT}. VETO it is.",
    "4bit": f"{THOUGHT} enough. Do not burn it.",
}
STOPS = {name: len(stream.tokenize(text.split(".")[0] + ".")) for name, text in ANSWERS.items()}


def thinking(name: str, closed: bool = True) -> Iterator[ev.Event]:
    yield ev.Thought("ui-1", name, 0)
    if closed:
        yield ev.Thought("ui-1", name, 0, STOPS[name])


def run(closed: bool = True) -> list[ev.Event]:
    """Both models think up to their first full stop."""
    started, *rest = stream.Comparison("ui-1", ANSWERS).events()
    told = [event for name in ANSWERS for event in thinking(name, closed)]
    loaded = stream.loaded(list(ANSWERS))
    return [stream.engine_started(), loaded, started, *told, *rest]


async def test_thinking_is_one_line_until_it_is_unfolded() -> None:
    async with stage(size=(120, 40), events=run()) as on:
        reference, variant = on.text("bf16"), on.text("4bit")
        assert f"▸ thinking · {STOPS['bf16']} tokens" in reference.splitlines()[0]
        assert f"▸ thinking · {STOPS['4bit']} tokens · KL ." in variant.splitlines()[0]
        assert "⑂" in variant.splitlines()[0]
        assert "says TRP1" not in variant
        assert "VETO it is" in reference
        await on.press("escape", "z")
        assert "▸" not in on.text("bf16")
        assert "says TRP1" in on.text("bf16")
        await on.press("z")
        assert "says TRP1" not in on.text("bf16")


async def test_the_line_counts_while_the_thinking_goes_on() -> None:
    comparison = stream.Comparison("ui-1", ANSWERS)
    first = [comparison.started(), *(e for name in ANSWERS for e in thinking(name, False))]
    opening = [stream.engine_started(), stream.loaded(list(ANSWERS)), *first]
    async with stage(events=opening) as on:
        for start in (0, 4, 8):
            line = comparison.tokens("bf16", start, start + 4)
            await on.say([comparison.words.news() or ev.Pieces({}), line])
            assert on.text("bf16") == f"▸ thinking · {start + 4} tokens"


async def test_a_folded_part_is_one_step_of_the_cursor() -> None:
    async with stage(size=(120, 40), events=run()) as on:
        await on.press("escape", "home")
        assert on.app.compare.reading.cursor == 0
        await on.press("right")
        assert on.app.compare.reading.cursor == STOPS["bf16"]
        await on.press("left")
        assert on.app.compare.reading.cursor == 0


@pytest.mark.parametrize("keys", [["f2"], ["f3"]])
async def test_other_views(keys: list[str]) -> None:
    async with stage(size=(120, 40), events=run()) as on:
        await on.press("escape", *keys)
        folded = keys == ["f2"]
        assert ("▸ thinking" in on.text("4bit")) is folded
        if folded:
            assert f"· {STOPS['bf16']} tokens" in on.text("4bit")


def parts_of(on: Stage) -> list[str]:
    table = rows(on.app.compare.board.table)
    return [line for line in table.splitlines() if line.startswith(("   thinking", "   answer"))]


async def test_the_table_measures_thinking_and_answer_apart() -> None:
    async with stage(size=(140, 50), events=run()) as on:
        await on.press("f6")
        told = [line.split() for line in parts_of(on)]
        assert [line[0] for line in told] == ["thinking", "answer"] * 2
        assert told[0][1:] == ["–", "–", "–", "–", "–", str(STOPS["bf16"])]
        assert told[2][-1] == str(STOPS["4bit"])
        assert told[2][1] != told[3][1]


async def test_answers_without_thinking_have_no_such_key() -> None:
    async with stage() as on:
        await on.press("escape", "z")
        assert not on.app.compare.reading.unfolded
        await on.press("f6")
        assert not parts_of(on)
