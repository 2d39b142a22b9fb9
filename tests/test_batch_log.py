"""Batches beside a conversation: a file for each, nothing shown that is not on disk."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import asdict
from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui.commands import Cancel
from corefeel_tui.errors import SessionError
from corefeel_tui.evidence import Answer, ItemEvidence, SuitePlan
from corefeel_tui.evidence_file import read_evidence
from corefeel_tui.recording import Recorder
from corefeel_tui.session_run import read_item
from corefeel_tui.session_writer import SessionWriter
from corefeel_tui.sessions import read_session
from tests.ui import stream
from tests.ui.scripted import ScriptedClient

RUN = "batch-1"
SUITE = SuitePlan("s@general", "plain", 3)


def planned() -> ev.Planned:
    return ev.Planned(3, [asdict(SUITE)], run=RUN)


def item(number: int) -> list[ev.Event]:
    """One item as the engine tells it: answers, then evidence."""
    run = f"{RUN}:{SUITE.name}/i{number}"
    evidence = asdict(ItemEvidence(f"i{number}", SUITE.name, answers={"bf16": (Answer("x"),)}))
    finished = ev.ItemFinished(run, item=f"i{number}", evidence=evidence)
    return [*stream.Comparison(run, {"bf16": "a b", "4bit": "a c"}).events(), finished]


class Engine:
    """A recorder over a scripted client, and what it passed on."""

    def __init__(self, path: Path) -> None:
        self.client = ScriptedClient()
        self.recorder = Recorder(self.client, path)
        self.events = self.recorder.events()

    async def hears(self, *said: ev.Event) -> list[ev.Event]:
        """Let the engine speak; what a listener gets to hear."""
        self.client.say(*said, ev.Notice("mark"))
        heard: list[ev.Event] = []
        async with asyncio.timeout(5):
            while (event := await anext(self.events)) != ev.Notice("mark"):
                heard.append(event)
        return heard


@pytest.fixture
async def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path / "chat.jsonl")
    await made.hears(stream.engine_started(), stream.loaded(["bf16", "4bit"]))
    return made


async def test_each_file_gets_its_own_runs(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    engine.recorder.keep_batch(RUN, path)
    chat = stream.Comparison("ui-1", {"bf16": "a b", "4bit": "a c"}, seed=1)
    said = [planned(), *item(0), *chat.events(), *item(1), *item(2), ev.ItemFinished(RUN)]
    heard = await engine.hears(*said)
    assert heard == said
    await engine.recorder.stop()
    _, batch = read_session(path)
    _, conversation = read_session(tmp_path / "chat.jsonl")
    runs = [{getattr(e, "run", None) for e in file} for file in (batch, conversation)]
    assert not any(str(run).startswith("ui-") for run in runs[0])
    assert not any(str(run).startswith(RUN) for run in runs[1])
    evidence = read_evidence(path)
    assert (evidence.status, len(evidence.items)) == ("finished", 3)


async def test_a_file_begun_later_has_the_speeds_taken_last(engine: Engine, tmp_path: Path) -> None:
    told = {"tokens_per_second": 3.5, "measured": None}
    await engine.hears(ev.Timed({"4bit": told}))
    engine.recorder.keep_batch(RUN, tmp_path / "batch.jsonl")
    await engine.hears(planned(), *item(0), ev.ItemFinished(RUN))
    await engine.hears(ev.Timed({"4bit": {**told, "tokens_per_second": 9.0}}))
    await engine.recorder.stop()
    header, events = read_session(tmp_path / "batch.jsonl")
    speeds = {about["name"]: about["tokens_per_second"] for about in header.variants}
    assert speeds == {"bf16": 222.0, "4bit": 3.5}
    assert not any(isinstance(event, ev.Timed) for event in events)


async def test_a_batch_goes_on_in_its_file_after_the_engine_died(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "batch.jsonl"
    engine.recorder.keep_batch(RUN, path)
    torn = item(1)[:4]
    await engine.hears(planned(), *item(0), *torn, ev.EngineDied("killed"))
    await engine.hears(stream.engine_started(), stream.loaded(["bf16", "4bit"]))
    engine.recorder.keep_batch(RUN, path)
    await engine.hears(planned(), *item(1), *item(2), ev.ItemFinished(RUN))
    evidence = read_evidence(path)
    assert [i.id for i in evidence.items] == ["i0", "i1", "i2"]
    assert evidence.status == "finished"
    again = [e for e in read_item(path, torn[0].run) if isinstance(e, ev.Started)]  # type: ignore[attr-defined]
    assert len(again) == 1


async def test_leaving_closes_a_batch_in_order(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    engine.recorder.keep_batch(RUN, path)
    await engine.hears(planned(), *item(0))
    await engine.recorder.stop()
    assert read_evidence(path).status == "cancelled"


async def test_a_full_disk_stops_the_batch_and_loses_nothing(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "batch.jsonl"
    engine.recorder.keep_batch(RUN, path)
    await engine.hears(planned(), *item(0))

    def full(self: SessionWriter, event: ev.Event) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(SessionWriter, "append", full)
        heard = await engine.hears(*item(1), ev.ItemFinished(RUN, "cancelled"))
    failed = [event for event in heard if isinstance(event, ev.Failed)]
    assert [f.run for f in failed] == [RUN]
    assert "no space left" in failed[0].reason
    assert not any(isinstance(e, ev.ItemFinished) and e.item for e in heard)
    assert Cancel(RUN) in engine.client.commands
    engine.recorder.keep_batch(RUN, path)
    await engine.hears(planned(), *item(1), *item(2), ev.ItemFinished(RUN))
    assert [i.id for i in read_evidence(path).items] == ["i0", "i1", "i2"]


async def test_what_cannot_be_begun_says_why(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="cannot be written: no such file"):
        engine.recorder.keep_batch(RUN, tmp_path / "nowhere" / "batch.jsonl")
    path = tmp_path / "batch.jsonl"
    engine.recorder.keep_batch(RUN, path)
    await engine.hears(planned(), ev.ItemFinished(RUN, "cancelled"))
    await engine.hears(stream.loaded(["bf16", "3bit"]))
    with pytest.raises(SessionError, match="another set of variants"):
        engine.recorder.keep_batch(RUN, path)


async def test_an_item_is_read_alone(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    engine.recorder.keep_batch(RUN, path)
    await engine.hears(planned(), *item(0), *item(1))
    run = f"{RUN}:{SUITE.name}/i1"
    found = read_item(path, run)
    assert {e.run for e in found if hasattr(e, "run") and e.run} == {run}
    assert any(isinstance(event, ev.Pieces) for event in found)
    with pytest.raises(SessionError, match="does not hold the answers of s@general/i9"):
        read_item(path, f"{RUN}:{SUITE.name}/i9")
