"""`corefeel doctor`: what this machine gives the engine, what it lacks, and the mend of each.

Knows files and versions, and what the engine measured of itself; keeps nothing.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from corefeel_tui import __version__, environment, paths
from corefeel_tui import events as ev
from corefeel_tui.cli import options as opt
from corefeel_tui.errors import CorefeelError
from corefeel_tui.text.numbers import size

PACKAGES = ("mlx", "mlx-lm", "textual", "numpy")
COMPILERS = ("g++", "clang++", "c++")
INEXACT = 0.01
"""Relative error from which on a kernel is worse than quantizing to 8 bits."""
SLOW = 8.0
"""GFLOP/s that any fast BLAS passes on any machine of these days."""
LITTLE = 2 << 30
"""Bytes of usable memory below which hardly any model but Pocket fits."""


@dataclass(frozen=True, slots=True)
class Line:
    """One fact; `mend` is what to do about it, and makes it a yellow line."""

    name: str
    fact: str
    mend: str = ""


def doctor(
    clear: Annotated[
        bool, typer.Option("--clear", help="Delete kept weights, figures and hashes first.")
    ] = False,
    output: Annotated[opt.ReportFormat, typer.Option("--format", help="Form of the result.")] = (
        opt.ReportFormat.text
    ),
) -> None:
    """Measure what this machine gives the engine, and tell what to install or to change."""
    if clear:
        clear_caches()
    lines = [*_installed(), *_measured(), *_places()]
    if output is opt.ReportFormat.json:
        mends = {line.name: line.mend for line in lines if line.mend}
        opt.print_json({line.name: _whole(line) for line in lines} | {"to do": mends})
        return
    width = max(len(line.name) for line in lines)
    for line in lines:
        colour = typer.colors.YELLOW if line.mend else None
        mark = "!" if line.mend else " "
        typer.echo(typer.style(f"{mark} {line.name:<{width}}  {_whole(line)}", fg=colour))


def _whole(line: Line) -> str:
    return f"{line.fact}; {line.mend}" if line.mend else line.fact


def clear_caches() -> None:
    """Everything that a start would otherwise read in place of making it; sessions stay."""
    for directory in (paths.weights_directory(), paths.figures_directory()):
        shutil.rmtree(directory, ignore_errors=True)
    (paths.cache_directory() / "hashes.json").unlink(missing_ok=True)


# --- what is there ------------------------------------------------------------------------------


def _installed() -> Iterator[Line]:
    yield Line("corefeel", f"{__version__}, Python {platform.python_version()}")
    yield Line("packages", ", ".join(f"{name} {_version(name)}" for name in PACKAGES))
    processor = f"{platform.system()} {platform.machine()}, {environment.cpu_count()} cpus"
    yield Line("machine", processor)
    yield _openblas()
    found = next(filter(None, map(shutil.which, COMPILERS)), None)
    needs = "MLX on a CPU needs one (Debian, Ubuntu: g++)"
    yield Line("C++ compiler", found or "none", "" if found else needs)
    yield _colours()


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _openblas() -> Line:
    if not sys.platform.startswith("linux"):
        return Line("OpenBLAS", "not needed here")
    found = environment.openblas_path() or os.environ.get("LD_PRELOAD")
    slower = "CPU matrices are 40–80 times slower without (Debian, Ubuntu: libopenblas0)"
    return Line("OpenBLAS", found or "none", "" if found else slower)


def _colours() -> Line:
    """What a terminal says it can show; tints need more than 16 colours."""
    from rich.console import Console

    if os.environ.get("NO_COLOR"):
        return Line("colours", "none wanted (NO_COLOR)")
    system = Console(force_terminal=True).color_system
    few = "" if system in ("truecolor", "256") else "for tints: export TERM=xterm-256color"
    return Line("colours", system or "none", few)


# --- what the engine measures -------------------------------------------------------------------


def _measured() -> list[Line]:
    """The engine's own findings, or why there are none."""
    from corefeel_tui import headless
    from corefeel_tui.client import EngineClient

    started: list[ev.EngineStarted] = []

    def hear(event: ev.Event) -> None:
        if isinstance(event, ev.EngineStarted):
            started.append(event)

    try:
        found = asyncio.run(headless.examine_only(EngineClient(), hear))
    except CorefeelError as error:
        return [Line("engine", f"does not answer: {error}", "mend the lines above first")]
    return [*_backend(started[0]), *_arithmetic(found)]


def _backend(started: ev.EngineStarted) -> Iterator[Line]:
    expanded = started.execution == "expanded"
    how = "expanded: packed weights become float32" if expanded else "native: as they are stored"
    yield Line("backend", f"{started.backend}, {how}; BLAS {started.blas or 'none'}")


def _arithmetic(found: ev.Examined) -> Iterator[Line]:
    errors = {name: error["here"] for name, error in found.kernels.items()}
    bad = [name for name, error in errors.items() if error is None or error > INEXACT]
    told = ", ".join(f"{n} {e:.1g}" if e is not None else f"{n} –" for n, e in errors.items())
    doubt = f"do not believe small drifts of {', '.join(bad)}: the kernel itself is inexact"
    yield Line("kernels", f"error beside float64: {told}", doubt if bad else "")
    packed = [error["packed"] for error in found.kernels.values() if error["packed"]]
    if errors and packed and max(packed) > INEXACT and not bad:
        yield Line("packed kernels", f"off by up to {max(packed):.1g}, so they are not used here")
    slow = "" if found.gflops >= SLOW else "install a BLAS (see above), or stop other programs"
    yield Line(
        "speed",
        f"{found.gflops:.0f} GFLOP/s; a matrix of 64 MiB is read {found.tokens_per_second:.0f} "
        "times a second",
        slow,
    )
    close = "" if found.usable_bytes >= LITTLE else "close other programs before loading a model"
    yield Line("memory", f"{size(found.usable_bytes)} usable of {found.source}", close)


# --- where things are kept ----------------------------------------------------------------------


def _places() -> Iterator[Line]:
    yield _directory("cache", paths.cache_directory())
    yield _kept_weights()
    yield _directory("kept figures", paths.figures_directory())
    yield _directory("sessions", paths.sessions_directory())
    files = filter(Path.is_file, paths.settings_files())
    yield Line("settings", str(next(files, "none, all defaults")))


def _kept_weights() -> Line:
    """Of quantized models, and how much there may be."""
    from corefeel_tui.settings import load_settings

    cap, line = load_settings().cache_gb, _directory("kept weights", paths.weights_directory())
    limit = f"of at most {cap:g} GB, the least recently used go" if cap else "none are kept"
    return Line(line.name, f"{line.fact}; {limit}", line.mend)


def _directory(name: str, path: Path) -> Line:
    if not path.exists():
        return Line(name, f"{path} (not there yet)")
    held = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    mend = "" if os.access(path, os.W_OK) else "not writable: nothing will be saved; chmod it"
    return Line(name, f"{path} ({held / 1e6:.1f} MB)", mend)
