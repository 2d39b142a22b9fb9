"""How many bytes this machine can still give to models, and who says so.

Knows the device and the operating system; no model.  On Metal it is the recommended working set, on
CUDA the device's free memory, elsewhere what the system says is available, within the process's
own memory limit if it has one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx

from corefeel_tui.engine import memory

RESERVED_SHARE = 8
"""One part in so many stays free: for prefixes kept between turns, chunks of prefill, the rest of
this process and of the machine."""
MOST_RESERVED = 2 << 30
"""Bytes; kept prefixes take no more."""

MEMINFO = Path("/proc/meminfo")
OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")
LIMITS = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
"""(limit, use) of a control group in version 2 and 1."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """`free` bytes are not in use; `reserve` of them are not for models; `source` names them."""

    free: int
    source: str

    @property
    def reserve(self) -> int:
        """Bytes that stay free."""
        return min(self.free // RESERVED_SHARE, MOST_RESERVED)

    @property
    def usable(self) -> int:
        """Bytes that models, caches and logits may take."""
        return self.free - self.reserve


def capacity() -> Capacity:
    """What is free now, beside what this process's arrays hold already."""
    kind = memory.backend()
    if kind == "metal":
        working_set = int(mx.device_info()["max_recommended_working_set_size"])
        free = max(working_set - memory.memory_in_use(), 0)
        return Capacity(free, "Metal's recommended working set")
    unused = int(mx.get_cache_memory())  # held for new arrays, so free for them
    if kind == "cuda":
        return Capacity(int(mx.device_info()["free_memory"]) + unused, "the GPU's free memory")
    available = _available()
    limit = min(_group_limits(), default=available)
    if limit < available:
        return Capacity(limit + unused, "this process's memory limit")
    return Capacity(available + unused, "available memory")


def _available() -> int:
    """What Linux could give without swapping; on other systems all there is."""
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))


def _group_limits() -> Iterator[int]:
    """Bytes left under each memory limit that binds this process, its parents' included."""
    for directory in _groups():
        for limit, use in LIMITS:
            try:
                bound = int((directory / limit).read_text())  # "max" where there is none
                used = int((directory / use).read_text())
            except (OSError, ValueError):
                continue
            yield max(bound - used + _reclaimable(directory), 0)


def _groups() -> Iterator[Path]:
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers in ("", "memory"):
            root = GROUPS / controllers
            own = root / group.lstrip("/")
            yield own
            yield from (parent for parent in own.parents if parent.is_relative_to(root))


def _reclaimable(directory: Path) -> int:
    """File pages counted as used that go when memory is asked for."""
    try:
        words = (line.split() for line in (directory / "memory.stat").read_text().splitlines())
        found = {name: int(value) for name, value in words}
    except (OSError, ValueError):
        return 0
    return found.get("total_inactive_file", found.get("inactive_file", 0))
