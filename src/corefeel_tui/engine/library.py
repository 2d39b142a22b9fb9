"""The library process: lists the hub's cache, plans a download, or carries one out.

`list`, `plan ID` or `fetch ID`; says events on stdout like the engine, and ends with stdin, so that
it can be killed at any time and never outlives who asked.  Loads no model.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from corefeel_tui import events as ev
from corefeel_tui import hub
from corefeel_tui.architectures import is_known
from corefeel_tui.engine import checkpoints, downloads
from corefeel_tui.engine.downloads import Leavings
from corefeel_tui.errors import CorefeelError, ModelError
from corefeel_tui.lineage import base_model, config_of, quantized_bits

QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


def said(words: list[str], leavings: Leavings) -> Iterator[ev.Event]:
    """What one request of the command line comes to.  Raises ModelError.

    `leavings` are what to remove if it is cut short.
    """
    match words:
        case ["list"]:
            yield listed()
        case ["plan", model]:
            yield downloads.plan(model)[0]
        case ["fetch", model]:
            yield from downloads.fetch(model, leavings)
        case _:
            raise ModelError("the library knows list, plan and fetch")


def listed() -> ev.LibraryListed:
    """Every model of the cache that can be loaded."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    directory = hub.cache_directory()
    try:
        repositories = scan_cache_dir(directory).repos
    except (CacheNotFound, ValueError):
        repositories = frozenset()
    found = sorted(repositories, key=lambda repository: -repository.last_accessed)
    models = [_entry(r.repo_id, r.size_on_disk) for r in found if r.repo_type == "model"]
    return ev.LibraryListed(str(directory), [model for model in models if model])


def _entry(model: str, size_on_disk: int) -> ev.JSON | None:
    """One model, or None if it could not be loaded."""
    snapshot = hub.cached_copy(model)
    if snapshot is None:
        return None
    config = config_of(snapshot)
    kind = config.get("model_type")
    if not isinstance(kind, str) or config.get("model_file") is not None or not is_known(kind):
        return None
    with contextlib.suppress(ModelError):
        checkpoints.weight_files(snapshot)
        bits = quantized_bits(config)
        base = None if bits is None else base_model(snapshot, config)
        told = {"architecture": kind, "quantized": bits, "base": base}
        return {"model": model, "bytes": size_on_disk, **told}
    return None


def main(words: list[str]) -> int:
    """Say everything, then end; the exit code."""
    os.environ |= QUIET
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    leavings = Leavings()
    threading.Thread(target=_end_with_stdin, args=(leavings,), daemon=True).start()
    try:
        for event in said(words, leavings):
            _write(out, event)
    except CorefeelError as error:
        _write(out, ev.Failed(str(error)))
    return 0


def _write(out: Any, event: ev.Event) -> None:
    line = memoryview(ev.encode(event))
    while line:
        line = line[out.write(line) or 0 :]


def _end_with_stdin(leavings: Leavings) -> None:
    while os.read(0, 4096):
        pass
    leavings.remove()
    os._exit(0)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # a download's threads would keep an ordinary end waiting
