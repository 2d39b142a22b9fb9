"""Stored evidence: round trips, shared answers, damage, and lines that are never parsed."""

from __future__ import annotations

import gc
from dataclasses import asdict
from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui.arrays import directory_of, pool
from corefeel_tui.errors import SessionError
from corefeel_tui.evidence import ArrayPart, Check, ItemEvidence
from corefeel_tui.evidence_file import read_evidence

from .planted import Plant, broken, items_of, truthful, write

PLANT = Plant({"bf16": truthful, "4bit": truthful, "control": broken}, 33, 12, kl={"4bit": 0.1})


def test_evidence_comes_back_as_it_was_written(tmp_path: Path) -> None:
    evidence = read_evidence(write(tmp_path / "s.jsonl", PLANT))
    written = {item.id: item for item in items_of(PLANT)}
    assert [item.id for item in evidence.items] == list(written)
    for item in evidence.items:
        assert (item.answers, item.readout) == (written[item.id].answers, written[item.id].readout)
    assert evidence.variants == ("bf16", "4bit", "control")
    assert evidence.judged == ("4bit",)
    assert (evidence.planned, evidence.status, evidence.control) == (45, "finished", "control")


def test_an_answer_may_name_the_variant_that_gave_the_same(tmp_path: Path) -> None:
    item = read_evidence(write(tmp_path / "s.jsonl", PLANT)).items[0]
    assert item.answers["4bit"] == "bf16"
    assert item.given("4bit") == item.given("bf16") != ()
    assert item.given("unknown") == ()


def test_a_second_ending_of_an_item_is_ignored(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", PLANT)
    again = ItemEvidence("v0", "verdicts@general", status="failed")
    with path.open("ab") as file:
        file.write(ev.encode(ev.ItemFinished("b0", evidence=asdict(again))))
    evidence = read_evidence(path)
    assert len(evidence.items) == 45
    assert evidence.items[0].status == "finished"


def test_a_last_line_cut_short_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", PLANT, finished=False)
    path.write_bytes(path.read_bytes()[:-40])
    evidence = read_evidence(path)
    assert (len(evidence.items), evidence.status) == (44, "cut off")


def test_lines_of_tokens_are_not_parsed(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", PLANT)
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(2, b'{"event":"tokens", this is not JSON\n')
    path.write_bytes(b"".join(lines))
    assert len(read_evidence(path).items) == 45


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"event":"item_finished","run":"b","evidence":{"id":3}}', "line 3: evidence.id"),
        (b'{"event":"item_finished","run":"b","evidence":{', "line 3"),
        (
            b'{"event":"item_finished","run":"b","evidence":{"id":"a","suite":"s","checks":'
            b'[{"kind":"marker","rule":"smells"}]}}',
            "checks.0.rule",
        ),
        (b'{"event":"failed",', "line 3: not JSON"),
        (
            b'{"event":"item_finished","run":"b","evidence":{"id":"x","suite":"other"}}',
            "belongs to “other”",
        ),
    ],
)
def test_damaged_evidence_names_the_line(tmp_path: Path, line: bytes, reason: str) -> None:
    path = write(tmp_path / "s.jsonl", PLANT)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], line + b"\n", *lines[2:]]))
    with pytest.raises(SessionError, match=reason):
        read_evidence(path)


def test_reading_leaves_pythons_collector_as_it_was(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", Plant({"bf16": truthful}, verdicts=1))
    for collects in (True, False):
        (gc.enable if collects else gc.disable)()
        try:
            read_evidence(path)
            assert gc.isenabled() is collects
            with pytest.raises(SessionError):
                read_evidence(tmp_path / "none.jsonl")
            assert gc.isenabled() is collects
        finally:
            gc.enable()


def test_a_session_without_a_batch_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", PLANT)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[-1])
    with pytest.raises(SessionError, match="holds no batch"):
        read_evidence(path)


def test_arrays_pool_every_position_of_every_item(tmp_path: Path) -> None:
    evidence = read_evidence(write(tmp_path / "s.jsonl", PLANT))
    pooled = pool(evidence, evidence.items, "4bit")
    assert pooled is not None
    values, owners = pooled
    for number, item in enumerate(evidence.items):
        own = values[owners == number]
        assert len(own) == item.drift["4bit"][0].positions
        assert own.sum() == pytest.approx(item.drift["4bit"][0].kl_sum, rel=1e-5)
    assert pool(evidence, evidence.items, "control") is None


def test_changed_or_missing_arrays_are_refused(tmp_path: Path) -> None:
    evidence = read_evidence(write(tmp_path / "s.jsonl", PLANT))
    file = next(directory_of(evidence.path).iterdir())
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(SessionError, match="its hash differs"):
        pool(evidence, evidence.items, "4bit")
    file.unlink()
    with pytest.raises(SessionError, match="cannot be read"):
        pool(evidence, evidence.items, "4bit")


def test_without_arrays_there_are_no_percentiles(tmp_path: Path) -> None:
    evidence = read_evidence(write(tmp_path / "s.jsonl", PLANT))
    directory = directory_of(evidence.path)
    directory.rename(tmp_path / "elsewhere")
    assert pool(evidence, evidence.items, "4bit") is None


def test_the_contract_is_json() -> None:
    item = ItemEvidence(
        "a", "s", checks=(Check("needle", "contains", "k", 2),), arrays=ArrayPart("f", "h", 0, 3)
    )
    line = ev.encode(ev.ItemFinished("r", evidence=asdict(item)))
    assert b'"checks":[{"kind":"needle","rule":"contains","value":"k","turn":2}]' in line
