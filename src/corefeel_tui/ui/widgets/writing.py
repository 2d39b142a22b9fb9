"""Where people write: keys are taken in the order of typing, and what is too long is cut."""

from __future__ import annotations

from textual import events
from textual.widget import Widget
from textual.widgets import Input, TextArea

PASTE_LIMIT = 32_768
"""Characters of one prompt; more is cut with a sentence, never silently."""


async def _done_in_order(widget: Widget, event: events.Key) -> bool:
    """Do what a key is bound to by the widget itself, if anything, in the order of typing.

    Left to the app, which looks bindings up, it would come after letters that were typed later.
    """
    own = widget._bindings.key_to_bindings.get(event.key)
    done = own is not None and await widget.app.run_action(own[0].action, widget)
    if done:
        event.stop()
    return done


class WritingLine(Input):
    """One line."""

    async def _on_key(self, event: events.Key) -> None:
        await _done_in_order(self, event)


class WritingArea(TextArea):
    """Several lines."""

    def write(self, text: str) -> None:
        """Put a text there, the cursor at its end."""
        self.text = text[:PASTE_LIMIT]
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        if await _done_in_order(self, event):
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
