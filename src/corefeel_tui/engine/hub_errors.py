"""What the hub's client raises → one sentence each; knows no download."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar

from corefeel_tui import hub
from corefeel_tui.errors import CorefeelError, ModelError

Result = TypeVar("Result")


def translated(model: str, work: Callable[[], Result]) -> Result:
    """The result of `work`.  Raises ModelError for whatever the hub's client raises."""
    try:
        return work()
    except CorefeelError:
        raise
    except Exception as error:
        raise ModelError(_sentence(model, error)) from error


def _sentence(model: str, error: Exception) -> str:
    from huggingface_hub import errors

    match error:
        case errors.GatedRepoError():
            return (
                f"“{model}” is gated: ask for access on its page on the hub, then log in with "
                "hf auth login"
            )
        case errors.RepositoryNotFoundError():
            return (
                f"the hub has no model “{model}”, or it is private: check the name, or log in with "
                "hf auth login"
            )
        case errors.HFValidationError():
            return f"“{model}” is no hub id; it looks like owner/name"
        case errors.HfHubHTTPError():
            return f"the hub refused “{model}”: {_first_line(error)}; try again later"
        case OSError(errno=errno.ENOSPC):
            return f"no space left in {hub.cache_directory()} for “{model}”; whole files stay there"
        case OSError(errno=errno.EACCES | errno.EROFS | errno.ENOTDIR):
            return f"{hub.cache_directory()} cannot be written; set HF_HOME to a directory that can"
    return (
        f"the hub cannot be reached for “{model}” ({_first_line(error)}); check the connection, or "
        "name a local directory"
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")
