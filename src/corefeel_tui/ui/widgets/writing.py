"""Where people write: keys are taken in the order of typing, and what is too long is cut."""

from __future__ import annotations

from textual import events
from textual.widgets import TextArea

PASTE_LIMIT = 32_768
"""Characters of one prompt; more is cut with a sentence, never silently."""


class WritingArea(TextArea):
    """Several lines."""

    def write(self, text: str) -> None:
        """Put a text there, the cursor at its end."""
        self.text = text[:PASTE_LIMIT]
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        """Delete, move and send in the order of typing: a binding is looked up by the app, after
        letters that were typed later."""
        own = self._bindings.key_to_bindings.get(event.key)
        if own and await self.app.run_action(own[0].action, self):
            event.stop()
            event.prevent_default()

    def _on_paste(self, event: events.Paste) -> None:  # type: ignore[override]
        """Cut what is too long before it is laid out; the rest is the base's work."""
        room = max(0, PASTE_LIMIT - len(self.text) + len(self.selected_text))
        if len(event.text) <= room or self.read_only:
            return
        event.prevent_default()
        self.replace(event.text[:room], *self.selection)
        self.notify(
            f"pasted {len(event.text):,} characters; a prompt holds {PASTE_LIMIT:,}, the rest was "
            "left out",
            severity="warning",
        )
