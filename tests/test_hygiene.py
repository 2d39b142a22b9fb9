"""Who imports what, shown in fresh processes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "corefeel_tui"
CORE = sorted(
    f"corefeel_tui.{path.stem}" for path in SOURCE.glob("*.py") if not path.stem.startswith("__")
)


def imported_by(code: str) -> set[str]:
    """Top-level packages in a fresh process after running `code`."""
    report = "; import sys; print('\\n'.join({m.partition('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_core_imports_neither_engine_nor_screen() -> None:
    heavy = {"mlx", "mlx_lm", "textual", "transformers", "torch"}
    assert imported_by("; ".join(f"import {name}" for name in CORE)).isdisjoint(heavy)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["ask", "--help"], ["nonsense"]])
def test_quick_answers_import_nothing_heavy(words: list[str]) -> None:
    code = (
        "from corefeel_tui import cli; import io, sys; sys.stdout = io.StringIO(); "
        f"cli.run({words}); sys.stdout = sys.__stdout__"
    )
    heavy = {"mlx", "mlx_lm", "textual", "transformers", "torch", "scipy", "numpy"}
    assert imported_by(code).isdisjoint(heavy)


def test_reading_sessions_starts_no_engine_and_no_screen() -> None:
    code = "from corefeel_tui import cli; cli.run(['sessions', 'list'])"
    assert imported_by(code).isdisjoint({"mlx", "mlx_lm", "textual", "transformers", "torch"})


def test_the_first_paint_waits_for_nothing_it_does_not_show() -> None:
    code = (
        "from corefeel_tui import cli, settings, recording, replay; "
        "settings.override(settings.load_settings()); import corefeel_tui.ui.app"
    )
    assert imported_by(code).isdisjoint({"pydantic", "numpy", "scipy", "mlx", "mlx_lm"})


@pytest.mark.parametrize(("package", "room"), [("mlx", "engine"), ("textual", "ui")])
def test_one_room_imports_it(package: str, room: str) -> None:
    importers = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        if package in _roots(path)
    }
    assert importers <= {room}


def _roots(path: Path) -> set[str]:
    """Top-level packages that a file imports anywhere in it."""
    roots = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            roots.add(node.module.partition(".")[0])
    return roots
