"""An example that was found, as an item of a suite file of the user's.

Knows the suite format and one found example; appends whole items and reads back what it wrote.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from corefeel_tui import events as ev
from corefeel_tui.edge.readouts import Readout, of_suite, refusal
from corefeel_tui.edge.telling import describe_change
from corefeel_tui.errors import UsageError
from corefeel_tui.session_writer import slugify
from corefeel_tui.suites import Suite, load_suite

TAG = "edge"


def default_path(found: ev.EdgeFound) -> Path:
    """`prompts/edge-<labels>.toml` in the working directory, where suites are looked for first."""
    labels = slugify("-".join(found.readout["margin"]))
    return Path("prompts") / f"edge-{labels}.toml"


def append_item(path: Path, found: ev.EdgeFound) -> str:
    """Add the example to a suite file, made if it is not there; the item's id.

    The file is replaced as a whole, or not at all.  Raises UsageError where it cannot be written,
    is no suite, or reads its answers in another way.
    """
    readout = Readout.from_dict(found.readout)
    before = _existing(path, readout)
    name = _free_name(before, found)
    text = path.read_text(encoding="utf-8") if before else _head(path, readout)
    _replace(path, text.rstrip("\n") + "\n" + _item(name, found))
    load_suite(path)
    return name


def _existing(path: Path, readout: Readout) -> Suite | None:
    if not path.exists():
        return None
    suite = load_suite(path)
    if of_suite(suite).written != readout.written:
        raise UsageError(
            f"{path} weighs other labels than {readout.title}; choose another file for this example"
        )
    return suite


def _free_name(suite: Suite | None, found: ev.EdgeFound) -> str:
    stem = slugify(f"{found.item or 'typed'} {found.variant}")
    taken = {item.id for item in suite.made().item} if suite else set()
    names = (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _head(path: Path, readout: Readout) -> str:
    labels = list(readout.labels)
    lines = [
        "# Prompts at which a variant left the reference, found by an edge search.",
        "",
        "[suite]",
        f"name = {_quoted(slugify(path.stem))}",
        'kind = "edge"',
        f"labels = {_list(labels)}",
        f"forbidden = [{_list(readout.margin)}]",
        *_rule(readout),
    ]
    return "\n".join(lines) + "\n"


def _rule(readout: Readout) -> list[str]:
    """How a suite comes to the same readout.  Raises UsageError where none can."""
    if readout.labels == refusal().labels:
        return ['verdict = { openers = "refusal" }']
    key = re.fullmatch(r'\{"([^"\\]+)": "', readout.opening)
    if key and all(own == (label,) for label, own in readout.labels.items()):
        return [f"verdict = {{ json_key = {_quoted(key[1])} }}"]
    heads = {own[0].removesuffix(label) for label, own in _words(readout)}
    prefill = heads.pop() if len(heads) == 1 else ""
    pattern = r"\b(" + "|".join(re.escape(label) for label in readout.labels) + r")\b"
    return [
        f"prefill = {_quoted(readout.opening + prefill)}",
        f"verdict = {{ pattern = {_quoted(pattern)} }}",
    ]


def _words(readout: Readout) -> list[tuple[str, tuple[str, ...]]]:
    """The labels, each with its one text, which ends in it.  Raises UsageError on others."""
    for label, own in readout.labels.items():
        if len(own) != 1 or not own[0].endswith(label):
            raise UsageError(f"“{label}” is not the answer's own word, so no suite can hold it")
    return list(readout.labels.items())


def _item(name: str, found: ev.EdgeFound) -> str:
    said = ", ".join(f"{model} says {label}" for model, label in found.labels.items())
    changes = [*map(describe_change, found.changes)] or ["as it was"]
    lines = [
        "",
        *(f"# {line}" for text in (said, *changes) for line in text.splitlines()),
        "[[item]]",
        f"id = {_quoted(name)}",
        f"prompt = {_quoted(found.prompt)}",
        f"tags = {_list([TAG, found.variant])}",
    ]
    lines += [f"system = {_quoted(found.system)}"] if found.system else []
    if found.item:
        lines.append(f"group = {{ from = {_quoted(found.item)} }}")
    return "\n".join(lines) + "\n"


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_quoted, texts)) + "]"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    escapes: dict[str, str] = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}

    def written(c: str) -> str:
        if c in escapes:
            return escapes[c]
        return f"\\u{ord(c):04X}" if ord(c) < 32 or ord(c) == 127 else c

    return '"' + "".join(map(written, text)) + '"'


def _replace(path: Path, text: str) -> None:
    """Put the whole file there at once.  Raises UsageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(partial).replace(path)
    except (OSError, UnicodeEncodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UsageError(f"{path} cannot be written: {reason}") from error
