"""What is found out later goes behind a session's last line and changes nothing before it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from corefeel_tui import branches
from corefeel_tui import events as ev
from corefeel_tui.addenda import Addenda
from corefeel_tui.batch_log import Known
from corefeel_tui.errors import SessionError
from corefeel_tui.folding import fold
from corefeel_tui.session_writer import SessionWriter, make_header
from corefeel_tui.sessions import read_session, session_info
from tests.ui import stream

HEALED = ev.Healed("heal-1", "ui-1", "bf16", "3bit", 4, "drift", {}, {}, {})


def known(loaded: ev.Loaded | None = None) -> Known:
    told = Known()
    for event in (stream.engine_started(), loaded or stream.loaded(), ev.Pieces({"900": " later"})):
        told.take(event)
    return told


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A session that was cut off."""
    path = tmp_path / "s.jsonl"
    writer = SessionWriter(path, make_header(stream.engine_started(), stream.loaded(), {}))
    for event in stream.session():
        writer.append(event)
    writer.close()
    return path


async def test_a_heal_is_added_and_the_session_stays_what_it_was(session: Path) -> None:
    before = session.read_bytes()
    addenda = Addenda(known())
    addenda.begin("heal-1", session)
    assert addenda.owns(HEALED)
    assert not addenda.owns(replace(HEALED, run="heal-2"))
    for event in (ev.Progress("heal-1", 0, 1), HEALED, ev.ItemFinished("heal-1")):
        assert await addenda.store(event) is None
    assert not addenda.owns(HEALED), "it has ended"
    assert session.read_bytes().startswith(before)
    assert session_info(session).status == "cut off"
    record = fold(read_session(session)[1])
    assert record.healed["ui-1", "3bit"].label == "drift"
    assert record.pieces[900] == " later"
    assert list(record.runs) == ["ui-1"]


async def test_a_branch_is_added_whole(session: Path) -> None:
    addenda = Addenda(known())
    addenda.begin("ui-2", session)
    origin = {"run": "ui-1", "trajectory": "3bit", "position": 4, "token": 12}
    for event in stream.Comparison("ui-2").events():
        told = replace(event, branches_from=origin) if isinstance(event, ev.Started) else event
        if addenda.owns(told):
            await addenda.store(told)
        else:
            assert addenda.share(told) == []
    record = fold(read_session(session)[1])
    (parent,) = branches.tree(record)
    assert [node.run.started.run for node in parent.branches] == ["ui-2"]
    assert record.runs["ui-2"].finished is not None
    assert record.runs["ui-2"].trajectories["3bit"].text == stream.ANSWERS["3bit"]


def test_other_weights_or_nothing_loaded_are_refused(session: Path) -> None:
    other = replace(stream.loaded(), fingerprint={"content": "else"})
    with pytest.raises(SessionError, match="made with another set of weights"):
        Addenda(known(other)).begin("heal-1", session)
    with pytest.raises(SessionError, match="still loading"):
        Addenda(Known()).begin("heal-1", session)
    few = Addenda(known(replace(stream.loaded(["bf16", "3bit"]), model="/moved/pocket")))
    few.begin("heal-1", session)
    with pytest.raises(SessionError, match="being written by another process"):
        Addenda(known()).begin("heal-2", session)
    few.finish()


async def test_a_full_disk_is_said_once(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    addenda = Addenda(known())
    addenda.begin("heal-1", session)

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", full)
        notice = await addenda.store(HEALED)
    assert notice is not None
    assert "no space left on device" in notice.text
    assert await addenda.store(HEALED) is None
    assert not addenda.owns(HEALED)
