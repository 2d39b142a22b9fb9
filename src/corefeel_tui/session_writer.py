"""One session file being made: its place and name, its lock, its lines.

Knows the directory rule and the header; nothing of where the events come from.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import platform
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

from pydantic_core import to_json

from corefeel_tui import events as ev
from corefeel_tui.environment import cpu_count
from corefeel_tui.errors import SessionError
from corefeel_tui.paths import private_directory, sessions_directory
from corefeel_tui.sessions import FORMAT, read_session


class SessionWriter:
    """One new session file under an exclusive lock.  Every method raises OSError if it cannot."""

    def __init__(self, path: Path, header: ev.SessionHeader) -> None:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        self.path = path
        self._began = datetime.fromisoformat(header.created)
        self._write(ev.encode(header))

    @classmethod
    def reopen(cls, path: Path, header: ev.SessionHeader) -> SessionWriter:
        """Go on with a session of the same models; a last line cut short by a kill is removed.

        Raises SessionError where another process writes it or its header differs.
        """
        earlier, _ = read_session(path)
        refuse_difference(path, earlier, header)
        writer = cls.__new__(cls)
        writer.path = path
        writer._began = datetime.fromisoformat(earlier.created)
        writer._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(writer._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(writer._fd)
            raise SessionError(f"{path} is being written by another process; let it end") from None
        os.ftruncate(writer._fd, path.read_bytes().rfind(b"\n") + 1)
        return writer

    def append(self, event: ev.Event) -> None:
        """Put one line into the system's hands: it survives this process from now on."""
        elapsed = (datetime.now().astimezone() - self._began).total_seconds()
        line = ev.to_dict(event) | {"t": round(elapsed, 3)}
        self._write(to_json(line, inf_nan_mode="null") + b"\n")

    async def sync(self) -> None:
        """Put everything so far onto the disk: it survives the machine.  Off the event loop."""
        fd = os.dup(self._fd)
        try:
            await asyncio.to_thread(os.fsync, fd)
        finally:
            os.close(fd)

    def rename(self, path: Path) -> None:
        """Move the file to a name that is free."""
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        self.path = self.path.replace(path)

    def close(self) -> None:
        """Let go of file and lock."""
        os.close(self._fd)

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._fd, line) :]


def refuse_difference(path: Path, earlier: ev.SessionHeader, now: ev.SessionHeader) -> None:
    """Raises SessionError naming what a session's header says otherwise than today's."""
    told = _comparable(now)
    for what, before in _comparable(earlier).items():
        if before != told[what]:
            raise SessionError(
                f"{path} was made with another {what} ({before}, now {told[what]}), so its results "
                "and new ones do not belong together; choose another --session file"
            )


def _comparable(header: ev.SessionHeader) -> dict[str, object]:
    return {
        "model": header.model,
        "set of weights": header.fingerprint,
        "set of variants": [str(v.get("treatment")) for v in header.variants],
        "execution": header.execution,
        "format": header.format,
    }


def create_session(slug: str, header: ev.SessionHeader) -> SessionWriter:
    """A new file `<date>-<slug>.jsonl`, numbered where that exists.  Raises OSError."""
    directory = sessions_directory()
    if directory.is_absolute():
        private_directory(directory)
        ignore = directory / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    for name in _names(f"{header.created[:10]}-{slug}"):
        with contextlib.suppress(FileExistsError):
            return SessionWriter(directory / name, header)
    raise AssertionError("there is always another number")


def free_path(slug: str) -> Path:
    """Where a session that begins now would stand.  Raises OSError if nothing can stand there."""
    directory = sessions_directory()
    if directory.is_absolute():
        private_directory(directory)
    stem = f"{datetime.now():%Y-%m-%d}-{slug}"
    return next(directory / name for name in _names(stem) if not (directory / name).exists())


def _names(stem: str) -> Iterator[str]:
    yield f"{stem}.jsonl"
    for number in count(2):
        yield f"{stem}-{number}.jsonl"


def slugify(text: str) -> str:
    """A few words of a text as a part of a file name."""
    words = re.findall(r"[a-z0-9]+", text[:400].lower())
    return "-".join(words)[:40].strip("-") or "session"


def make_header(
    engine: ev.EngineStarted | None, loaded: ev.Loaded, sampling: ev.JSON
) -> ev.SessionHeader:
    """The header of a session that begins now."""
    return ev.SessionHeader(
        format=FORMAT,
        created=datetime.now().astimezone().isoformat(timespec="milliseconds"),
        model=loaded.model,
        reference=loaded.reference,
        variants=loaded.variants,
        fingerprint=loaded.fingerprint,
        floors=loaded.floors,
        sampling=sampling,
        backend=engine.backend if engine else "",
        execution=engine.execution if engine else "",
        blas=engine.blas if engine else None,
        versions=engine.versions if engine else {},
        machine=machine(),
    )


def machine() -> ev.JSON:
    """What the numbers were made on; nothing that names its owner."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cpus": cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "")
