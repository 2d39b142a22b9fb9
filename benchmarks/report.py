"""Time of a report on a 2,000-item session against JSON-parsing the lines it needs.

Run it as `python benchmarks/report.py [ITEMS]`.  Prints both sides; CPU seconds, medians of five,
texts read for the first time in every round.  Reading, resampling (10,000 times) and imports are
rows of their own.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.evaluation.planted import Plant, broken, truthful, write

from corefeel_tui.diagnostics import (
    checks,
    domains,
    measurement,
    openers,
    reading,
    style,
    wording,
)
from corefeel_tui.evidence_file import read_evidence
from corefeel_tui.report.evaluation import as_dict, evaluate

ROUNDS = 5
BUDGET = 2.0


def main() -> None:
    """Make a session of 45 % verdicts, 45 % refusals and 10 % essays, and report on it."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory() as directory:
        path = session(Path(directory) / "session.jsonl", items)
        lines = [x for x in path.read_bytes().splitlines() if x.startswith(b'{"event":"item_fin')]
        size = sum(map(len, lines)) / 1e6
        parsing = median(lambda: [json.loads(line) for line in lines])
        read = median(lambda: read_evidence(path))
        reporting = median(lambda: as_dict(evaluate(path)))
        resampling = resampled(path)
        whole = path.stat().st_size / 1e6
        print(f"items                                  {len(lines)}, {size:.1f} of {whole:.1f} MB")
        print(f"JSON-parsing their lines (json)        {parsing:.3f} s")
        print(f"whole report                           {reporting:.3f} s")
        print(f"  of it reading and checking lines     {read:.3f} s")
        print(f"  of it resampling 10,000 times        {resampling:.3f} s")
        print(f"  of it everything else                {reporting - read - resampling:.3f} s")
        print(f"ratio (budget {BUDGET})                     {reporting / parsing:.1f}")
        print(f"ratio without the resampling           {(reporting - resampling) / parsing:.1f}")
        print(f"imports, once per command              {imports():.3f} s")


def session(path: Path, items: int) -> Path:
    """Five models, half of what they say in common."""
    drift = {"8bit": 0.001, "4bit": 0.03, "3bit": 0.3, "control": 3.0}
    behaviours = {
        "bf16": truthful,
        "8bit": truthful,
        "4bit": truthful,
        "3bit": broken,
        "control": broken,
    }
    words = {"4bit": 1.02, "3bit": 1.2, "control": 0.5}
    half, essays = round(items * 0.45), items - 2 * round(items * 0.45)
    return write(path, Plant(behaviours, half, half, essays, drift, words))


def median(work: Callable[[], object]) -> float:
    """CPU seconds of one round."""
    return statistics.median(one_round(work) for _ in range(ROUNDS))


def one_round(work: Callable[[], object]) -> float:
    """CPU seconds of the work with every text read for the first time."""
    forget()
    start = time.process_time()
    work()
    return time.process_time() - start


def resampled(path: Path) -> float:
    """CPU seconds that a report spends on intervals and permutation tests."""
    spent: list[float] = []

    def timed(work: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object, **named: object) -> object:
            start = time.process_time()
            found = work(*given, **named)
            spent.append(time.process_time() - start)
            return found

        return run

    places = [(measurement, "bootstrap_ratios"), (measurement, "sign_flips")]
    places += [(style, "resampled_sums"), (domains, "resampled_sums")]
    before = [getattr(module, name) for module, name in places]
    for (module, name), work in zip(places, before, strict=True):
        setattr(module, name, timed(work))
    rounds = []
    for _ in range(ROUNDS):
        spent.clear()
        one_round(lambda: evaluate(path))
        rounds.append(sum(spent))
    for (module, name), work in zip(places, before, strict=True):
        setattr(module, name, work)
    return statistics.median(rounds)


def forget() -> None:
    """Empty every cache of texts."""
    for module in (checks, openers, reading, style, wording):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def imports() -> float:
    """CPU seconds of a process that only imports, less those of one that does not."""
    return processed("import corefeel_tui.report.evaluation") - processed("pass")


def processed(code: str) -> float:
    """CPU seconds of a fresh interpreter."""
    told = f"{code}\nimport time; print(time.process_time())"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
