"""A plausible comparison as events: five models judge one action, the 3-bit one approves a veto.

Made, not recorded: the numbers only have to look like those of METRICS §1.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator

from corefeel_tui import events as ev

REFERENCE = "bf16"
ANSWERS = {
    "bf16": '{"decision": "VETO", "evidence_cited": ["TRP1"], "rationale": '
    '"TRP1 forbids salt burned. The law binds, and no decree lifts it here."}',
    "8bit": '{"decision": "VETO", "evidence_cited": ["TRP1"], "rationale": '
    '"TRP1 forbids salt burned. The law binds, and no decree lifts it here."}',
    "4bit": '{"decision": "VETO", "evidence_cited": ["TRP1"], "rationale": '
    '"TRP1 forbids salt burned. The law stands, and nothing lifts it."}',
    "3bit": '{"decision": "APPROVE", "evidence_cited": [], "rationale": '
    '"Nothing here forbids the burning, and the harm is met by the wardens."}',
    "2bit": '{"decision": "REVISE the the salt salt burned salt burned burned TRP TRP9 TRP9',
}
MARGINS = {"bf16": 6.1, "8bit": 6.0, "4bit": 2.2, "3bit": -0.8, "2bit": 0.3}
SCALES = {"bf16": 0.0, "8bit": 2e-4, "4bit": 0.02, "3bit": 0.2, "2bit": 1.6}
LABELS = ["VETO", "APPROVE", "REVISE"]
PROMPT = (
    "Judge this action. Evidence: TRP1 (hard_rule, 0.9): By law salt must never be burned. "
    "Action: 4 sacks of salt are to be burned."
)
END = "<|im_end|>"


class Vocabulary:
    """Ids for pieces as they come."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.told: set[str] = set()

    def id(self, piece: str) -> int:
        return self.ids.setdefault(piece, len(self.ids) + 10)

    def news(self) -> ev.Pieces | None:
        """What has not been said yet."""
        new = {p: i for p, i in self.ids.items() if p not in self.told}
        self.told |= set(new)
        return ev.Pieces({str(i): p for p, i in new.items()}) if new else None


def tokenize(text: str) -> list[str]:
    return re.findall(r" ?[A-Za-z]{1,5}|\d| ?[^A-Za-z\d\s]+|\s", text)


def loaded(models: list[str] | None = None) -> ev.Loaded:
    names = models or list(ANSWERS)
    bits = {"bf16": 16.0, "8bit": 8.5, "4bit": 4.5, "3bit": 3.5, "2bit": 2.5}
    return ev.Loaded(
        model="pocket",
        reference=names[0],
        variants=[
            {
                "name": name,
                "treatment": name,
                "bits_per_weight": bits.get(name, 16.0),
                "bytes": int(bits.get(name, 16.0) * 1.9e6 / 8),
                "resident_bytes": 7_600_000,
                "execution": "expanded",
                "skipped": [],
                "identical": False,
                "tokens_per_second": 210.0 + 3 * len(name),
            }
            for name in names
        ],
        vocabulary=4096,
        context=2048,
        floors={
            "F0": {"kl_mean": 0.0, "kl_max": 0.0, "positions": 512},
            "F1": {"kl_mean": 3e-7, "kl_max": 2e-6, "positions": 512},
        },
    )


def engine_started() -> ev.EngineStarted:
    return ev.EngineStarted(pid=1, backend="cpu", execution="expanded")


class Comparison:
    """Events of one run.  `answers` maps a model to its text, the reference first."""

    def __init__(
        self, run: str, answers: dict[str, str] | None = None, prompt: str = PROMPT, seed: int = 3
    ) -> None:
        self.run = run
        self.texts = answers or ANSWERS
        self.prompt = prompt
        self.words = Vocabulary()
        self.random = random.Random(seed)
        self.pieces = {name: [*tokenize(text), END] for name, text in self.texts.items()}
        self.forks = {name: self._fork(name) for name in self.texts}
        self.reference = next(iter(self.texts))

    def _fork(self, name: str) -> int | None:
        base, own = next(iter(self.pieces.values())), self.pieces[name]
        pairs = zip(base, own, strict=False)
        return next((i for i, (a, b) in enumerate(pairs) if a != b), None)

    def column(self, model: str, trajectory: str, position: int) -> ev.JSON:
        """One model's scores at one position, its first choice being what its own text says."""
        taken = self.pieces[trajectory][position]
        base = self.pieces[self.reference]
        fork = self.forks[trajectory]
        shared = fork is None or position <= fork
        reference_says = base[position] if shared else taken
        says = taken if model == trajectory else reference_says
        if model != trajectory and self.forks.get(model) == position and shared:
            says = self.pieces[model][position]
        flip = model != self.reference and says != reference_says
        if model != self.reference and not flip and model != trajectory and not shared:
            flip = False
        kl = SCALES.get(model, 0.0) * self.random.lognormvariate(-2.5, 2.2)
        kl = kl + 0.9 if flip else kl
        first = 0.52 if flip else max(0.4, 0.985 - 0.25 * self.random.random() ** 3 - kl / 4)
        others = [p for p in dict.fromkeys([reference_says, taken, *_ALTERNATIVES]) if p != says]
        rest, top = 1 - first, [(says, first)]
        for number, piece in enumerate(others[:7]):
            share = rest * (0.7 if number == 0 else 0.5)
            top.append((piece, share))
            rest -= share
        probabilities = dict(top)
        return {
            "kl": kl,
            "argmax": self.words.id(says),
            "rank": 1 + [p for p, _ in top].index(reference_says),
            "token_rank": 1 + [p for p, _ in top].index(taken),
            "logprob": math.log(probabilities[taken]),
            "entropy": -sum(p * math.log(p) for _, p in top),
            "gap": math.log(first / top[1][1]),
            "confidence": first,
            "flip": flip,
            "top": ([self.words.id(p) for p, _ in top], [math.log(p) for _, p in top]),
        }

    def tokens(self, name: str, start: int, stop: int) -> ev.Tokens:
        """Positions of one trajectory."""
        models = list(self.texts) if name == self.reference else [self.reference, name]
        scores = {
            m: _columns([self.column(m, name, i) for i in range(start, stop)]) for m in models
        }
        ids = [self.words.id(piece) for piece in self.pieces[name][start:stop]]
        return ev.Tokens(self.run, name, start, ids, scores)

    def started(self) -> ev.Started:
        return ev.Started(
            self.run,
            self.prompt,
            list(self.texts),
            self.reference,
            messages=[{"role": "user", "content": self.prompt}],
            sampling={"temperature": 0.0, "seed": 0, "max_tokens": 256},
        )

    def events(self, step: int = 2) -> Iterator[ev.Event]:
        """The whole run, `step` positions of every trajectory at a time."""
        yield self.started()
        longest = max(map(len, self.pieces.values()))
        for start in range(0, longest, step):
            for name, pieces in self.pieces.items():
                stop = min(start + step, len(pieces))
                if start >= stop:
                    continue
                line = self.tokens(name, start, stop)
                if news := self.words.news():
                    yield news
                yield line
                yield from self._happenings(name, start, stop)
        yield ev.ItemFinished(self.run, seconds=1.0)

    def _happenings(self, name: str, start: int, stop: int) -> Iterator[ev.Event]:
        fork = self.forks[name]
        if fork is not None and start <= fork < stop:
            yield ev.Fork(self.run, fork, [[self.reference], [name]])
        label = next((x for x in LABELS if f'"{x}"' in self.texts[name]), "UNPARSED")
        decides = 4
        if start <= decides < stop and label != "UNPARSED":
            yield self.verdict(name, label, decides, True)
        if stop == len(self.pieces[name]):
            yield self.verdict(name, label, decides, False)
            yield ev.TrajectoryFinished(self.run, name, "stop", self.texts[name], stop)

    def verdict(self, name: str, label: str, position: int, provisional: bool) -> ev.Verdict:
        margins = MARGINS if name == self.reference else {name: MARGINS.get(name)}
        return ev.Verdict(
            self.run, name, label, position, MARGINS.get(name), provisional, dict(margins)
        )


_ALTERNATIVES = (' "', " the", " salt", "TRP", " VETO", " no", ",", ".", " and")


def _columns(rows: list[ev.JSON]) -> ev.JSON:
    columns: ev.JSON = {key: [row[key] for row in rows] for key in rows[0] if key != "top"}
    columns["top"] = {"ids": [r["top"][0] for r in rows], "logprob": [r["top"][1] for r in rows]}
    return columns


def session(run: str = "ui-1") -> list[ev.Event]:
    """Engine up, models loaded, one run."""
    return [engine_started(), loaded(), *Comparison(run).events()]
