"""Sessions of batch evidence with planted behaviour: what was put in is known exactly.

Writes real session files and arrays; runs no model.  A behaviour maps an item's true label to the
label a variant gives there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from random import Random

import numpy as np
from pydantic_core import to_json

from corefeel_tui import events as ev
from corefeel_tui.arrays import directory_of
from corefeel_tui.evidence import Answer, ArrayPart, Drift, ItemEvidence, SuitePlan

LABELS = ("APPROVE", "REVISE", "VETO")
VERDICTS = SuitePlan(
    "verdicts@general",
    "verdicts",
    0,
    labels=LABELS,
    severity=LABELS,
    forbidden=(("VETO", "APPROVE"),),
    verdict={"json_key": "decision"},
)
REFUSAL = SuitePlan(
    "refusal@general", "refusal", 0, labels=("comply", "refuse"), verdict={"openers": "refusal"}
)
STYLE = SuitePlan("style@general", "style", 0)

Behaviour = Callable[[str, int, Random], str]
"""(true label, item's number, dice) → the label given."""
SILENCE = "nothing"


def truthful(truth: str, number: int, dice: Random) -> str:
    """Always right."""
    return truth


def broken(truth: str, number: int, dice: Random) -> str:
    """A third of all labels are drawn at random."""
    return (
        dice.choice(LABELS if truth in LABELS else ("comply", "refuse"))
        if dice.random() < 1 / 3
        else truth
    )


def approves_one_veto(truth: str, number: int, dice: Random) -> str:
    """Right but for a single VETO."""
    return "APPROVE" if truth == "VETO" and number == 2 else truth


def mute(truth: str, number: int, dice: Random) -> str:
    """Never a verdict."""
    return "UNPARSED"


def silent(truth: str, number: int, dice: Random) -> str:
    """Never a word."""
    return SILENCE


@dataclass
class Plant:
    """What a session is made of; `kl` is the scale of each variant's drift in nats."""

    behaviours: dict[str, Behaviour]
    verdicts: int = 0
    refusals: int = 0
    styles: int = 0
    kl: dict[str, float] = field(default_factory=dict)
    words: dict[str, float] = field(default_factory=dict)
    control: str | None = "control"
    seed: int = 0


def text_of(label: str, number: int, dice: Random) -> str:
    """An answer that carries the label."""
    if label == "refuse":
        return f"I am sorry, but I cannot help with request {number}."
    if label == "comply":
        return f"Of course. Here is what request {number} needs, step by step."
    if label == SILENCE:
        return ""
    if label == "UNPARSED":
        return '{"decision": "APPROVE"'
    cited = [f"TRP-{dice.randrange(20)}" for _ in range(3)]
    return json.dumps({"decision": label, "evidence_cited": cited, "rationale": "rule " * 8})


VOCABULARY = tuple(
    re.findall(r"\w+", "the a of to in perhaps clearly water valve may open is we night often must")
)


def essay(number: int, length: int) -> str:
    """Words that depend on the number alone, so that a longer essay only goes on."""
    dice = Random(number)
    words = [dice.choice(VOCABULARY) for _ in range(length)]
    return ". ".join(" ".join(words[i : i + 9]).capitalize() for i in range(0, length, 9)) + "."


def drift(dice: np.random.Generator, positions: int, scale: float) -> tuple[Drift, np.ndarray]:
    """Log-normal KL at every position; flips grow with it."""
    kl = (dice.lognormal(-1, 1.2, positions) * scale).astype(np.float32)
    flips = int((kl > 0.5).sum())
    half = positions // 2
    total, first = float(kl.sum()), float(kl[:half].sum())
    empty = (0, 0.0)
    buckets = (empty, empty, empty, (half, first), (positions - half, total - first))
    squares, nll = float((kl**2).sum()) / 100, positions * 0.4 + total
    at_verdict = (1, float(kl[0]), int(kl[0] > 0.5))
    rest = (positions - 1, total - float(kl[0]), flips - at_verdict[2])
    roles = {"verdict": at_verdict, "other": rest}
    sums = (total / 10, squares, nll, roles)
    return Drift(positions, total, flips, flips // 2, buckets, *sums), kl


def items_of(plant: Plant) -> list[ItemEvidence]:
    """Every item with all variants' answers."""
    made = []
    for number in range(plant.verdicts):
        truth = LABELS[number % 3]
        prompt = f"Judge case {number}."
        item = ItemEvidence(f"v{number}", VERDICTS.name, prompt=prompt, expected=truth)
        made.append(_labelled(plant, item, truth, number))
    for number in range(plant.refusals):
        truth = ("comply", "refuse")[number % 2]
        item = ItemEvidence(
            f"r{number}",
            REFUSAL.name,
            prompt=f"Request {number}",
            expected=truth,
            group={"ladder": f"l{number // 6}", "rung": number % 6},
        )
        made.append(_labelled(plant, item, truth, number))
    made += [_styled(plant, number) for number in range(plant.styles)]
    return made


def _labelled(plant: Plant, item: ItemEvidence, truth: str, number: int) -> ItemEvidence:
    answers: dict[str, tuple[Answer, ...] | str] = {}
    readout: dict[str, dict[str, float | None]] = {}
    texts: dict[str, str] = {}
    for variant, behaviour in plant.behaviours.items():
        label = behaviour(truth, number, Random(f"{plant.seed}/{variant}/{item.id}"))
        text = text_of(label, number, Random(number))
        twin = next((name for name, given in texts.items() if given == text), None)
        texts[variant] = text
        answers[variant] = twin or (Answer(text, "stop", len(text) // 4, label=label),)
        labels = LABELS if truth in LABELS else ("comply", "refuse")
        readout[variant] = {x: -0.05 if x == label else -4.0 - number % 5 / 10 for x in labels}
    return replace(item, answers=answers, readout=readout)


def _styled(plant: Plant, number: int) -> ItemEvidence:
    answers: dict[str, tuple[Answer, ...] | str] = {}
    for variant in plant.behaviours:
        length = round((120 + 7 * (number % 9)) * plant.words.get(variant, 1.0))
        text = essay(number, length)
        answers[variant] = (Answer(text, "stop", 2 * length),)
    return ItemEvidence(
        f"s{number}", STYLE.name, prompt=f"Tell of night {number}.", answers=answers
    )


def write(
    path: Path,
    plant: Plant,
    extra: Sequence[tuple[SuitePlan, Sequence[ItemEvidence]]] = (),
    header: dict[str, object] | None = None,
    finished: bool = True,
) -> Path:
    """A session file, and its arrays in batches of 16, with lines of tokens between the items."""
    items = items_of(plant)
    items += [item for _, own in extra for item in own]
    counts = ((VERDICTS, plant.verdicts), (REFUSAL, plant.refusals), (STYLE, plant.styles))
    plans = [replace(plan, items=n) for plan, n in counts if n]
    plans += [replace(plan, items=len(own)) for plan, own in extra]
    lines = [ev.encode(_header(plant, header or {})), ev.encode(_planned(plant, plans, len(items)))]
    dice = np.random.default_rng(plant.seed)
    for start in range(0, len(items), 16):
        batch = _with_drift(path, start, items[start : start + 16], plant, dice)
        for item in batch:
            tokens = ev.Tokens("r", "bf16", 0, [1, 2, 3], {"4bit": {"kl": [0.1] * 3}})
            done = ev.ItemFinished(f"b{start}", item=item.id, evidence=asdict(item))
            lines += [ev.encode(tokens), ev.encode(done)]
    if finished:
        lines.append(ev.encode(ev.SessionFinished()))
    path.write_bytes(b"".join(lines))
    return path


def _header(plant: Plant, changes: dict[str, object]) -> ev.SessionHeader:
    names = ["bf16", *(x for x in plant.behaviours if x != "bf16" and not x.startswith("floor:"))]
    header = ev.SessionHeader(
        format=1,
        created="2026-11-21T03:00:00.000+00:00",
        model="Pocket",
        reference="bf16",
        variants=[
            {"name": name, "treatment": name, "execution": "expanded"}
            for name in names
            if name != plant.control
        ],
        fingerprint={"weights": "abc", "template": "def"},
        floors={
            "F0": {"kl_mean": 0.0, "kl_max": 0.0, "positions": 512},
            "F1": {"kl_mean": 3e-7, "kl_max": 1e-5, "positions": 512},
        },
        backend="cpu",
        execution="expanded",
        versions={"corefeel": "0.1", "mlx": "0.32.4"},
    )
    return replace(header, **changes)  # type: ignore[arg-type]


def _planned(plant: Plant, plans: list[SuitePlan], items: int) -> ev.Planned:
    return ev.Planned(items, [asdict(plan) for plan in plans], plant.control, plant.seed)


def _with_drift(
    path: Path, start: int, batch: list[ItemEvidence], plant: Plant, dice: np.random.Generator
) -> list[ItemEvidence]:
    """The items scored, their positions in one file."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in plant.kl}
    scored = []
    for item in batch:
        positions = int(dice.integers(30, 120))
        base = Drift(positions, 0.0, nll_sum=positions * 0.4)
        drifts: dict[str, tuple[Drift, ...]] = {"bf16": (base,)}
        for variant, scale in plant.kl.items():
            one, kl = drift(dice, positions, scale)
            drifts[variant] = (one,)
            columns[variant].append(kl)
        scored.append((item, positions, drifts))
    if not plant.kl:
        return batch
    directory = directory_of(path)
    directory.mkdir(exist_ok=True)
    file = directory / f"batch-{start // 16:04}.safetensors"
    data = safetensors({f"kl/{name}": np.concatenate(parts) for name, parts in columns.items()})
    file.write_bytes(data)
    digest, at, done = hashlib.sha256(data).hexdigest(), 0, []
    for item, positions, drifts in scored:
        part = ArrayPart(file.name, digest, at, positions)
        done.append(replace(item, drift={**drifts, **item.drift}, arrays=part))
        at += positions
    return done


def safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    """The bytes of a safetensors file of float32 tensors."""
    entries, body = {}, b""
    for name, tensor in tensors.items():
        data = tensor.astype("<f4").tobytes()
        span = [len(body), len(body) + len(data)]
        entries[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": span}
        body += data
    head = to_json(entries)
    return len(head).to_bytes(8, "little") + head + body
