"""The engine as a process: guarded stdout, cancel, priorities, and every way it may end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corefeel_tui import commands as c
from corefeel_tui import events as ev
from corefeel_tui.environment import engine_environment
from corefeel_tui.folding import fold

from .tiny_models import write_tiny_model

NOISY = """
import os, sys
import corefeel_tui.engine.serve as s
import corefeel_tui.engine.service as service
original = service.Service.ask
def noisy(self, command, cancelled):
    print("a library greets you on stdout")
    os.write(1, b"and so does its C code\\n")
    yield from original(self, command, cancelled)
service.Service.ask = noisy
s.main()
"""


class Engine:
    """A real engine process, driven line by line."""

    def __init__(self, *arguments: str, preload: bool = True) -> None:
        program = arguments or ("-m", "corefeel_tui.engine.serve")
        environment = engine_environment()
        if not preload:
            environment.pop("LD_PRELOAD", None)
        self.process = subprocess.Popen(
            [sys.executable, *program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )

    def send(self, *orders: c.Command) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(c.encode(order) for order in orders))
        self.process.stdin.flush()

    def events(self) -> Iterator[ev.Event]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield ev.decode(line)

    def until(self, kind: type[ev.Event], **fields: Any) -> list[ev.Event]:
        """All events up to the first of this kind with these fields."""
        seen = []
        for event in self.events():
            seen.append(event)
            if isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items()):
                return seen
        pytest.fail(f"no {kind.__name__} {fields} among {[type(e).__name__ for e in seen]}")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_model(tmp_path_factory.mktemp("serve") / "tiny", "qwen3", sharpness=1.0))


@pytest.fixture(scope="module")
def engine(model: str) -> Iterator[Engine]:
    """An engine with a tiny model and one variant loaded, for tests that leave it alive."""
    yield from loaded_engine(model)


@pytest.fixture
def mortal(model: str) -> Iterator[Engine]:
    """An engine that the test may end."""
    yield from loaded_engine(model)


def loaded_engine(model: str) -> Iterator[Engine]:
    engine = Engine()
    engine.send(c.Load(model, ["bf16", "4bit"]))
    engine.until(ev.Loaded)
    yield engine
    engine.close()


def endless(run: str, **options: Any) -> c.Ask:
    """A comparison that lasts until it is cancelled or the context is full."""
    return c.Ask(run, "the valve?", max_tokens=100_000, temperature=1.0, stop=[], **options)


def test_what_libraries_print_does_not_break_the_stream(model: str) -> None:
    engine = Engine("-c", NOISY)
    try:
        engine.send(c.Load(model, ["bf16", "4bit"]), c.Ask("r", "hello", max_tokens=3))
        seen = engine.until(ev.ItemFinished, run="r")
        engine.send(c.Shutdown())
        assert not [event for event in seen if isinstance(event, ev.Unknown)]
        assert engine.process.wait(timeout=20) == 0
        assert engine.process.stderr is not None
        words = engine.process.stderr.read()
        assert b"a library greets you" in words
        assert b"and so does its C code" in words
    finally:
        engine.close()


def test_cancel_ends_a_run_between_tokens(engine: Engine) -> None:
    engine.send(endless("r"))
    engine.until(ev.Tokens, run="r")
    engine.send(c.Cancel("r"))
    seen = engine.until(ev.ItemFinished, run="r")
    assert isinstance(seen[-1], ev.ItemFinished)
    assert seen[-1].status == "cancelled"
    engine.send(c.Ask("again", "hello", max_tokens=2))
    engine.until(ev.ItemFinished, run="again", status="finished")


def test_a_person_goes_before_the_background(engine: Engine) -> None:
    engine.send(endless("slow", background=True))
    engine.until(ev.Tokens, run="slow")
    engine.send(c.Ask("quick", "hello", max_tokens=4))
    seen = engine.until(ev.ItemFinished, run="quick", status="finished")
    finished = [event.run for event in seen if isinstance(event, ev.ItemFinished)]
    assert finished == ["quick"]
    engine.send(c.Cancel("slow"))
    engine.until(ev.ItemFinished, run="slow", status="cancelled")


def test_the_end_of_stdin_ends_it_whatever_it_computes(mortal: Engine) -> None:
    mortal.send(endless("r"))
    mortal.until(ev.Tokens, run="r")
    assert mortal.process.stdin is not None
    mortal.process.stdin.close()
    mortal.process.wait(timeout=5)


def test_ctrl_c_is_for_the_parent(mortal: Engine) -> None:
    mortal.send(endless("r"))
    mortal.until(ev.Tokens, run="r")
    mortal.process.send_signal(signal.SIGINT)
    mortal.send(c.Cancel("r"))
    mortal.until(ev.ItemFinished, run="r", status="cancelled")
    mortal.send(c.Shutdown())
    assert mortal.process.wait(timeout=20) == 0


def test_orders_it_does_not_understand_are_answered(engine: Engine) -> None:
    assert engine.process.stdin is not None
    engine.process.stdin.write(b'not json\n{"command": "dance"}\n{"command": "ask"}\n')
    engine.send(c.Ask("r", "hello", max_tokens=2))
    seen = engine.until(ev.ItemFinished, run="r", status="finished")
    assert len([e for e in seen if isinstance(e, ev.Failed) and "understand" in e.reason]) == 3


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (c.Ask("r", "  "), "the prompt is empty"),
        (c.Ask("r", "word " * 2000), "more than this model's context"),
        (c.Ask("r", "hello", continues="never"), "start anew"),
        (c.Ask("r", "hello", variants=["5bit"]), "no loaded model is called “5bit”"),
        (c.Ask("r", "hello", verdict={"labels": ["A"], "json_key": "x"}), "two different labels"),
    ],
)
def test_what_cannot_be_asked_fails_in_a_sentence(
    engine: Engine, order: c.Ask, sentence: str
) -> None:
    engine.send(order)
    seen = engine.until(ev.ItemFinished, run="r", status="failed")
    reasons = [event.reason for event in seen if isinstance(event, ev.Failed)]
    assert len(reasons) == 1
    assert sentence in reasons[0]


def test_asking_before_loading_fails_in_a_sentence() -> None:
    engine = Engine()
    try:
        engine.send(c.Ask("r", "hello"))
        seen = engine.until(ev.ItemFinished, run="r", status="failed")
        assert any("no model is loaded" in e.reason for e in seen if isinstance(e, ev.Failed))
    finally:
        engine.close()


def test_a_load_that_fails_leaves_the_earlier_models(engine: Engine) -> None:
    engine.send(c.Load("/nowhere/at/all", ["bf16", "4bit"]), c.Ask("r", "hello", max_tokens=2))
    seen = engine.until(ev.ItemFinished, run="r", status="finished")
    assert [event.fatal for event in seen if isinstance(event, ev.Failed)] == [False]


def test_a_conversation_goes_on_with_each_models_own_words(engine: Engine) -> None:
    engine.send(c.Ask("one", "the valve?", max_tokens=12, temperature=1.0))
    first = fold(engine.until(ev.ItemFinished, run="one")).runs["one"]
    engine.send(c.Ask("two", "and now?", continues="one", max_tokens=6))
    record = fold(engine.until(ev.ItemFinished, run="two"))
    started = record.runs["two"].started
    assert started.turn == 1
    assert [m["role"] for m in started.messages] == ["user", "assistant", "user"]
    assert started.messages[1]["content"] == first.reference.text
    assert len(set(started.prompt_tokens.values())) >= 1


def test_events_fit_the_wire(engine: Engine) -> None:
    """No NaN, no Infinity, every line one JSON object."""
    engine.send(c.Ask("r", "the valve?", max_tokens=20))
    assert engine.process.stdout is not None
    while True:
        line = engine.process.stdout.readline()

        def refuse(constant: str) -> None:
            pytest.fail(f"{constant} on the wire")

        data = json.loads(line, parse_constant=refuse)
        if data["event"] == "item_finished":
            return


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system brings its own BLAS")
def test_without_a_fast_blas_it_says_what_to_install(model: str) -> None:
    engine = Engine(preload=False)
    try:
        engine.send(c.Load(model, ["bf16", "4bit"]))
        seen = engine.until(ev.Loaded)
        assert any("libopenblas0" in e.text for e in seen if isinstance(e, ev.Notice))
    finally:
        engine.close()


def test_the_private_temporary_directory_is_private() -> None:
    directory = Path(engine_environment()["TMPDIR"])
    assert directory.stat().st_mode & 0o077 == 0
