"""A real terminal for the real app: a pty, a child, and pyte to read what stands on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable

import pyte


class Terminal:
    """A command running in a terminal of its own."""

    def __init__(self, *command: str, columns: int = 120, rows: int = 40, **environment: str):
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # os.environ, unlike C's, has no COLUMNS and LINES of the terminal around the tests.
            environment = {
                **{k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")},
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                **environment,
            }
            os.execve(sys.executable, [sys.executable, *command], environment)
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size, as a window manager would."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen.resize(rows, columns)

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._fd, keys.encode())

    def text(self) -> str:
        """What stands on the screen, line by line."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, wanted: str | Callable[[str], object], seconds: float = 60.0) -> str:
        """Read until the screen shows `wanted`; the screen.  Fails with what stands there."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            screen = self.text()
            if wanted in screen if isinstance(wanted, str) else wanted(screen):
                return screen
            if not self._read(0.1) and self.ended():
                break
        raise AssertionError(f"never saw {wanted!r}; the screen was\n{self.text()}")

    def ended(self) -> bool:
        """Whether the command has ended."""
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True

    def wait_end(self, seconds: float = 20.0) -> None:
        """Read until the command ends.  Fails after a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._read(0.1)
            if self.ended():
                return
        raise AssertionError(f"still there:\n{self.text()}")

    def children(self) -> list[int]:
        """Process ids of the command's children."""
        path = f"/proc/{self.pid}/task/{self.pid}/children"
        with open(path, encoding="ascii") as file:
            return [int(word) for word in file.read().split()]

    def close(self) -> None:
        """Kill what is left."""
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:  # the other side is gone
            return False
        self._stream.feed(data)
        return bool(data)
