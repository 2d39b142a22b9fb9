"""What the engine process is given to live in: a fast BLAS, sane threads, a private TMPDIR.

Knows the operating system; nothing of the engine's work.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from glob import iglob
from pathlib import Path

from corefeel_tui.paths import cache_directory, private_directory

OPENBLAS_PLACES = (
    f"{sys.prefix}/lib/libopenblas.so*",
    "/usr/lib/*/libopenblas.so.0",
    "/usr/lib/*/openblas-pthread/libopenblas.so.0",
    "/usr/lib64/libopenblasp.so.0",
    "/usr/lib64/libopenblas.so.0",
    "/usr/lib/libopenblas.so*",
)
"""File patterns of a system OpenBLAS with 32-bit integers, the threaded build where it is apart."""

HUGE_PAGES = "glibc.malloc.hugetlb=1"
"""glibc asks the kernel for huge pages: arrays of gigabytes otherwise cost more time in page faults
than in arithmetic."""

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Of a container: microseconds allowed and their period, or "max"."""


def engine_environment() -> dict[str, str]:
    """This process's environment, with what the engine needs added."""
    environment = {**os.environ, "TMPDIR": temporary_directory(), "PYTHONUNBUFFERED": "1"}
    library = openblas_path()
    if library is not None:
        preloads = environment.get("LD_PRELOAD", "").split()
        environment["LD_PRELOAD"] = " ".join([*preloads, library])
        environment.setdefault("OPENBLAS_NUM_THREADS", str(cpu_count()))
    if sys.platform.startswith("linux"):
        environment.setdefault("GLIBC_TUNABLES", HUGE_PAGES)
    return environment


@cache
def openblas_path() -> str | None:
    """A system OpenBLAS to preload, or None: on macOS, where there is none, or where one is set."""
    if not sys.platform.startswith("linux") or "blas" in os.environ.get("LD_PRELOAD", ""):
        return None
    return next((path for pattern in OPENBLAS_PLACES for path in iglob(pattern)), None)


def cpu_count() -> int:
    """CPUs this process may use; more threads than that fight each other."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = allowed or 1
    try:
        quota, period = CPU_QUOTA.read_text().split()
        return max(1, min(count, int(quota) // int(period)))
    except (OSError, ValueError):
        return count


@cache
def temporary_directory() -> str:
    """A directory only this user can write to.

    MLX's CPU back end compiles into TMPDIR and loads from there under a guessable name, which in a
    shared one is anybody's code.  Kept between runs, so that kernels are compiled once.
    """
    try:
        return str(private_directory(cache_directory() / "engine"))
    except OSError:
        return tempfile.mkdtemp(prefix="corefeel-")
