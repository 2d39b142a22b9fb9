"""Generators: the same arguments make the same items, anywhere, and fewer are the first of more."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from corefeel_tui.generators import NAMES, make

DIGEST = """
import hashlib, sys
from corefeel_tui.generators import NAMES, make
for name in sorted(NAMES):
    items = make(name, 12, 5)
    print(name, hashlib.sha256(repr(items).encode()).hexdigest())
"""


def test_another_process_makes_the_same_items():
    def digests(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    first = digests("1")
    assert first.count("\n") == len(NAMES)
    assert first == digests("2")


@pytest.mark.parametrize("name", sorted(NAMES))
def test_fewer_are_the_first_of_more(name):
    assert make(name, 40, 3)[:13] == make(name, 13, 3)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_another_seed_makes_other_items(name):
    one, two = make(name, 8, 1), make(name, 8, 2)
    assert len(one) == len(two) == 8
    assert [(i.prompt, i.turns) for i in one] != [(i.prompt, i.turns) for i in two]


def test_lengths_reach_the_texts():
    for item in make("recall-general", 10, 1, (40, 90)):
        assert abs(len(str(item.prompt).split()) - int(item.group["length"])) < 50
    assert {item.group["length"] for item in make("recall-pocket", 10, 1, (50, 800))} == {50, 800}
