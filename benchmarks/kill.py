"""Kills `eval` at random moments and compares: `python benchmarks/kill.py [LIMIT] [KILLS] [SEED]`.

Runs the first LIMIT items of every suite of `core` on Pocket once without interruption, then again
with the whole process group killed KILLS times, each time resumed.  Both sessions must hold the
same evidence to the last digit, every item once, and give the same summary.  Exits 1 otherwise.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from corefeel_tui.evidence import ItemEvidence
from corefeel_tui.evidence_file import read_evidence

VARIANTS = "4bit,2bit"


def main() -> None:
    """Both runs, and what differs."""
    given = [int(word) for word in sys.argv[1:]]
    limit, kills, seed = (*given, *(2, 5, 0)[len(given) :])
    with tempfile.TemporaryDirectory() as directory:
        whole, torn = Path(directory) / "whole.jsonl", Path(directory) / "torn.jsonl"
        began = time.monotonic()
        wanted = ended(start(whole, limit, resume=False))
        seconds = time.monotonic() - began
        told = f"uninterrupted: {len(items(whole))} items in {seconds:.0f} s"
        print(told, flush=True)
        dice = random.Random(seed)
        for _ in range(kills):
            killed(torn, limit, dice.uniform(0.1, 0.6) * seconds)
        found = ended(start(torn, limit, resume=True))
        sys.exit(compared(whole, torn, {**wanted, "session": None}, {**found, "session": None}))


def start(session: Path, limit: int, resume: bool) -> subprocess.Popen[bytes]:
    """`eval` in a process group of its own."""
    words = [sys.executable, "-m", "corefeel_tui", "eval", "--suite", "core", "--limit", str(limit)]
    words += ["--variants", VARIANTS, "--session", str(session), "--format", "json"]
    words += ["--resume"] if resume else []
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


def ended(process: subprocess.Popen[bytes]) -> dict[str, object]:
    """The summary of a run that is left alone."""
    out, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f"eval ended with {process.returncode}")
    summary: dict[str, object] = json.loads(out)
    return summary


def killed(session: Path, limit: int, after: float) -> None:
    """Go on with a session for some seconds, then kill it and its engine at once."""
    with start(session, limit, resume=True) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    done = len(items(session))
    print(f"killed after {after:.0f} s with {done} items finished", flush=True)


def items(session: Path) -> dict[str, ItemEvidence]:
    """What stands in a session so far, by suite and id."""
    if not session.exists() or b'"planned"' not in session.read_bytes():
        return {}
    return {f"{item.suite}/{item.id}": item for item in read_evidence(session).items}


def times_told(session: Path) -> int:
    """Lines that finish an item."""
    lines = session.read_bytes().splitlines()
    heads = (line for line in lines if line.startswith(b'{"event":"item_finished"'))
    return sum(b'"evidence":{' in line for line in heads)


def compared(whole: Path, torn: Path, wanted: object, found: object) -> int:
    """0 where both sessions agree."""
    first, second = items(whole), items(torn)
    different = [key for key in first | second if first.get(key) != second.get(key)]
    repeated = times_told(torn) - len(second)
    same = wanted == found
    told = f"{len(second)} of {len(first)} items, {len(different)} different, {repeated} repeated"
    print(f"resumed: {told}; summaries {'equal' if same else 'differ'}")
    return int(bool(different or repeated or not same))


if __name__ == "__main__":
    main()
