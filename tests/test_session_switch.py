"""Another model makes another session; the one before is closed in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui.client import EngineClient
from corefeel_tui.commands import Ask, Load
from corefeel_tui.recording import Recorder
from corefeel_tui.sessions import read_session
from tests.conftest import FIVE, standin


async def test_each_model_has_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sessions").mkdir()
    monkeypatch.chdir(tmp_path)
    client = Recorder(EngineClient(standin()))
    script = [
        Load(None, FIVE),
        Ask("1", "Open the valve?"),
        Load(None, FIVE[:2]),
        Ask("2", "And with fewer?"),
        Load("/models/other", FIVE),
        Ask("3", "And the hatch?"),
    ]
    await client.start()
    paths = []
    await client.send(script[0])
    at = 1
    async for event in client.events():
        if isinstance(event, ev.Loaded | ev.ItemFinished):
            paths.append(client.path)
            if at == len(script):
                break
            await client.send(script[at])
            at += 1
    await client.stop()
    first, second = paths[1], paths[-1]
    assert first is not None
    assert second is not None
    assert paths == [None, first, first, first, None, second]
    header, events = read_session(first)
    told = list(events)
    assert header.model == "Pocket"
    assert told[-1] == ev.SessionFinished("finished")
    assert [e.run for e in told if isinstance(e, ev.Started)] == ["1", "2"]
    header, events = read_session(second)
    told = list(events)
    assert header.model == "/models/other"
    assert any(isinstance(event, ev.Pieces) for event in told)
    assert [e.run for e in told if isinstance(e, ev.Started)] == ["3"]
