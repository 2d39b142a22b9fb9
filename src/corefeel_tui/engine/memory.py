"""What this process runs on: back end, execution, BLAS, bytes in use.

Knows MLX's devices and the process itself; no model.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import mlx.core as mx

from corefeel_tui import __version__
from corefeel_tui.environment import cpu_count
from corefeel_tui.events import EngineStarted

PACKAGES = ("mlx", "mlx-lm", "numpy", "transformers")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_CORETYPE")
"""Variables by which a BLAS is told how to compute."""


def backend() -> str:
    """ "metal", "cuda" or "cpu"."""
    if mx.default_device() != mx.gpu:
        return "cpu"
    return "metal" if mx.metal.is_available() else "cuda"


def execution() -> str:
    """How quantized weights are computed with here: packed as stored, or expanded to float32.

    MLX's CPU kernels for quantized weights are less exact than 8-bit quantization itself, so a
    CPU computes with expanded weights (DESIGN 4.6).
    """
    return "expanded" if backend() == "cpu" else "native"


def blas() -> str | None:
    """The fast BLAS behind matrix products on a CPU, or None where MLX uses its own slow one."""
    if backend() != "cpu":
        return None
    if sys.platform == "darwin":
        return "Accelerate"
    try:
        mapped = Path("/proc/self/maps").read_text()
    except OSError:
        mapped = os.environ.get("LD_PRELOAD", "")
    names = {Path(word).name for word in mapped.split() if "blas" in Path(word).name}
    return next(
        (name for name in sorted(names) if name.startswith(("libopenblas", "libmkl"))), None
    )


def machine() -> list[object]:
    """All that decides how fast, and to which last digit, this process computes."""
    return [
        platform.node(),
        platform.machine(),
        _processor(),
        backend(),
        execution(),
        blas(),
        cpu_count(),
        [os.environ.get(name) for name in THREADS],
        sorted(_versions().items()),
    ]


def _processor() -> str:
    """The chip that computes."""
    if backend() != "cpu":
        return str(mx.device_info().get("device_name"))
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), platform.processor())


def memory_in_use() -> int:
    """Bytes that MLX's arrays hold."""
    return int(mx.get_active_memory())


def release() -> None:
    """Give back what arrays that nobody holds any more took, to the system where that can be."""
    gc.collect()
    mx.clear_cache()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def engine_started() -> EngineStarted:
    """The first line of an engine's life."""
    return EngineStarted(
        pid=os.getpid(),
        backend=backend(),
        execution=execution(),
        blas=blas(),
        versions={"corefeel": __version__, **_versions()},
    )


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
