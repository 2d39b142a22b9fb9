"""`corefeel doctor`: what this machine gives the engine, and what it lacks.

Knows files and versions; measures nothing and starts nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from corefeel_tui import __version__, environment, paths
from corefeel_tui.cli import options as opt

PACKAGES = ("mlx", "mlx-lm", "textual", "numpy")
COMPILERS = ("g++", "clang++", "c++")


def doctor(
    output: Annotated[opt.ReportFormat, typer.Option("--format", help="Form of the result.")] = (
        opt.ReportFormat.text
    ),
) -> None:
    """Tell what this machine gives the engine, and what to install."""
    facts = {
        "corefeel": f"{__version__}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "machine": f"{platform.system()} {platform.machine()}, {environment.cpu_count()} cpus",
        "OpenBLAS": environment.openblas_path() or _no_openblas(),
        "C++ compiler": _compiler(),
        "cache": _directory(paths.cache_directory()),
        "kept weights": _kept_weights(),
        "sessions": _directory(paths.sessions_directory()),
        "settings": str(next(filter(Path.is_file, paths.settings_files()), "none, all defaults")),
    }
    if output is opt.ReportFormat.json:
        opt.print_json(facts)
        return
    width = max(map(len, facts))
    for name, fact in facts.items():
        typer.echo(f"{name:<{width}}  {fact}")


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _no_openblas() -> str:
    if not sys.platform.startswith("linux"):
        return "not needed here"
    return "none; CPU matrices are 40–80 times slower without (Debian, Ubuntu: libopenblas0)"


def _compiler() -> str:
    """MLX's CPU back end compiles its kernels at run time."""
    found = next(filter(None, map(shutil.which, COMPILERS)), None)
    return found or "none; MLX on a CPU needs one (Debian, Ubuntu: g++)"


def _kept_weights() -> str:
    """Of quantized models, and how much there may be."""
    from corefeel_tui.settings import load_settings

    cap, path = load_settings().cache_gb, paths.weights_directory()
    limit = f"of at most {cap:g} GB, the least recently used go" if cap else "none are kept"
    return f"{_directory(path)}; {limit}"


def _directory(path: Path) -> str:
    if not path.exists():
        return f"{path} (not there yet)"
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    writable = "" if os.access(path, os.W_OK) else ", not writable: nothing will be saved"
    return f"{path} ({size / 1e6:.1f} MB{writable})"
