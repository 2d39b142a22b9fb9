"""Where the bundled model lies and whether it is whole;
knows neither how it was made nor how it is run.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from corefeel_tui.errors import CorefeelError

SUMS = "SHA256SUMS"
REINSTALL = "reinstall with `pip install --force-reinstall corefeel-tui`"


def weights_path() -> Path:
    """The directory that mlx-lm loads: config, tokenizer and weights."""
    return Path(__file__).parent / "weights"


def verify(folder: Path | None = None) -> None:
    """Raise CorefeelError when a file of the bundled model is missing or differs from its recorded
    hash.
    """
    folder = folder or weights_path()
    try:
        lines = (folder / SUMS).read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CorefeelError(f"the bundled model has no readable {SUMS}; {REINSTALL}") from error
    sums = [line.split("  ", 1) for line in lines if "  " in line]
    if not sums:
        raise CorefeelError(f"the bundled model's {SUMS} is empty; {REINSTALL}")
    for expected, name in sums:
        if not (folder / name).is_file():
            raise CorefeelError(f"the bundled model's {name} is missing; {REINSTALL}")
        if file_hash(folder / name) != expected:
            raise CorefeelError(f"the bundled model's {name} is damaged; {REINSTALL}")


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return sha256(path.read_bytes()).hexdigest()
