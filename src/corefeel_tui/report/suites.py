"""Suites as lists on a terminal.

Knows what a suite file says; reads none.
"""

from __future__ import annotations

from corefeel_tui.report import terminal as t
from corefeel_tui.suites import Suite
from corefeel_tui.text.inert import one_line


def print_suites(suites: list[Suite]) -> None:
    """One line a suite."""
    out = t.console()
    if not suites:
        out.print(t.line("no suites here; put one into prompts/"))
        return
    rows = [[s.name, s.suite.kind, str(s.size), one_line(s.suite.description, 70)] for s in suites]
    out.print(t.table(("suite", "kind", "items", "description"), rows, ("kind", "description")))


def print_suite(suite: Suite) -> None:
    """A suite's items."""
    out = t.console()
    out.print(t.line((suite.name, "bold"), f"  {suite.suite.description}"))
    if suite.mix:
        taken = [[name, str(portion.count)] for name, portion in suite.mix.items()]
        out.print(t.table(("suite", "items"), taken))
        return
    items = suite.made().item
    rows = [[item.id, item.expected or "–", one_line(item.first_prompt, 90)] for item in items]
    out.print(t.table(("item", "expected", "prompt"), rows, ("expected", "prompt")))
