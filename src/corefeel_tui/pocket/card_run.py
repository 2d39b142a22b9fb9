"""The held-out items through the batch evaluation, as `corefeel eval` runs any suite.

Knows how a run is started and where its evidence lies; not what an answer is worth.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from corefeel_tui.environment import cpu_count
from corefeel_tui.errors import CorefeelError
from corefeel_tui.evidence import Evidence, ItemEvidence
from corefeel_tui.evidence_file import read_evidence

from .conversation import Item
from .suite_file import suite_file

MAX_TOKENS = 160
HEAD = """\
[suite]
name = "{name}"
kind = "card"
dialect = "pocket"
max_tokens = {max_tokens}
"""


def write_suites(chosen: Mapping[str, Sequence[Item]], folder: Path) -> list[Path]:
    """One suite file for each column that has items."""
    paths = []
    for column, items in chosen.items():
        if items:
            path = folder / f"{column}.toml"
            head = HEAD.format(name=column, max_tokens=MAX_TOKENS)
            named = ((_name(column, number), item) for number, item in enumerate(items))
            path.write_text(suite_file(head, named), "utf-8")
            paths.append(path)
    return paths


def evaluate(
    weights: Path, suites: Sequence[Path], shares: Sequence[Sequence[str]], folder: Path
) -> list[Evidence]:
    """The evidence of one run for each share of the variants, all runs at once.

    Raises CorefeelError where one fails.
    """
    threads = -(-cpu_count() // len(shares))

    def run(number: int) -> Evidence:
        session = folder / f"{number}.jsonl"
        _evaluate(weights, suites, shares[number], session, threads)
        return read_evidence(session)

    with ThreadPoolExecutor(len(shares)) as pool:
        return list(pool.map(run, range(len(shares))))


def by_column(
    evidence: Evidence, chosen: Mapping[str, Sequence[Item]]
) -> dict[str, list[ItemEvidence]]:
    """What every item left behind, in the order of the items.

    Raises CorefeelError where an item was skipped or failed.
    """
    found = {(item.suite.partition("@")[0], item.id): item for item in evidence.items}
    columns = {
        column: [found.get((column, _name(column, n))) for n in range(len(items))]
        for column, items in chosen.items()
    }
    finished: dict[str, list[ItemEvidence]] = {}
    for column, items in columns.items():
        finished[column] = [x for x in items if x is not None and x.status == "finished"]
        if len(finished[column]) < len(items):
            missing = len(items) - len(finished[column])
            raise CorefeelError(f"{evidence.path}: {missing} items of {column} were not answered")
    return finished


def _name(column: str, number: int) -> str:
    return f"{column.replace(' ', '-')}-{number}"


def _evaluate(
    weights: Path, suites: Sequence[Path], variants: Sequence[str], session: Path, threads: int
) -> None:
    command = [sys.executable, "-m", "corefeel_tui", "eval", str(weights)]
    command += [option for path in suites for option in ("--suite", str(path))]
    command += ["--variants", ",".join(variants), "--session", str(session), "--format", "json"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads)}
    done = subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=False)
    if done.returncode:
        raise CorefeelError(f"the evaluation for the card ended with {done.returncode}")
