"""Pictures of the Edge screen: `python -m tests.ui.edge.pictures SESSION FOLDER`.

The session should hold a meter, a scan, a ladder and a search, and no comparison, so that it opens
here; for docs and for looking.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.ui.pictures import Picture, take

PICTURES = (
    Picture("edge-200x50", (200, 50), "corefeel-dark", ("f2", "v", "v")),
    Picture("edge-80x24", (80, 24), "corefeel-dark", ()),
    Picture("edge-words-80x24", (80, 24), "corefeel-dark", ("f2",)),
    Picture("edge-ladder-120x35", (120, 35), "corefeel-light", ("f3", "right")),
    Picture("edge-search-120x35", (120, 35), "corefeel-dark", ("f4", "down")),
)


def main() -> None:
    """Take all pictures."""
    session, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        (folder / f"{picture.name}.svg").write_text(asyncio.run(take(session, picture)))


if __name__ == "__main__":
    main()
