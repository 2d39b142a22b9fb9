"""A checkpoint becomes the directory that mlx-lm loads; knows formats, not training."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from . import SUMS, file_hash
from .corpus import SKILLS
from .network import Network
from .shape import Shape
from .tokenizer import END, PAD, save_tokenizer, special_id
from .trainer import CHECKPOINT


def export_run(run: Path, to: Path) -> None:
    """Write a run's checkpoint and tokenizer into `to`, file by file, each replaced whole."""
    state = torch.load(run / CHECKPOINT, map_location="cpu", weights_only=True)
    network = Network(Shape(**state["plan"]["shape"]))
    network.load_state_dict(state["network"])
    tokenizer = Tokenizer.from_file(str(run / "tokenizer" / "tokenizer.json"))
    record = {key: state["progress"][key] for key in ("step", "tokens", "seconds", "position")}
    record["plan"] = {key: value for key, value in state["plan"].items() if key != "deadline"}
    progress = state["progress"]
    record["decay"] = round(progress["decay_steps"] / max(1, progress["step"]), 4)
    record["curve"] = _curve(run / "loss.csv")
    begins = state["plan"].get("begins")
    if begins:
        record["before"] = json.loads((Path(begins) / "training.json").read_text("utf-8"))
        record["plan"]["begins"] = "the run before"
    export_network(network, tokenizer, to, record)


def export_network(
    network: Network, tokenizer: Tokenizer, to: Path, record: dict[str, object] | None = None
) -> None:
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent) as scratch:
        fresh = Path(scratch)
        weights = {
            name: weight.detach().to(torch.bfloat16).contiguous()
            for name, weight in network.named_parameters()
        }
        save_file(weights, fresh / "model.safetensors", metadata={"format": "pt"})
        end, pad = special_id(tokenizer, END), special_id(tokenizer, PAD)
        _write_json(fresh / "config.json", network.shape.config(end, pad))
        generation = {"eos_token_id": end, "pad_token_id": pad, "do_sample": False}
        _write_json(fresh / "generation_config.json", generation)
        if record is not None:
            _write_json(fresh / "training.json", record)
        save_tokenizer(tokenizer, fresh)
        names = sorted(path.name for path in fresh.iterdir())
        sums = "".join(f"{file_hash(fresh / name)}  {name}\n" for name in names)
        (fresh / SUMS).write_text(sums)
        for name in (*names, SUMS):
            (fresh / name).chmod(0o644)
            shutil.move(fresh / name, to / name)


def _curve(path: Path) -> list[dict[str, float]]:
    """About forty points of the logged losses; a step run twice counts once, as last run.

    A row without every skill, such as the first after an interruption, is left out.
    """
    if not path.exists():
        return []
    with path.open(newline="") as file:
        last = {row["step"]: row for row in csv.DictReader(file)}
    rows = [row for row in last.values() if "nan" not in row.values()]
    every = max(1, len(rows) // 40)
    kept = [*rows[:-1:every], rows[-1]] if rows else []
    return [{key: float(row[key]) for key in ("step", "tokens", *SKILLS)} for row in kept]


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")
