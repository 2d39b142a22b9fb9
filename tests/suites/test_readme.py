"""The example in the suites' README is a suite that loads."""

from __future__ import annotations

import re

from corefeel_tui.suites import load_suite

from .shipped import PROMPTS


def test_the_example_loads(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", (PROMPTS / "README.md").read_text(), re.DOTALL)
    path = tmp_path / "tone.toml"
    path.write_text(example)
    (item,) = load_suite(path).made().item
    assert len(item.checks) == 2
