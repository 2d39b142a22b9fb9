"""What the user set once for all: `corefeel.toml`, and the bounds of every number in it.

Knows the keys and their limits; nothing of commands or screens.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corefeel_tui import tomlfile
from corefeel_tui.errors import UsageError
from corefeel_tui.paths import settings_files

Fraction = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Temperature = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000)]
Gigabytes = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
TopK = Annotated[int, Field(ge=0, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Settings(BaseModel):
    """Defaults of a comparison and of the screen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    variants: tuple[str, ...] = ("8bit", "4bit", "3bit", "2bit")
    reference: str = "bf16"
    max_tokens: Tokens = 256
    temperature: Temperature = 0.0
    top_p: Fraction = 1.0
    top_k: TopK = 0
    min_p: Share = 0.0
    seed: Seed = 0
    system: str | None = None
    thinking: bool = False
    save: bool = True
    cache_gb: Gigabytes = 20.0
    theme: Literal["dark", "light"] = "dark"


def load_settings() -> Settings:
    """The first settings file there is, else the defaults.  Raises UsageError on a wrong one."""
    for path in settings_files():
        if path.is_file():
            return tomlfile.load(path, Settings)
    return Settings()


def override(settings: Settings, **given: Any) -> Settings:
    """The settings with command-line options on top; those that are None were not given."""
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings.model_validate(settings.model_dump() | chosen)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        message = first["msg"][0].lower() + first["msg"][1:]
        raise UsageError(f"{option}: {message}, not {first['input']}") from error
