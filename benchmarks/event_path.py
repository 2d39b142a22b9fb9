"""What the event path costs: `python benchmarks/event_path.py`.

Encode and write in one process; read, parse, append to a session file and fold in another, at the
rate of five panes of 60 tokens/s in the worst case (all forked, k = 8).  CPU time of both
processes over the time the run would take.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import numpy as np

from corefeel_tui import events as ev
from corefeel_tui.engine.trajectories import Answer, Lines, PieceTexts, Position

NAMES = ["bf16", "8bit", "4bit", "3bit", "2bit"]
RATE = 60
SECONDS = 30
LINE = 2
"""Positions per line: 40 ms at 60 tokens/s."""


def position(random: np.random.Generator, scorers: list[str]) -> Position:
    """What the engine knows of one position of one trajectory before it becomes a line."""
    floats = ("kl", "logprob", "entropy", "gap", "confidence")
    scores = {}
    for model in scorers:
        scores[model] = dict(zip(floats, random.random(len(floats)).tolist(), strict=True))
        scores[model] |= {"argmax": 7, "rank": 1, "token_rank": 1, "flip": False}
        scores[model]["top"] = (list(range(8)), random.random(8).tolist())
    return Position(7, scores, shared=False)


class NoPieces:
    """A vocabulary whose texts were all told."""

    def fresh(self, ids: set[int]) -> dict[str, str]:
        """Nothing new."""
        return {}


def write_stream() -> None:
    """The engine's half: every line of the run, as fast as it goes, to stdout."""
    random = np.random.default_rng(0)
    answers = [Answer(name, None) for name in NAMES]
    positions = {
        name: [
            position(random, NAMES if name == "bf16" else ["bf16", name])
            for _ in range(RATE * SECONDS)
        ]
        for name in NAMES
    }
    began = time.process_time()
    lines = Lines("r", "bf16", cast(PieceTexts, NoPieces()))
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    out.write(ev.encode(ev.Started("r", "?", NAMES, "bf16")))
    for start in range(0, RATE * SECONDS, LINE):
        for answer in answers:
            answer.pending += positions[answer.name][start : start + LINE]
        for event in lines.flush(answers):
            out.write(ev.encode(event))
    out.write(ev.encode(ev.ItemFinished("r")))
    print(time.process_time() - began, file=sys.stderr)


def read_stream() -> float:
    """The screen's half; its CPU seconds."""
    from corefeel_tui.folding import Record, apply

    began = time.process_time()
    record = Record()
    with (
        tempfile.TemporaryDirectory() as directory,
        (Path(directory) / "session.jsonl").open("ab", buffering=0) as file,
    ):
        for line in sys.stdin.buffer:
            file.write(line)
            apply(record, ev.decode(line))
    assert len(record.runs["r"].reference.ids) == RATE * SECONDS
    return time.process_time() - began


def main() -> None:
    """Run both halves and print their share."""
    role = sys.argv[1] if len(sys.argv) > 1 else ""
    if role == "write":
        write_stream()
    elif role == "read":
        print(read_stream())
    else:
        here = [sys.executable, os.path.abspath(__file__)]
        shares = []
        for _ in range(5):
            writer = subprocess.Popen(
                [*here, "write"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            reader = subprocess.run(
                [*here, "read"], stdin=writer.stdout, capture_output=True, text=True, check=True
            )
            assert writer.stderr is not None
            both = float(writer.stderr.read()), float(reader.stdout)
            writer.wait()
            shares.append((sum(both) / SECONDS, *both))
        share, write, read = sorted(shares)[2]
        print(
            f"{RATE} tokens/s x {len(NAMES)} panes for {SECONDS} s, all forked, top 8: "
            f"engine {write:.2f} s, screen {read:.2f} s of CPU: {share:.1%} of the run"
        )


if __name__ == "__main__":
    main()
