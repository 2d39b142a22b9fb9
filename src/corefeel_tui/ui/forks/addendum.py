"""What is found out about a recorded session goes into its file.  Knows the keeper; no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corefeel_tui.errors import CorefeelError
from corefeel_tui.ui.feed import Feed

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp


def keep_addendum(app: CorefeelApp, run: str, feed: Feed) -> None:
    """Let the session that a feed shows take in a run; says so where it cannot."""
    keeper = app.keeper
    if feed.path is None or keeper is None or not keeper.saving:
        return
    try:
        keeper.keep_addendum(run, feed.path)
    except CorefeelError as error:
        app.tell(f"nothing is kept of this: {error}", "warning")
