"""The engine's life seen from its parent, with real child processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import pytest

from corefeel_tui import environment, events
from corefeel_tui.client import EngineClient
from corefeel_tui.commands import Ask, Cancel, Load
from corefeel_tui.errors import EngineError
from tests.conftest import FIVE, standin

T = TypeVar("T", bound=events.Event)


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(stream: AsyncIterator[events.Event], kind: type[T], seconds: float = 10) -> T:
    """The next event of this kind, within a time."""
    async with asyncio.timeout(seconds):
        async for event in stream:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the stream ended without {kind.name}")


@pytest.fixture
async def client() -> AsyncIterator[EngineClient]:
    client = EngineClient(standin(0.005))
    await client.start()
    yield client
    await client.stop()


async def test_a_run_arrives_whole_and_in_order(client: EngineClient) -> None:
    await client.send(Load(None, FIVE))
    await client.send(Ask("1", "May the valve be opened?"))
    stream = client.events()
    assert (await until(stream, events.Loaded)).reference == "bf16"
    positions: dict[str, int] = {}
    async for event in stream:
        if isinstance(event, events.Tokens):
            assert event.start == positions.get(event.trajectory, 0)
            positions[event.trajectory] = event.start + len(event.ids)
        if isinstance(event, events.ItemFinished):
            break
    assert set(positions) == set(FIVE)


async def test_the_stream_ends_after_stop_and_the_process_is_gone(client: EngineClient) -> None:
    stream = client.events()
    pid = (await until(stream, events.EngineStarted)).pid
    await client.stop()
    assert [event async for event in stream] == []
    assert not alive(pid)


async def test_an_engine_that_does_not_listen_is_killed_within_its_grace() -> None:
    client = EngineClient(standin(), grace=0.2)
    await client.start()
    stream = client.events()
    pid = (await until(stream, events.EngineStarted)).pid
    os.kill(pid, signal.SIGSTOP)
    begun = time.monotonic()
    await client.stop()
    assert time.monotonic() - begun < 2
    assert not alive(pid)


async def test_an_engine_killed_mid_stream_says_why_and_can_be_restarted(
    client: EngineClient,
) -> None:
    await client.send(Ask("1", "hello"))
    stream = client.events()
    pid = (await until(stream, events.EngineStarted)).pid
    await until(stream, events.Tokens)
    os.kill(pid, signal.SIGKILL)
    died = await until(stream, events.EngineDied)
    assert died.exit_code == -signal.SIGKILL
    assert "SIGKILL" in died.reason
    with pytest.raises(EngineError, match="restart"):
        await client.send(Ask("2", "hello"))
    await client.restart()
    assert (await until(stream, events.EngineStarted)).pid != pid
    await client.send(Ask("3", "hello"))
    await until(stream, events.ItemFinished)


async def test_an_engine_that_exits_takes_its_last_words_into_the_event(
    client: EngineClient,
) -> None:
    await client.send(Ask("1", "exit 3"))
    died = await until(client.events(), events.EngineDied)
    assert died.exit_code == 3
    assert died.reason.endswith("last words")
    assert died.stderr == "first words\nlast words"


async def test_restart_ends_a_stuck_engine(client: EngineClient) -> None:
    stream = client.events()
    pid = (await until(stream, events.EngineStarted)).pid
    await client.send(Ask("1", "deaf"))
    await client.restart()
    assert not alive(pid)
    assert (await until(stream, events.EngineStarted)).pid != pid


async def test_garbage_becomes_notices_and_the_stream_goes_on(client: EngineClient) -> None:
    await client.send(Ask("1", "garbage"))
    stream = client.events()
    notices = [await until(stream, events.Notice) for _ in range(4)]
    assert "model loaded in 3.2s" in notices[0].text
    await until(stream, events.ItemFinished)


async def test_a_line_of_a_megabyte_is_read(client: EngineClient) -> None:
    await client.send(Ask("1", "long line"))
    assert len((await until(client.events(), events.TrajectoryFinished)).text) == 2**20


async def test_a_prompt_of_a_megabyte_is_sent(client: EngineClient) -> None:
    await client.send(Ask("1", "x" * 2**20))
    assert len((await until(client.events(), events.Started)).prompt) == 2**20


async def test_cancel_ends_a_run(client: EngineClient) -> None:
    await client.send(Ask("1", "hello"))
    stream = client.events()
    await until(stream, events.Tokens)
    await client.send(Cancel("1"))
    assert (await until(stream, events.ItemFinished)).status == "cancelled"


async def test_the_engine_ignores_ctrl_c(client: EngineClient) -> None:
    stream = client.events()
    pid = (await until(stream, events.EngineStarted)).pid
    assert os.getpgid(pid) != os.getpgid(0)
    os.kill(pid, signal.SIGINT)
    await client.send(Ask("1", "hello"))
    await until(stream, events.ItemFinished)


async def test_a_program_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(EngineError, match="cannot be started"):
        await EngineClient(["/nowhere/engine"]).start()


async def test_sending_before_start_is_a_sentence() -> None:
    with pytest.raises(EngineError, match="not running"):
        await EngineClient(standin()).send(Ask("1", "hello"))


def test_a_killed_parent_leaves_no_engine() -> None:
    code = (
        "import asyncio\n"
        "from corefeel_tui.client import EngineClient\n"
        "async def main():\n"
        f"    client = EngineClient({standin()!r})\n"
        "    await client.start()\n"
        "    print((await anext(client.events())).pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        engine = int(parent.stdout.readline())
        assert alive(engine)
        parent.kill()
    deadline = time.monotonic() + 1
    while alive(engine) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(engine)


def test_the_engine_gets_a_private_directory_for_what_it_compiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environment, "cache_directory", lambda: tmp_path / "cache")
    environment.temporary_directory.cache_clear()
    directory = Path(environment.engine_environment()["TMPDIR"])
    environment.temporary_directory.cache_clear()
    assert directory.parent == tmp_path / "cache"
    assert directory.stat().st_mode & 0o777 == 0o700


def test_a_planted_directory_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "engine").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(environment, "cache_directory", lambda: tmp_path)
    environment.temporary_directory.cache_clear()
    directory = Path(environment.temporary_directory())
    environment.temporary_directory.cache_clear()
    assert directory.parent != tmp_path
    assert directory.stat().st_mode & 0o777 == 0o700
    directory.rmdir()


def test_threads_keep_inside_a_container_quota(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(environment, "CPU_QUOTA", quota)
    unlimited = environment.cpu_count()
    quota.write_text("100000 100000\n")
    assert environment.cpu_count() == 1
    quota.write_text("max 100000\n")
    assert environment.cpu_count() == unlimited
