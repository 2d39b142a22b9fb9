"""The terminal's driver: Textual's, made safe from what people paste.

Knows bytes and bracketed pastes; nothing of keys.
"""

from __future__ import annotations

from codecs import getincrementaldecoder

from textual.drivers import linux_driver

BEGIN, END = "\x1b[200~", "\x1b[201~"
"""What a terminal puts around a paste."""


class TerminalDriver(linux_driver.LinuxDriver):
    """Textual's ends the app on bytes that are not UTF-8, and types what follows an escape."""

    def run_input_thread(self) -> None:
        linux_driver.getincrementaldecoder = lambda encoding: PasteDecoder  # type: ignore[assignment,attr-defined]
        super().run_input_thread()


class PasteDecoder:
    """Bytes → text, foreign ones replaced; a paste holds no escape, so that it stays a paste.

    `_tail` is the begin of a mark that the last bytes ended in.  It waits for its rest, but not
    where it may be a key of its own; `_told` characters of it have been given out.
    """

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")(errors="replace")
        self._tail = ""
        self._told = 0
        self._pasting = False

    def decode(self, data: bytes, final: bool = False) -> str:
        """What these bytes bring."""
        text, told = self._tail + self._decoder.decode(data, final), self._told
        found, rest = [], text
        while (mark := END if self._pasting else BEGIN) in rest:
            before, _, rest = rest.partition(mark)
            found += [self._cleaned(before), mark]
            self._pasting = not self._pasting
        self._tail = "" if final else _begun(mark, rest)
        if self._pasting or len(self._tail) > len("\x1b["):
            rest = rest.removesuffix(self._tail)
            self._told = told if text == self._tail else 0
        else:
            self._told = len(self._tail)
        return "".join([*found, self._cleaned(rest)])[told:]

    def _cleaned(self, text: str) -> str:
        return text.replace("\x1b", "") if self._pasting else text


def _begun(mark: str, text: str) -> str:
    """The longest end of a text with which a mark may have begun."""
    begins = (mark[:size] for size in range(len(mark) - 1, 0, -1))
    return next((begin for begin in begins if text.endswith(begin)), "")
