"""Pictures of the screen from a saved session: `python -m tests.ui.pictures SESSION FOLDER`.

Plays the session at once and writes one SVG per size, theme and view; for docs and for looking.
"""

from __future__ import annotations

import asyncio
import math
import sys
from pathlib import Path
from typing import NamedTuple

from corefeel_tui.replay import ReplayClient
from corefeel_tui.ui.app import make_app


class Picture(NamedTuple):
    """A name, a size, a theme, and the keys that lead there."""

    name: str
    size: tuple[int, int]
    theme: str
    keys: tuple[str, ...] = ()


PICTURES = (
    Picture("compare-120x35", (120, 35), "corefeel-dark", ("g",)),
    Picture("compare-80x24", (80, 24), "corefeel-dark"),
    Picture("compare-200x50", (200, 50), "corefeel-dark", ("g", "t")),
    Picture("locked-120x35-light", (120, 35), "corefeel-light", ("l", "g")),
    Picture("inspector-120x35", (120, 35), "corefeel-dark", ("g", "i")),
    Picture("diff-120x35", (120, 35), "corefeel-dark", ("d",)),
)


async def take(session: Path, picture: Picture) -> str:
    """The SVG of one picture."""
    client = ReplayClient(session, math.inf)
    app = make_app(client)
    async with app.run_test(size=picture.size) as pilot:
        app.theme = picture.theme
        while client.position < client.duration or app.draining or app.desk.live.waiting:
            await pilot.pause(0.05)
        await pilot.press(*picture.keys)
        await pilot.pause(0.3)
        return app.export_screenshot(title="corefeel")


def main() -> None:
    """Take all pictures."""
    session, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        (folder / f"{picture.name}.svg").write_text(asyncio.run(take(session, picture)))


if __name__ == "__main__":
    main()
