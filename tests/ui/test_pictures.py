"""Looks only: a few pictures of the screen.  What it does is tested by state elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from corefeel_tui.commands import Load
from corefeel_tui.events import Event
from corefeel_tui.ui.app import CorefeelApp, make_app
from tests.ui import stream
from tests.ui.conftest import Stage
from tests.ui.scripted import ScriptedClient

LOADED: list[Event] = [stream.engine_started(), stream.loaded()]


@pytest.mark.parametrize(
    ("size", "theme", "keys"),
    [
        pytest.param((80, 24), "corefeel-dark", "", id="narrow"),
        pytest.param((120, 35), "corefeel-light", "l", id="locked-light"),
        pytest.param((120, 35), "corefeel-dark", "gi", id="inspector"),
        pytest.param((200, 50), "corefeel-dark", "dt", id="wide-diff-table"),
        pytest.param((80, 24), "corefeel-dark", "4f", id="focus"),
    ],
)
def test_a_comparison(
    snap_compare: Callable[..., bool], size: tuple[int, int], theme: str, keys: str
) -> None:
    client = ScriptedClient()
    app = make_app(client, load=Load("some/model", list(stream.ANSWERS)))

    async def play(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, CorefeelApp)
        pilot.app.theme = theme
        await Stage(pilot.app, pilot, client).say(stream.session())
        await pilot.press("escape", *keys)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=play)
