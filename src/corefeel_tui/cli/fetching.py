"""Models of the hub that are not here: asked about and fetched before anything starts.

Knows terminals and the library process.  Without a terminal nothing is asked and nothing fetched;
the engine then says how to get the model.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from corefeel_tui.errors import UsageError

if TYPE_CHECKING:
    from corefeel_tui.commands import Load
    from corefeel_tui.events import DownloadPlanned


def fetch_missing(load: Load) -> None:
    """Fetch what a load names and this machine lacks, if the user agrees.

    Raises UsageError if not, ModelError if it cannot be had.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    for model in _missing(load):
        asyncio.run(_fetch(model))


def _missing(load: Load) -> Iterator[str]:
    """Hub ids of the model and of variants that come from elsewhere, of which no copy is whole."""
    from corefeel_tui import hub, variants

    specs = [variants.parse(text) for text in load.variants]
    named = [load.model, *(spec.source for spec in specs if spec.kind == "path")]
    for model in dict.fromkeys(name for name in named if name):
        if hub.is_hub_id(model) and hub.cached_copy(model) is None:
            yield model


async def _fetch(model: str) -> None:
    from corefeel_tui import library
    from corefeel_tui.cli.progress import bytes_bar
    from corefeel_tui.events import Downloading, DownloadPlanned

    planned = await library.ask("plan", model)
    assert isinstance(planned, DownloadPlanned)
    if planned.missing_bytes:
        _ask(planned)
    said = library.told("fetch", model)
    try:
        with bytes_bar(f"fetching {model}") as show:
            async for event in said:
                if isinstance(event, Downloading):
                    show(event.done, event.total)
    finally:
        await said.aclose()


def _ask(planned: DownloadPlanned) -> None:
    from corefeel_tui.text.numbers import plural, size

    typer.echo(
        f"{planned.model} is not on this machine: {size(planned.missing_bytes)} in "
        f"{plural(planned.files, 'file')}; {size(planned.free_bytes)} are free in "
        f"{planned.directory}.",
        err=True,
    )
    if not typer.confirm("Fetch it?", default=False, err=True):
        raise UsageError(
            f"“{planned.model}” was not fetched; name a model directory, or say y next time"
        )
