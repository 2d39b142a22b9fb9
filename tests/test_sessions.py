"""Session files: what is in them, who may read them, and what damage they survive."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui.client import EngineClient
from corefeel_tui.commands import Ask, Load
from corefeel_tui.errors import SessionError
from corefeel_tui.folding import fold
from corefeel_tui.recording import Recorder
from corefeel_tui.session_writer import SessionWriter, create_session, make_header, slugify
from corefeel_tui.sessions import list_sessions, read_session, session_info
from tests.conftest import FIVE, record, standin


def recorder(path: Path | None = None, pause: float = 0.0) -> Recorder:
    """A recorder of the stand-in engine."""
    return Recorder(EngineClient(standin(pause)), path)


async def run_once(client: Recorder, run: str = "1") -> list[ev.Event]:
    """Ask once, up to the end of the run; everything said."""
    await client.send(Ask(run, f"question {run}"))
    said = []
    async for event in client.events():
        said.append(event)
        if isinstance(event, ev.ItemFinished):
            return said
    raise AssertionError("the stream ended before the run")


async def begun(path: Path | None = None, pause: float = 0.0) -> Recorder:
    """A started recorder that has been told to load five models."""
    client = recorder(path, pause)
    await client.start()
    await client.send(Load(None, FIVE))
    return client


@pytest.fixture
def little_space() -> Iterator[Callable[[int], None]]:
    """Sets how long a file may become, as a full disk would."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def header() -> ev.SessionHeader:
    """A header of nothing in particular."""
    loaded = ev.Loaded("Pocket", "bf16", [{"name": "bf16"}], 512, 2048)
    return make_header(None, loaded, {})


async def test_a_session_folds_to_what_was_shown(tmp_path: Path) -> None:
    said = await record(tmp_path / "a.jsonl", ["Open the valve?"])
    head, stored = read_session(tmp_path / "a.jsonl")
    shown, reopened = fold(said), fold(stored)
    assert reopened.runs == shown.runs
    assert reopened.pieces == shown.pieces
    assert reopened.loaded == shown.loaded
    assert reopened.ending == "finished"
    assert head.model == "Pocket"
    assert head.execution == "expanded"
    assert [v["name"] for v in head.variants] == FIVE


async def test_a_line_is_on_disk_before_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    client = await begun(path)
    await client.send(Ask("1", "hello"))
    shown = 0
    async for event in client.events():
        if isinstance(event, ev.Tokens):
            shown += 1
            stored = [e for e in read_session(path)[1] if isinstance(e, ev.Tokens)]
            assert stored[shown - 1] == event
        if isinstance(event, ev.ItemFinished):
            break
    await client.stop()


async def test_engine_life_is_not_stored(session: Path) -> None:
    names = {json.loads(line)["event"] for line in session.read_bytes().splitlines()}
    assert names.isdisjoint({"loading", "status", "notice", "engine_started"})


async def test_looking_around_leaves_no_file(tmp_path: Path) -> None:
    client = await begun(tmp_path / "a.jsonl")
    async for event in client.events():
        if isinstance(event, ev.Loaded):
            break
    await client.stop()
    assert list(tmp_path.iterdir()) == []


async def test_an_engine_killed_mid_stream_leaves_a_session_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    client = await begun(path)
    await client.send(Ask("1", "die"))
    async for event in client.events():
        if isinstance(event, ev.EngineDied):
            break
    await client.restart()
    await client.send(Load(None, FIVE))
    await run_once(client, "2")
    await client.stop()
    stored = fold(read_session(path)[1])
    assert stored.runs["2"].finished is not None
    assert session_info(path).status == "finished"


def test_a_recorder_killed_mid_stream_leaves_a_readable_session(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    code = (
        "import asyncio\n"
        "from pathlib import Path\n"
        "from tests import test_sessions as t\n"
        "async def main():\n"
        f"    client = await t.begun(Path({str(path)!r}), 0.05)\n"
        "    await client.send(t.Ask('1', 'hello'))\n"
        "    async for event in client.events():\n"
        "        print(event.name, flush=True)\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        shown = 0
        while shown < 8:
            shown += child.stdout.readline() == b"tokens\n"
        child.send_signal(signal.SIGKILL)
    stored = list(read_session(path)[1])
    assert sum(isinstance(event, ev.Tokens) for event in stored) >= shown
    assert session_info(path).status == "cut off"


def test_a_file_cut_at_any_byte_is_a_prefix_or_a_sentence(tmp_path: Path) -> None:
    writer = SessionWriter(tmp_path / "whole.jsonl", header())
    columns = {"kl": [0.125, 2.5e-7], "flip": [False, True]}
    for event in (
        ev.Started("1", "Öffnen?", ["bf16"], "bf16"),
        ev.Pieces({"1": " 日", "2": "\n"}),
        ev.Tokens("1", "bf16", 0, [1, 2], {"bf16": columns}),
        ev.ItemFinished("1"),
    ):
        writer.append(event)
    writer.close()
    data = (tmp_path / "whole.jsonl").read_bytes()
    whole = list(read_session(tmp_path / "whole.jsonl")[1])
    assert len(whole) == 4
    cut = tmp_path / "cut.jsonl"
    for length in range(len(data)):
        cut.write_bytes(data[:length])
        if length < data.index(b"\n"):
            with pytest.raises(SessionError, match="not a session"):
                read_session(cut)
            continue
        events = list(read_session(cut)[1])
        assert events == whole[: len(events)]
        assert len(events) >= data[:length].count(b"\n") - 1
        fold(events)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "line 3: not JSON"),
        (b"[1, 2]", "line 3: not an event"),
        (b'{"event":"tokens","run":"1"}', "line 3: trajectory: field required"),
        (b'{"event":"notice","text":7}', "line 3: text: input should be a valid string"),
        (
            b'{"event":"tokens","run":"0","trajectory":"bf16","start":0,"ids":[1,2],'
            b'"scores":{"bf16":{"kl":[0.1]}}}',
            "line 3: scores.bf16.kl is not a list of 2",
        ),
        (
            b'{"event":"tokens","run":"0","trajectory":"bf16","start":0,"ids":[1],'
            b'"scores":{"bf16":{"top":{"ids":7}}}}',
            "line 3: bf16.top",
        ),
        (
            b'{"event":"tokens","run":"0","trajectory":"bf16","start":0,"ids":[1],'
            b'"scores":{"bf16":{"kl":["much"]}}}',
            "line 3: bf16.kl",
        ),
        (b'{"event":"pieces","texts":{"x":"y"}}', "line 3: pieces has a key"),
    ],
)
def test_a_line_that_was_tampered_with_is_named(session: Path, line: bytes, reason: str) -> None:
    lines = session.read_bytes().splitlines(keepends=True)
    session.write_bytes(b"".join([*lines[:2], line + b"\n", *lines[2:]]))
    with pytest.raises(SessionError, match=reason):
        fold(read_session(session)[1])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no complete first line"),
        (b"\x00\xff\x00\n", "line 1: not JSON"),
        (b'{"event":"notice","text":"hi"}\n', "first line is no header"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(SessionError, match=reason):
        read_session(path)
    assert list_sessions(tmp_path) == []


def test_a_later_format_is_refused_with_the_mend(session: Path) -> None:
    session.write_bytes(session.read_bytes().replace(b'"format":1', b'"format":2', 1))
    with pytest.raises(SessionError, match="update corefeel"):
        read_session(session)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="cannot be read: no such file"):
        read_session(tmp_path / "nowhere.jsonl")


async def test_an_unwritable_place_is_said_once_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    client = await begun(tmp_path / "file" / "a.jsonl")
    said = await run_once(client)
    await client.stop()
    notices = [event.text for event in said if isinstance(event, ev.Notice)]
    assert len(notices) == 1
    assert notices[0].startswith("nothing is being saved: ")
    assert "a.jsonl" in notices[0]
    assert not client.saving
    assert fold(said).runs["1"].finished is not None


async def test_a_disk_that_fills_up_is_said_and_the_run_goes_on(
    tmp_path: Path, little_space: Callable[[int], None]
) -> None:
    client = await begun(tmp_path / "a.jsonl")
    await run_once(client, "1")
    little_space((tmp_path / "a.jsonl").stat().st_size + 5000)
    said = await run_once(client, "2")
    await client.stop()
    notices = [event.text for event in said if isinstance(event, ev.Notice)]
    assert len(notices) == 1
    assert notices[0].startswith("nothing is being saved: ")
    assert fold(said).runs["2"].finished is not None
    assert list(fold(read_session(tmp_path / "a.jsonl")[1]).runs) == ["1", "2"]


async def test_saving_can_be_switched_off_and_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    client = await begun(path)
    await run_once(client, "1")
    client.toggle_saving()
    await run_once(client, "2")
    assert client.toggle_saving()
    await run_once(client, "3")
    await client.stop()
    stored = fold(read_session(path)[1])
    assert list(stored.runs) == ["1", "3"]
    assert "⟨" not in stored.text(stored.runs["3"].reference.ids)


async def test_pieces_said_before_the_file_began_are_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    client = Recorder(EngineClient(standin()), path, saving=False)
    await client.start()
    await client.send(Load(None, FIVE))
    await run_once(client, "1")
    client.toggle_saving()
    await run_once(client, "2")
    await client.stop()
    known: set[str] = set()
    for event in read_session(path)[1]:
        if isinstance(event, ev.Pieces):
            known |= set(event.texts)
        if isinstance(event, ev.Tokens):
            assert known >= {str(i) for i in event.ids}


async def test_a_run_cut_by_quitting_makes_the_session_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    client = await begun(path, pause=0.05)
    await client.send(Ask("1", "hello"))
    async for event in client.events():
        if isinstance(event, ev.Tokens):
            break
    assert session_info(path).status == "open"
    await client.stop()
    assert session_info(path).status == "cancelled"


async def test_a_session_is_named_by_date_and_first_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sessions").mkdir()
    paths = []
    for _ in range(2):
        client = await begun()
        await run_once(client)
        await client.stop()
        assert client.path is not None
        paths.append(client.path)
    assert paths[0].parent == Path("sessions")
    assert paths[0].stem[10:] == "-question-1"
    assert paths[1].stem == paths[0].stem + "-2"


async def test_rename_keeps_the_date_and_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "2026-01-01-taken.jsonl").write_text("mine")
    client = await begun(tmp_path / "2026-01-01-first.jsonl")
    await run_once(client)
    renamed = client.rename("The East Valve!")
    assert renamed == tmp_path / "2026-01-01-the-east-valve.jsonl"
    with pytest.raises(SessionError, match="cannot be renamed"):
        client.rename("taken")
    await run_once(client, "2")
    await client.stop()
    assert (tmp_path / "2026-01-01-taken.jsonl").read_text() == "mine"
    assert session_info(renamed).runs == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_sessions_directory_files_go_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    writer = create_session("x", header())
    writer.close()
    directory = writer.path.parent
    assert own_home in directory.parents
    assert directory.stat().st_mode & 0o777 == 0o700
    assert writer.path.stat().st_mode & 0o777 == 0o600
    assert (directory / ".gitignore").read_text() == "*\n"


def test_a_second_writer_is_kept_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sessions").mkdir()
    first = create_session("x", header())
    with first.path.open("ab") as second, pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    other = create_session("x", header())
    assert other.path != first.path
    first.close()
    other.close()


def test_the_list_is_newest_first_and_tells_each_at_a_glance(session: Path, tmp_path: Path) -> None:
    older = session.read_bytes().replace(b'"created":"2', b'"created":"1', 1)
    (tmp_path / "older.jsonl").write_bytes(older)
    (tmp_path / "notes.jsonl").write_text("not a session\n")
    newest, oldest = list_sessions(tmp_path)
    assert (newest.path, oldest.path) == (session, tmp_path / "older.jsonl")
    assert newest.runs == 2
    assert newest.first_prompt == "Open the valve?"
    assert newest.variants == tuple(FIVE)
    assert newest.status == "finished"


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("May the east valve be opened?", "may-the-east-valve-be-opened"),
        ("../../etc/passwd", "etc-passwd"),
        ("日本語", "session"),
        ("", "session"),
        ("x" * 300, "x" * 40),
    ],
)
def test_a_slug_is_a_harmless_part_of_a_name(text: str, slug: str) -> None:
    assert slugify(text) == slug


def test_the_header_names_the_machine_but_not_its_owner() -> None:
    machine = header().machine
    assert machine["memory_bytes"] > 2**20
    assert os.uname().nodename not in json.dumps(machine)
