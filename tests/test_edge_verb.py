"""`corefeel edge` in real processes on a tiny model: events, session, items kept, refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui.commands import Cancel, Load, Meter, Scan
from corefeel_tui.edge.fold import EdgeRecord, fold
from corefeel_tui.edge.readouts import Readout, judge
from corefeel_tui.engine.edge.probing import Chat, Probing
from corefeel_tui.engine.modelset import load_set
from corefeel_tui.sessions import read_session, session_info
from corefeel_tui.suites import load_suite
from tests.engine.test_serve import Engine
from tests.engine.tiny_models import write_tiny_model

PROMPT = (
    'Evidence:\n{"key": "A1", "statement": "The valve may be open, at most 3 bar."}\n'
    '{"key": "A2", "statement": "The pump is real."}\n'
    '{"key": "A3", "statement": "The guard must never be late."}\n'
    "Action: let {2|20} pumps be stopped."
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("verb") / "tiny", "qwen3")


def corefeel(*words: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """A whole process, as a user starts it."""
    command = [sys.executable, "-m", "corefeel_tui", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, env=os.environ, check=False)


def test_a_search_leaves_a_session_that_tells_the_same(model: Path, tmp_path: Path) -> None:
    options = ["--prompt", PROMPT, "--labels", "yes v no", "--variants", "8bit,2bit"]
    files = ["--session", "s.jsonl", "--save-to", "mine.toml", "--format", "jsonl"]
    done = corefeel("edge", str(model), *options, *files, "--budget", "40", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    printed = [ev.decode(line) for line in done.stdout.splitlines()]
    _, stored = read_session(tmp_path / "s.jsonl")
    record = fold(stored)
    assert record.searches.keys() == {"edge"}
    (item,) = record.searches["edge"].items.values()
    assert item.tried == [event for event in printed if isinstance(event, ev.Tried)]
    assert item.searched is not None
    assert item.found, "a two-bit random model leaves somewhere"
    assert_reproduces(model, record)
    kept = load_suite(tmp_path / "mine.toml").item
    assert {one.prompt for one in kept} == {found.prompt for found in item.found.values()}


def assert_reproduces(model: Path, record: EdgeRecord) -> None:
    """Every example of a session, computed anew by models loaded anew."""
    models = load_set(Load(str(model), ["bf16", "8bit", "2bit"]), lambda event: None, None)
    modules = {name: loaded.model for name, loaded in models.models.items()}
    for search in record.searches.values():
        for item in search.items.values():
            for variant, found in item.found.items():
                readout = Readout.from_dict(found.readout)
                chat = Chat(found.system)
                probe = Probing(modules, models.tokenizer, models.context, readout, chat)
                weighed = probe.afresh(probe.tokens(found.prompt))
                first, second = readout.margin
                for name in ("bf16", variant):
                    own = {label: value or 0.0 for label, value in weighed[name].items()}
                    assert max(own, key=lambda label: own[label]) == found.labels[name]
                    margin = own[first] - own[second]
                    assert found.margins[name] == pytest.approx(margin, abs=1e-4)


def test_a_ladder_is_told_in_text(model: Path, tmp_path: Path) -> None:
    words = ["--ladder", "Open {one|two|all} now?", "--labels", "yes v no", "--no-save"]
    done = corefeel("edge", str(model), *words, "--variants", "2bit", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "bf16 flips on rung" in text or "bf16 never flips" in text
    assert "not saved" in text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "name one of --item, --prompt, --suite, --ladder"),
        (["--prompt", "x", "--suite", "verdicts"], "there are 2"),
        (["--prompt", "x", "--labels", "VETO"], "one label"),
        (["--prompt", "open {this}"], "has no fillers"),
        (["--prompt", "open {x}", "--slot", "x="], "no fillers"),
        (["--item", "verdicts"], "is not SUITE:ITEM"),
        (["--item", "nosuch:1"], "no suite is called"),
        (["--item", "verdicts:1", "--slot", "x=1,2"], "--slot goes with"),
        (["--suite", "quick"], "is a mix"),
        (["--suite", "style"], "no labels that stand at a known place"),
        (["--ladder", "refusal:nosuch"], "has no ladder"),
        (["--ladder", "{a|b} {c|d}", "--budget", "3"], "2 × 2 = 4 combinations"),
        (["--ladder", "{a} now"], "has no fillers"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(
    words: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    from corefeel_tui import cli

    assert cli.run(["edge", *words]) == 2
    out, err = capfd.readouterr()
    assert sentence in err
    assert err.count("\n") == 1
    assert not out


def test_refusals_of_the_engine_exit_with_two(model: Path, tmp_path: Path) -> None:
    words = ["--prompt", "valve " * 600, "--labels", "yes v no", "--variants", "2bit"]
    done = corefeel("edge", str(model), *words, "--no-save", cwd=tmp_path)
    assert done.returncode == 2
    assert "shorten it" in done.stderr.decode().splitlines()[-1]


def test_the_newest_revision_is_answered_while_a_scan_goes_on(model: Path) -> None:
    engine = Engine()
    try:
        engine.send(Load(str(model), ["bf16", "2bit"]))
        engine.until(ev.Loaded)
        text, readout = "the valve is open " * 20, judge().as_dict()
        engine.send(Scan("scan", text, readout))
        engine.until(ev.EdgeStarted)
        engine.send(*(Meter("meter", number, text + "!" * number, readout) for number in range(9)))
        seen = engine.until(ev.Margins, run="meter", revision=8)
        engine.send(Cancel("scan"))
        seen += engine.until(ev.ItemFinished, run="scan")
    finally:
        engine.close()
    meters = [one for one in seen if isinstance(one, ev.Margins) and one.run == "meter"]
    assert meters[-1].revision == 8
    assert len(meters) < 9
    assert not [one for one in seen if isinstance(one, ev.ItemFinished) and one.run == "meter"]
    assert isinstance(seen[-1], ev.ItemFinished)
    assert seen[-1].status == "cancelled"


def test_a_list_of_sessions_counts_edges(model: Path, tmp_path: Path) -> None:
    words = ["--ladder", "Open {one|two|all} now?", "--labels", "yes v no", "--variants", "2bit"]
    done = corefeel("edge", str(model), *words, "--session", "s.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    info = session_info(tmp_path / "s.jsonl")
    assert (info.runs, info.status) == (1, "finished")
    assert info.first_prompt == "Open {one|two|all} now?"
    shown = corefeel("sessions", "show", "s.jsonl", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "flip" in shown.stdout.decode()
