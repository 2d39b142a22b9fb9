"""A recording in the engine's place."""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui.commands import Ask, Cancel
from corefeel_tui.errors import EngineError
from corefeel_tui.folding import fold
from corefeel_tui.replay import LONGEST_PAUSE, ReplayClient, sample_path
from corefeel_tui.sessions import read_session

TOKENS = [ev.Tokens("1", "bf16", i, [i]) for i in range(10)]
LOADED = ev.Loaded("Pocket", "bf16", [{"name": "bf16"}], 512, 2048)


async def played(client: ReplayClient) -> list[ev.Event]:
    """Everything up to the end."""
    return [event async for event in client.events()]


async def test_a_replay_says_what_the_session_says(session: Path) -> None:
    client = ReplayClient(session, speed=math.inf)
    await client.start()
    assert await played(client) == list(read_session(session)[1])
    assert client.header is not None
    assert client.header.model == "Pocket"
    assert not client.live


async def test_stored_times_set_the_pace(tmp_path: Path, session: Path) -> None:
    lines = session.read_text().splitlines()[:4]
    stamped = [lines[0], *(line[: line.rindex('"t":')] + f'"t":{t}}}' for line, t in
                           zip(lines[1:], [0, 0.2, 99], strict=True))]  # fmt: skip
    path = tmp_path / "stamped.jsonl"
    path.write_text("\n".join(stamped) + "\n")
    client = ReplayClient(path, speed=4.0)
    assert client.duration == pytest.approx(0.2 + LONGEST_PAUSE)
    begun = time.monotonic()
    await played(client)
    assert time.monotonic() - begun == pytest.approx(client.duration / 4, abs=0.2)


async def test_events_without_times_get_a_plausible_pace() -> None:
    client = ReplayClient([LOADED, *TOKENS])
    assert client.duration == pytest.approx(0.4)
    assert client.header is None


async def test_speed_may_change_while_it_plays() -> None:
    client = ReplayClient([LOADED, *TOKENS], speed=0.001)
    stream = client.events()
    assert await anext(stream) == LOADED
    client.speed = math.inf
    async with asyncio.timeout(1):
        assert await anext(stream) == TOKENS[0]


async def test_a_pause_holds_and_lets_go() -> None:
    client = ReplayClient([LOADED, *TOKENS], speed=math.inf)
    client.paused = True
    stream = client.events()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0.15)
    assert client.position == 0


async def test_restart_plays_from_the_first_line() -> None:
    client = ReplayClient([LOADED, *TOKENS], speed=math.inf)
    first = await played(client)
    await client.restart()
    assert await played(client) == first


async def test_stop_ends_the_stream() -> None:
    client = ReplayClient([LOADED, *TOKENS], speed=math.inf)
    stream = client.events()
    await anext(stream)
    await client.stop()
    assert [event async for event in stream] == []


async def test_a_recording_cannot_be_asked() -> None:
    client = ReplayClient([LOADED])
    await client.send(Cancel("1"))
    with pytest.raises(EngineError, match="recording"):
        await client.send(Ask("1", "hello"))


async def test_the_bundled_sample_shows_five_answers_and_a_fork() -> None:
    record = fold(await played(ReplayClient(sample_path(), speed=math.inf)))
    run = next(iter(record.runs.values()))
    assert len(run.trajectories) == 5
    assert run.forks
    assert run.finished is not None
    assert record.ending == "finished"
    assert "⟨" not in record.text(run.reference.ids)
