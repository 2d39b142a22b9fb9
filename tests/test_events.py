"""The wire format: what goes in comes out, whatever the text."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from corefeel_tui import commands, events

text = st.text(st.characters(exclude_categories=["Cs"]))
number = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | number | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(text, json_values, max_size=4)
BY_TYPE = {
    "str": text,
    "int": st.integers(0, 2**53),
    "float": number,
    "bool": st.booleans(),
    "JSON": json_objects,
    "list[str]": st.lists(text, max_size=3),
    "list[int]": st.lists(st.integers(0, 2**31), max_size=3),
    "list[JSON]": st.lists(json_objects, max_size=2),
    "list[list[str]]": st.lists(st.lists(text, max_size=2), max_size=2),
    "list[dict[str, str]]": st.lists(st.dictionaries(text, text, max_size=2), max_size=2),
    "dict[str, str]": st.dictionaries(text, text, max_size=3),
    "dict[str, int]": st.dictionaries(text, st.integers(0, 2**31), max_size=3),
    "dict[str, list[str]]": st.dictionaries(text, st.lists(text, max_size=2), max_size=2),
    "dict[str, list[int]]": st.dictionaries(
        text, st.lists(st.integers(0, 2**31), max_size=3), max_size=2
    ),
    "dict[str, list[float | None]]": st.dictionaries(
        text, st.lists(number | st.none(), max_size=2), max_size=2
    ),
    "list[dict[str, Any]]": st.lists(json_objects, max_size=2),
    "dict[str, int | None]": st.dictionaries(text, st.integers(0, 2**31) | st.none(), max_size=3),
    "dict[str, JSON]": st.dictionaries(text, json_objects, max_size=2),
    "dict[str, float | None]": st.dictionaries(text, number | st.none(), max_size=3),
    "dict[str, Any]": json_objects,
    "dict[str, dict[str, dict[str, int]]]": st.dictionaries(
        text,
        st.dictionaries(text, st.dictionaries(text, st.integers(0, 9), max_size=2), max_size=2),
        max_size=2,
    ),
}


def made(kind: type) -> st.SearchStrategy:
    """Any value of a dataclass."""

    def strategy(annotation: str) -> st.SearchStrategy:
        if annotation in BY_TYPE:
            return BY_TYPE[annotation]
        return BY_TYPE[annotation.removesuffix(" | None")] | st.none()

    return st.builds(kind, **{f.name: strategy(str(f.type)) for f in fields(kind)})


any_event = st.one_of([made(kind) for kind in events.REGISTRY.values()])
any_command = st.one_of([made(kind) for kind in commands.REGISTRY.values()])


@given(any_event)
def test_an_event_survives_its_line(event: events.Event) -> None:
    line = events.encode(event)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert events.decode(line) == event


@given(any_event)
def test_what_the_engine_writes_passes_the_check_of_a_reader(event: events.Event) -> None:
    assert TypeAdapter(type(event)).validate_python(events.to_dict(event)) == event


@given(any_command)
def test_a_command_survives_its_line(command: commands.Command) -> None:
    line = commands.encode(command)
    assert line.count(b"\n") == 1
    assert commands.decode(line) == command


def test_an_event_of_a_later_version_is_kept_as_it_came() -> None:
    line = b'{"event":"aurora","colour":"green"}\n'
    event = events.decode(line)
    assert isinstance(event, events.Unknown)
    assert events.encode(event) == line


def test_unknown_fields_are_ignored() -> None:
    assert events.decode('{"event":"notice","text":"hi","t":1.5}') == events.Notice("hi")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_lacks_becomes_null(value: float) -> None:
    line = events.encode(events.Verdict("1", "bf16", "VETO", margins={"bf16": value}))
    assert b'{"bf16":null}' in line


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", "7", '"tokens"', "null", "{}", '{"event":"tokens"}', '{"event":[]}', b"\xff\n"],
)
def test_a_line_that_is_no_event_is_refused(line: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        events.decode(line)


@given(st.binary(max_size=80))
def test_any_bytes_are_an_event_or_a_value_error(line: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(events.decode(line), events.Event)
