"""The real engine as a process: it answers, it dies, it leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corefeel_tui import cli
from corefeel_tui import events as ev
from corefeel_tui.client import EngineClient
from corefeel_tui.commands import Ask, Load
from corefeel_tui.folding import fold
from corefeel_tui.recording import Recorder
from corefeel_tui.sessions import read_session
from tests.test_client import alive, until

LONG = Ask("1", "Tell me about the harbour.", max_tokens=2000, temperature=2.0)
"""A question that keeps the engine busy for a while."""


async def test_it_answers_dies_by_a_kill_and_is_restarted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    engine = EngineClient()
    client = Recorder(engine, path)
    await client.start()
    stream = client.events()
    async with asyncio.timeout(60):
        await client.send(Load(None, ["bf16", "4bit"]))
        loaded = await until(stream, ev.Loaded, 60)
        assert [variant["name"] for variant in loaded.variants] == ["bf16", "4bit"]
        await client.send(LONG)
        await until(stream, ev.Tokens, 60)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        assert "SIGKILL" in (await until(stream, ev.EngineDied)).reason
        stored = fold(read_session(path)[1])
        assert stored.runs["1"].reference.ids
        await client.restart()
        await client.send(Load(None, ["bf16"]))
        await until(stream, ev.Loaded, 60)
        pid = engine.pid
        await client.stop()
    assert pid is not None
    assert not alive(pid)


def test_a_killed_command_leaves_no_engine(tmp_path: Path) -> None:
    words = ["ask", LONG.prompt, "--variants", "2bit", "--max-tokens", "2000", "--no-save"]
    words += ["--temperature", "2", "--format", "jsonl"]
    with subprocess.Popen(
        [sys.executable, "-m", "corefeel_tui", *words], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        engine = json.loads(parent.stdout.readline())["pid"]
        while b'"tokens"' not in parent.stdout.readline():
            assert alive(engine)
        parent.kill()
        killed = time.monotonic()
    while alive(engine) and time.monotonic() < killed + 2:
        time.sleep(0.02)
    assert time.monotonic() - killed < 1.5


@pytest.mark.parametrize("model", ["no/such-model", "./nowhere"])
def test_a_model_that_is_not_there_is_a_sentence(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["ask", model, "hello", "--no-save"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert model in err
    assert "Traceback" not in err
