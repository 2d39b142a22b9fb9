"""The bundled files are checked by hash: missing or damaged ones are named, with the mend."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from corefeel_tui.errors import CorefeelError
from corefeel_tui.pocket import SUMS, verify, weights_path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(weights_path(), tmp_path / "weights"))


def test_the_shipped_files_are_whole() -> None:
    verify()


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_file_is_named(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(CorefeelError, match=rf"{name} is damaged; reinstall with"):
        verify(copy)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with pytest.raises(CorefeelError, match=r"model\.safetensors is missing; reinstall with"):
        verify(copy)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_without_sums_nothing_is_trusted(copy: Path, content: bytes | None) -> None:
    (copy / SUMS).unlink()
    if content is not None:
        (copy / SUMS).write_bytes(content)
    with pytest.raises(CorefeelError, match="reinstall with"):
        verify(copy)


def test_the_format_is_what_was_promised() -> None:
    config = json.loads((weights_path() / "config.json").read_text())
    assert config["model_type"] == "qwen3"
    assert config["tie_word_embeddings"]
    assert config["max_position_embeddings"] >= 2048
    assert config["vocab_size"] <= 4096
    widths = ("hidden_size", "head_dim", "intermediate_size", "vocab_size")
    assert all(config[width] % 64 == 0 for width in widths)
    assert (weights_path() / "model.safetensors").stat().st_size <= 16_000_000


def test_asking_where_the_weights_are_imports_nothing_heavy() -> None:
    script = (
        "import sys, corefeel_tui.pocket as p; p.weights_path()\n"
        "print([n for n in ('torch', 'numpy', 'mlx', 'tokenizers') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
