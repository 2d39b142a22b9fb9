"""What the screen costs: `python benchmarks/screen.py`.

The real app in a pseudo-terminal of 120×35, fed at 60 tokens/s into five panes with every score
and k = 8.  Time from a key written to the terminal until its effect comes back out, for a cursor
step, a letter typed and the locked/free switch; time from start to first paint; CPU of the app.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
RATE = 60
LINE = 0.04
SIZE = (35, 120)
KEYS = 60
PANES = 5


class Stream:
    """A client that streams one endless comparison, made from the test's plausible one."""

    live = True

    def __init__(self) -> None:
        from tests.ui import stream

        words = "the salt is burned and the law binds while " * 200
        self._run = stream.Comparison("ui-1", dict.fromkeys(stream.ANSWERS, words))
        self._head = [stream.engine_started(), stream.loaded()]
        self._lines = self._prepared()

    def _prepared(self) -> list[list[object]]:
        """Events of each tick, encoded and decoded once so that ticks only hand them over."""
        step = round(RATE * LINE)
        ticks: list[list[object]] = [[*self._head, self._run.started()]]
        for start in range(0, RATE * 25, step):
            lines = [self._run.tokens(name, start, start + step) for name in self._run.texts]
            news = self._run.words.news()
            ticks.append([*([news] if news else []), *lines])
        return ticks

    async def start(self) -> None:
        """Nothing to start."""

    async def send(self, command: object) -> None:
        """Nothing is asked."""

    async def events(self) -> AsyncIterator[object]:
        for tick in self._lines:
            for event in tick:
                yield event
            await asyncio.sleep(LINE)

    async def restart(self) -> None:
        """Never dies."""

    async def stop(self) -> None:
        """Ends with the app."""


def app(streaming: bool) -> None:
    """The child: the app on this terminal."""
    from corefeel_tui.commands import Load
    from corefeel_tui.ui.app import make_app

    sys.path.insert(0, str(ROOT))
    from tests.ui.scripted import ScriptedClient

    client = Stream() if streaming else ScriptedClient()
    make_app(client, load=Load(None, ["bf16", "8bit", "4bit", "3bit", "2bit"])).run()


class Terminal:
    """A child on a pseudo-terminal; what it wrote, and when."""

    def __init__(self, *arguments: str) -> None:
        self.started = time.perf_counter()
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.process = subprocess.Popen(
            [sys.executable, __file__, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,  # where Textual paints,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self._fd = master
        self.seen = b""

    def wait_for(self, wanted: bytes, seconds: float = 20.0) -> float:
        """Seconds from now until the bytes come."""
        began = time.perf_counter()
        self.seen = b""
        while wanted not in self.seen:
            left = seconds - (time.perf_counter() - began)
            if left <= 0 or not select.select([self._fd], [], [], left)[0]:
                raise TimeoutError(f"{wanted!r} never came")
            self.seen += os.read(self._fd, 1 << 16)
        return time.perf_counter() - began

    def press(self, key: bytes, wanted: bytes) -> float:
        """Seconds from a key until its effect; what came before does not count."""
        while select.select([self._fd], [], [], 0)[0]:
            os.read(self._fd, 1 << 16)
        os.write(self._fd, key)
        return self.wait_for(wanted)

    def cpu_seconds(self) -> float:
        """User and system time of the child so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End the child."""
        self.process.kill()
        self.process.wait()
        os.close(self._fd)


def first_paint() -> tuple[float, float]:
    """Seconds, and seconds of CPU, from start until the footer of the first frame is out."""
    terminal = Terminal("--app")
    try:
        terminal.wait_for(b"help")
        return time.perf_counter() - terminal.started, terminal.cpu_seconds()
    finally:
        terminal.close()


def key_to_paint() -> dict[str, list[float]]:
    """Seconds per kind of key, while five panes stream."""
    random.seed(1)
    terminal = Terminal("--stream")
    times: dict[str, list[float]] = {"letter": [], "locked/free": [], "cursor": []}
    try:
        terminal.wait_for(b"reference")
        time.sleep(1)
        began, cpu = time.perf_counter(), terminal.cpu_seconds()
        for number in range(KEYS):
            time.sleep(random.uniform(0.05, 0.12))
            letter = bytes([ord("A") + number % 26])
            times["letter"].append(terminal.press(letter, letter))
            time.sleep(random.uniform(0.05, 0.12))
            view = b"[free]" if number % 2 else b"[locked]"
            times["locked/free"].append(terminal.press(b"\x1bOQ", view))
        times["cpu"] = [(terminal.cpu_seconds() - cpu) / (time.perf_counter() - began)]
    finally:
        terminal.close()
    return times


def percentile(values: list[float], fraction: float) -> float:
    """By rank."""
    return sorted(values)[min(len(values) - 1, int(fraction * len(values)))]


def main() -> None:
    """Measure and print."""
    paints = [first_paint() for _ in range(5)]
    wall, cpu = (statistics.median(column) for column in zip(*paints, strict=True))
    print(f"first paint: median {wall:.2f} s, of which CPU {cpu:.2f} s")
    times = key_to_paint()
    for kind, values in times.items():
        if kind == "cpu":
            print(f"cpu of the app while {PANES} panes stream: {100 * values[0]:.0f} % of one core")
        elif values:
            median, high = statistics.median(values), percentile(values, 0.95)
            print(f"{kind} to paint: median {1e3 * median:.1f} ms, p95 {1e3 * high:.1f} ms")
    print(json.dumps({"load": os.getloadavg()[0], "cpus": os.cpu_count()}))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:] == ["--app"]:
        app(streaming=False)
    elif sys.argv[1:] == ["--stream"]:
        app(streaming=True)
    else:
        main()
