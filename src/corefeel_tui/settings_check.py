"""The bounds of every setting, and the sentence for one that is out of them.

Knows the values of `Settings`; nothing of commands or screens.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corefeel_tui import tomlfile
from corefeel_tui.errors import UsageError
from corefeel_tui.settings import Settings

Fraction = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Temperature = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000)]
Gigabytes = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
TopK = Annotated[int, Field(ge=0, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Checked(BaseModel):
    """`Settings`, each within its bounds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    variants: tuple[str, ...] = Settings.variants
    reference: str = Settings.reference
    max_tokens: Tokens = Settings.max_tokens
    temperature: Temperature = Settings.temperature
    top_p: Fraction = Settings.top_p
    top_k: TopK = Settings.top_k
    min_p: Share = Settings.min_p
    seed: Seed = Settings.seed
    system: str | None = Settings.system
    thinking: bool = Settings.thinking
    save: bool = Settings.save
    cache_gb: Gigabytes = Settings.cache_gb
    theme: Literal["dark", "light"] = "dark"


def from_file(path: Path) -> Settings:
    """The settings a file makes.  Raises UsageError with its line."""
    return Settings(**tomlfile.load(path, Checked).model_dump())


def from_options(values: dict[str, Any]) -> Settings:
    """The settings that these values make.  Raises UsageError naming the option."""
    try:
        return Settings(**Checked.model_validate(values).model_dump())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        message = first["msg"][0].lower() + first["msg"][1:]
        raise UsageError(f"{option}: {message}, not {first['input']}") from error
