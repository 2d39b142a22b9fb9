"""The whole program in a real terminal, with a stand-in for the engine: keys in, screen out."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corefeel_tui.ui.driver import BEGIN, END, PasteDecoder

LAUNCH = Path(__file__).parents[1] / "launch.py"
COLUMNS, ROWS = 120, 35


class Terminal:
    """A program on a pseudo-terminal, and what its screen shows."""

    def __init__(self, arguments: list[str], directory: Path) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        # A test worker may have been started with the size of the terminal around the tests.
        around = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        homes = {name: str(directory) for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
        self.process = subprocess.Popen(
            [sys.executable, str(LAUNCH), *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=directory,
            env={**around, **homes, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(slave)
        self._fd = master
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def read(self, seconds: float) -> None:
        if select.select([self._fd], [], [], seconds)[0]:
            with suppress(OSError):
                # pyte takes the private form of "CSI m" (a keyboard query) for colours.
                data = os.read(self._fd, 1 << 16).replace(b"\x1b[>1u", b"").replace(b"\x1b[<u", b"")
                self._stream.feed(data)

    def until(self, condition: Callable[[str], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not condition(self.text):
            assert time.monotonic() < end, self.text
            assert self.process.poll() is None, self.text
            self.read(0.1)

    def type(self, text: str) -> None:
        self.send(text.encode())

    def send(self, data: bytes) -> None:
        os.write(self._fd, data)

    def answered(self) -> None:
        """Wait until all five models have ended, and for the run's own end, which comes next and is
        on no screen: before it, quitting asks first.
        """
        self.until(lambda text: text.count("∎") == 5)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            self.read(0.1)

    def end(self) -> int:
        """Wait for the program, reading on so that it can write its last."""
        limit = time.monotonic() + 30
        while self.process.poll() is None:
            assert time.monotonic() < limit, self.text
            self.read(0.1)
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._fd)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "sessions").mkdir()
    terminal = Terminal(["0.02"], tmp_path)
    yield terminal
    terminal.close()


def test_type_stream_toggle_inspect_save_quit(terminal: Terminal, tmp_path: Path) -> None:
    terminal.until(lambda text: "Write a prompt" in text)
    terminal.type("is it allowed?\r")
    terminal.until(lambda text: "‼ was VETO" in text and "VETO?" not in text)
    terminal.type("\x1bOQ")
    terminal.until(lambda text: "[locked]" in text and "⟨VE⟩" in text)
    terminal.type("\x1b")
    time.sleep(0.3)  # a terminal tells a lone escape from a sequence by time
    terminal.type("gi")
    terminal.until(lambda text: "⑂ fork" in text and "H, rank" in text)
    terminal.until(lambda text: "saving is-it-allowed" in text)
    terminal.answered()
    terminal.type("\x11")
    assert terminal.end() == 0
    (session,) = (tmp_path / "sessions").glob("*.jsonl")
    assert b'"session_finished"' in session.read_bytes().splitlines()[-1]


def test_a_paste_in_another_encoding_ends_nothing(terminal: Terminal) -> None:
    terminal.until(lambda text: "Write a prompt" in text)
    terminal.send(b"\x1b[200~caf\xe9 allowed?\x1b[201~")
    terminal.until(lambda text: "caf\ufffd allowed?" in text)
    terminal.type("\x11")
    assert terminal.end() == 0


def test_what_is_pasted_is_neither_sent_nor_obeyed(terminal: Terminal) -> None:
    terminal.until(lambda text: "Write a prompt" in text)
    terminal.send(b"\x1b[200~a \x1b[31mred\x1b[0m\rline \x11 two\x1b[201~")
    terminal.until(lambda text: "a [31mred[0m" in text and "two" in text)
    assert "‼ was VETO" not in terminal.text
    assert terminal.process.poll() is None
    terminal.type("\r")
    terminal.until(lambda text: "‼ was VETO" in text)
    terminal.answered()
    terminal.type("\x11")
    assert terminal.end() == 0


TYPED = "x\x1b\x1b[A\x1b[2~\x1b[<35;1;1M" + "é🙂"
PASTED = "one\x1b[31m\x1b\x1b[20two\x1b"
STREAM = (TYPED + BEGIN + PASTED + END + TYPED + BEGIN + END + "z").encode()


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_however_bytes_arrive_only_pastes_lose_their_escapes(cuts: list[int]) -> None:
    decoder, at = PasteDecoder(), [0, *sorted(cuts), len(STREAM)]
    parts = [decoder.decode(STREAM[a:b]) for a, b in pairwise(at)]
    whole = "".join([*parts, decoder.decode(b"", final=True)])
    assert whole == TYPED + BEGIN + PASTED.replace("\x1b", "") + END + TYPED + BEGIN + END + "z"


def test_a_lone_escape_does_not_wait() -> None:
    assert PasteDecoder().decode(b"\x1b") == "\x1b"


def test_the_engine_killed_mid_stream_leaves_a_live_app(terminal: Terminal) -> None:
    terminal.until(lambda text: "Write a prompt" in text)
    terminal.type("die\r")
    terminal.until(lambda text: "the engine ended" in text)
    terminal.type("r")
    terminal.until(lambda text: "the engine ended" not in text)
    terminal.type("once more")

    def begun(text: str) -> bool:
        terminal.type("\r")  # refused while the models load, and then the prompt stays
        return "‼ was VETO" in text

    terminal.until(begun)
    terminal.answered()
    terminal.type("\x11")
    assert terminal.end() == 0
