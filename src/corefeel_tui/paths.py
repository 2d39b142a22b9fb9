"""Where files live: the user's directories, the package's data, the session directory rule.

Knows no format of any file in them.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from platformdirs import PlatformDirs

_USER = PlatformDirs("corefeel", appauthor=False)
_PACKAGE = Path(__file__).parent


def cache_directory() -> Path:
    """The user's cache directory; everything in it can be made again."""
    return Path(_USER.user_cache_dir)


def weights_directory() -> Path:
    """Quantized weights kept between starts."""
    return cache_directory() / "weights"


def figures_directory() -> Path:
    """What was measured of models, kept between starts."""
    return cache_directory() / "figures"


def settings_files() -> list[Path]:
    """`corefeel.toml` in the working directory, then in the user's config directory."""
    return [Path("corefeel.toml"), Path(_USER.user_config_dir) / "corefeel.toml"]


def sessions_directory() -> Path:
    """`./sessions` if it is there, else the user's data directory (which may not exist yet)."""
    here = Path("sessions")
    return here if here.is_dir() else Path(_USER.user_data_dir) / "sessions"


def history_file() -> Path:
    """Earlier prompts, in the user's data directory."""
    return Path(_USER.user_data_dir) / "history.jsonl"


def recents_file() -> Path:
    """Models opened before, in the user's data directory."""
    return Path(_USER.user_data_dir) / "models.json"


def suite_directories() -> list[Path]:
    """Directories with prompt suites, the first one that holds a name wins."""
    own = Path("prompts")
    packaged = _PACKAGE / "prompts"
    source_tree = _PACKAGE.parents[1] / "prompts"
    return [d for d in (own, packaged, source_tree) if d.is_dir()]


def sample_session() -> Path:
    """The recording that plays while a model loads."""
    return _PACKAGE / "data" / "sample.jsonl"


def calibration_text() -> Path:
    """The text that methods of quantization which look at activations are shown."""
    return _PACKAGE / "data" / "calibration.txt"


def private_directory(path: Path) -> Path:
    """Make `path` a directory that only this user can enter.  Raises OSError if it cannot be one.

    A link, another owner's directory or one that others may write to is refused, not repaired:
    someone may have put it there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise PermissionError(f"{path} is not a directory of this user") from None
        if found.st_mode & 0o022:
            raise PermissionError(f"others may write to {path}") from None
        path.chmod(0o700)
    return path
