"""What tests of the engine share: caches of their own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where figures are kept, in a cache that is this test's alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "corefeel" / "figures"
