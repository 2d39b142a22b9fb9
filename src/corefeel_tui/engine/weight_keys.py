"""What kept weights and figures are known by: everything that decides their bits.

Knows checkpoints' contents, treatments, versions and the machine; nothing of how an entry is
stored.
"""

from __future__ import annotations

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

from corefeel_tui import __version__
from corefeel_tui.engine import checkpoints, memory
from corefeel_tui.engine.checkpoints import TOKENIZER_FILES, weight_files
from corefeel_tui.paths import cache_directory, calibration_text
from corefeel_tui.variants import VariantSpec

FORMAT = 1
CHUNK = 1 << 22


def weight_key(directory: Path, spec: VariantSpec) -> str:
    """The name of what `spec` makes of the checkpoint in `directory`; its cache does not matter."""
    parts: dict[str, object] = {
        "format": FORMAT,
        "weights": content_hash(directory),
        "config": _file_hash(directory / "config.json"),
        "treatment": [spec.kind, spec.bits, spec.group, spec.method],
        "source": _source_hash(spec),
        "backend": memory.backend(),
        "execution": memory.execution() if spec.kind == "calibrated" else None,
        "versions": [__version__, version("mlx"), version("mlx-lm")],
    }
    if spec.kind == "calibrated":
        names = [directory / name for name in TOKENIZER_FILES]
        parts["tokenizer"] = [_file_hash(path) for path in names if path.is_file()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def figures_key(directory: Path, reference: VariantSpec, spec: VariantSpec) -> str:
    """The name of what is measured of `spec` beside `reference`, both of the checkpoint in
    `directory`, on this machine."""
    parts = [FORMAT, _identity(directory, reference), _identity(directory, spec), memory.machine()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _identity(directory: Path, spec: VariantSpec) -> list[object]:
    """What a model computes with: weights, treatment and cache."""
    own: list[object] = [weight_key(directory, spec), spec.kv]
    if spec.kind != "path":
        return own
    source = checkpoints.resolve(spec.source)
    return [*own, content_hash(source), _file_hash(source / "config.json")]


def content_hash(directory: Path) -> str:
    """SHA-256 over the contents of all weight files.

    A file that kept its path, size, time and inode since it was last read is not read again.
    """
    memo_path = cache_directory() / "hashes.json"
    memo = _read_memo(memo_path)
    changed = False
    hashes = []
    for path in weight_files(directory):
        status = path.stat()
        seen = [status.st_size, status.st_mtime_ns, status.st_ino]
        known = memo.get(str(path.resolve()), [])
        if known[:-1] != seen:
            known = [*seen, _file_hash(path)]
            memo[str(path.resolve())] = known
            changed = True
        hashes.append([path.name, known[-1]])
    if changed:
        _write_memo(memo_path, memo)
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()


def _source_hash(spec: VariantSpec) -> str | None:
    """Of the recipe or calibration text, the shipped one included; a name stands for itself."""
    if spec.kind == "calibrated":
        return _file_hash(Path(spec.source) if spec.source else calibration_text())
    if spec.source is None or not Path(spec.source).is_file():
        return spec.source
    return _file_hash(Path(spec.source))


def _file_hash(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            state.update(chunk)
    return state.hexdigest()


def _read_memo(path: Path) -> dict[str, list[object]]:
    try:
        memo = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return memo if isinstance(memo, dict) else {}


def _write_memo(path: Path, memo: dict[str, list[object]]) -> None:
    """At once or not at all; a hash that is not remembered is computed again."""
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(memo), encoding="utf-8")
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
