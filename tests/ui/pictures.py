"""Pictures of the screen from a session: `python -m tests.ui.pictures [SESSION [FOLDER]]`.

Plays the session (the bundled sample) at once and writes one SVG per size, theme and view into
the folder (docs/screenshots); for docs and for looking.
"""

from __future__ import annotations

import argparse
import asyncio
import math
from pathlib import Path
from typing import NamedTuple

from corefeel_tui.replay import ReplayClient, sample_path
from corefeel_tui.ui.app import make_app

SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"


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
        while client.position < client.duration or app.arrivals.draining or app.desk.live.waiting:
            await pilot.pause(0.05)
        await pilot.press(*picture.keys)
        await pilot.pause(0.3)
        return app.export_screenshot(title="corefeel")


def main() -> None:
    """Take all pictures."""
    words = argparse.ArgumentParser(description="Pictures of the screen from a session.")
    words.add_argument("session", type=Path, nargs="?", default=sample_path())
    words.add_argument("folder", type=Path, nargs="?", default=SCREENSHOTS)
    given = words.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        (given.folder / f"{picture.name}.svg").write_text(asyncio.run(take(given.session, picture)))


if __name__ == "__main__":
    main()
