"""The one exception tree: sentences for the user, with the exit code they end in.

Knows no command, no model and no screen.
"""

from __future__ import annotations


class CorefeelError(Exception):
    """A cause and its mend in one lower-case sentence; ends a command with `exit_code`."""

    exit_code = 2


class UsageError(CorefeelError):
    """The user asked for something that does not exist or makes no sense."""


class ModelError(CorefeelError):
    """A model, tokenizer or variant cannot be loaded as asked."""


class SessionError(CorefeelError):
    """A session file cannot be read, written or resumed."""


class EngineError(CorefeelError):
    """The engine process failed or died."""


class Inconclusive(CorefeelError):
    """The evidence cannot resolve the question; never a pass."""

    exit_code = 3
