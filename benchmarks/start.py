"""How long a start takes: `python benchmarks/start.py`.

From the command to the first paint of the app (read in a terminal of its own), and to the first
token of Pocket in five precisions (`ask --format jsonl`); beside them, in the same run, what
Python takes to import Textual and mlx-lm, which nobody can undercut.  Medians of five.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from pairs import ROUNDS
from tests.terminal import Terminal


def first_paint() -> float:
    """Seconds until the app's frame stands on the screen."""
    began = time.perf_counter()
    terminal = Terminal("-m", "corefeel_tui", columns=120, rows=40)
    try:
        terminal.wait_for("╭─ bf16", 60)
        return time.perf_counter() - began
    finally:
        terminal.close()


def first_token() -> float:
    """Seconds until the first scored token is on stdout."""
    began = time.perf_counter()
    words = ["ask", "What is in the handbook?", "--no-save", "--max-tokens", "4"]
    with subprocess.Popen(
        [sys.executable, "-m", "corefeel_tui", *words, "--format", "jsonl"],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b'{"event":"tokens"'):
                break
        return time.perf_counter() - began


def importing(module: str) -> Callable[[], float]:
    """Seconds that Python takes to import a module and leave."""

    def run() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
        return time.perf_counter() - began

    return run


def median(measure: Callable[[], float]) -> float:
    """The middle of some runs, after one to warm up."""
    measure()
    return statistics.median(measure() for _ in range(ROUNDS))


def main() -> None:
    """Print both sides."""
    paint, textual = median(first_paint), median(importing("textual.app, textual.widgets"))
    print(f"first paint {paint:.2f} s   importing Textual {textual:.2f} s")
    token, mlx_lm = median(first_token), median(importing("mlx_lm"))
    print(f"first token {token:.2f} s   importing mlx-lm {mlx_lm:.2f} s")


if __name__ == "__main__":
    main()
