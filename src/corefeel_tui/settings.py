"""What the user set once for all: the defaults of a comparison and of the screen.

Knows the keys and what holds where none is set; `settings_check` knows their limits, and is only
read where something was set, for a first paint waits for every import.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from corefeel_tui.paths import settings_files


@dataclass(frozen=True)
class Settings:
    """Defaults of a comparison and of the screen."""

    variants: tuple[str, ...] = ("8bit", "4bit", "3bit", "2bit")
    reference: str = "bf16"
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0
    system: str | None = None
    thinking: bool = False
    save: bool = True
    cache_gb: float = 20.0
    theme: str = "dark"


def load_settings() -> Settings:
    """The first settings file there is, else the defaults.  Raises UsageError on a wrong one."""
    for path in settings_files():
        if path.is_file():
            from corefeel_tui.settings_check import from_file

            return from_file(path)
    return Settings()


def override(settings: Settings, **given: Any) -> Settings:
    """The settings with command-line options on top; those that are None were not given.

    Raises UsageError on a value out of its bounds.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen:
        return settings
    from corefeel_tui.settings_check import from_options

    return from_options(asdict(settings) | chosen)
