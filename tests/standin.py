"""A stand-in engine: a real child process that speaks the protocol from a script, without a model.

Imports no mlx.  Prompts named in `MISHAPS` make it misbehave.  Run as `standin.py [SECONDS]`, the
pause between two lines of tokens.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue

from corefeel_tui import commands, events
from corefeel_tui.commands import Ask, Cancel, Load, Plan, Score, Shutdown

OPENING = ["{", '"', "decision", '"', ":", ' "']
VETO = [*OPENING, "VE", "TO", '"', ",", ' "', "evidence", "_cited", '":', ' ["', "TRP", '-7"]', "}"]
APPROVE = [*OPENING, "APP", "ROVE", '"', ",", ' "', "evidence", "_cited", '":', " []", "}"]
ANSWERS = {
    "bf16": VETO,
    "8bit": VETO,
    "4bit": VETO,
    "3bit": APPROVE,
    "2bit": [*APPROVE[:-1], "]", " …"],
}
"""Pieces of each model's answer; all start alike and fork where they differ."""

END = "<|im_end|>"
DRIFT = {"bf16": 0.0, "8bit": 2e-4, "4bit": 0.03, "3bit": 0.27, "2bit": 1.9}
WORDS = sorted({piece for answer in ANSWERS.values() for piece in answer} | {END})
IDS = {piece: i + 100 for i, piece in enumerate(WORDS)}

MISHAPS = ("garbage", "die", "exit 3", "deaf", "long line", "fail")


def described(name: str) -> events.JSON:
    """A model's entry in `loaded`."""
    bits = 16.0 if name == "bf16" else float(name[0]) + 0.5
    return {
        "name": name,
        "treatment": "reference" if name == "bf16" else f"affine {name[0]}-bit, group 64",
        "bits_per_weight": bits,
        "bytes": int(8e6 * bits / 8),
        "resident_bytes": int(8e6 * bits / 8),
        "execution": "expanded",
        "skipped": [],
        "identical": False,
        "tokens_per_second": 210.0,
    }


def load(command: Load) -> Iterator[events.Event]:
    """What a load says."""
    names = command.variants
    if command.model == "missing":
        yield events.Failed("there is no model “missing”", fatal=True)
        return
    yield events.Loading("", "checkpoint", 1, 1)
    for i, name in enumerate(names):
        yield events.Loading(name, "quantize", i + 1, len(names))
    floor = {"kl_mean": 0.0, "kl_max": 0.0, "positions": 64}
    yield events.Loaded(
        model=command.model or "Pocket",
        reference="bf16",
        variants=[described(name) for name in names],
        vocabulary=512,
        context=2048,
        floors={"F0": floor, "F1": {**floor, "kl_mean": 3e-7, "kl_max": 2e-6}},
        fingerprint={"content": "c0", "tokenizer": "70", "template": "7e"},
        seconds=0.1,
    )


def planned(command: Plan) -> events.Event:
    """What a plan says; there is never room for 2bit."""
    names = [name for name in command.variants if name != "2bit"]
    refused = command.explicit and "2bit" in command.variants
    return events.PlannedSet(
        model=command.model or "Pocket",
        reference="bf16",
        variants=[
            described(name) | {"included": refused or name in names, "failure": None}
            for name in command.variants
        ],
        length=min(command.length or 1024, 2048),
        rows=10,
        models_bytes=50_000_000,
        making_bytes=1_000_000,
        cache_bytes=3_000_000,
        logits_bytes=200_000,
        needed_bytes=53_200_000,
        usable_bytes=52_000_000 if refused else 60_000_000,
        reserve_bytes=4_000_000,
        source="available memory",
        fits=not refused,
        advice=["2bit does not fit"] if refused else [],
    )


def scores(model: str, ids: list[int], start: int) -> events.JSON:
    """Plausible columns: drift grows with the treatment and peaks where answers part."""
    kl = [DRIFT[model] * (1.5 + math.sin(1.7 * (start + i))) for i in range(len(ids))]
    flips = [x > 0.5 for x in kl]
    return {
        "kl": kl,
        "argmax": ids,
        "rank": [2 if flip else 1 for flip in flips],
        "token_rank": [1] * len(ids),
        "logprob": [-0.1 - x for x in kl],
        "entropy": [0.3 + x for x in kl],
        "gap": [2.0] * len(ids),
        "confidence": [0.9] * len(ids),
        "flip": flips,
        "top": {
            "ids": [[i, 100 + (i + 1) % len(WORDS)] for i in ids],
            "logprob": [[-0.1 - x, -2.1 - x] for x in kl],
        },
    }


def fork_position(name: str) -> int:
    """Where this model's answer leaves the reference's; its length if never."""
    pairs = zip(ANSWERS[name], ANSWERS["bf16"], strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), len(ANSWERS[name]))


def answer(ask: Ask, names: list[str], step: int = 3) -> Iterator[events.Event]:
    """The events of one run, `step` positions at a time."""
    yield events.Started(
        run=ask.run,
        prompt=ask.prompt,
        variants=names,
        reference="bf16",
        messages=[{"role": "user", "content": ask.prompt}],
        sampling={"temperature": ask.temperature, "seed": ask.seed, "max_tokens": ask.max_tokens},
        prompt_tokens=dict.fromkeys(names, 12),
        verdict={"json_key": "decision"},
    )
    yield events.Pieces({str(i): piece for piece, i in IDS.items()})
    texts = {name: [*ANSWERS[name], END][: ask.max_tokens] for name in names}
    forked = [name for name in names if fork_position(name) < len(VETO)]
    fork = min((fork_position(name) for name in forked), default=None)
    for start in range(0, max(map(len, texts.values())), step):
        if fork is not None and start <= fork < start + step:
            together = [name for name in names if name not in forked]
            yield events.Fork(ask.run, fork, [together, forked])
        for name in names:
            ids = [IDS[piece] for piece in texts[name][start : start + step]]
            if not ids:
                continue
            shared = name != "bf16" and name not in forked
            scorers = names if name == "bf16" else ["bf16", name]
            yield events.Tokens(
                ask.run,
                name,
                start,
                ids,
                None if shared else {model: scores(model, ids, start) for model in scorers},
                "bf16" if shared else None,
            )
    for name in names:
        label = "VETO" if name not in forked else "APPROVE" if name == "3bit" else "UNPARSED"
        margin = {"bf16": 6.1, "8bit": 6.0, "4bit": 2.2, "3bit": -0.8}.get(name)
        yield events.Verdict(ask.run, name, label, len(OPENING), margin)
        reason = "stop" if len(texts[name]) > len(ANSWERS[name]) else "length"
        text = "".join(piece for piece in texts[name] if piece != END)
        yield events.TrajectoryFinished(ask.run, name, reason, text, len(texts[name]))
    yield events.ItemFinished(ask.run, seconds=0.5)


def mishap(kind: str, ask: Ask) -> Iterator[events.Event]:
    """Misbehave as the prompt asks."""
    match kind:
        case "garbage":
            os.write(1, b'model loaded in 3.2s\n\xff\xfe\x00\n[]\n{"event":"tokens"}\n')
            yield from answer(ask, list(ANSWERS))
        case "die":
            print("terminate called: out of memory", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit 3":
            print("first words\nlast words", file=sys.stderr, flush=True)
            os._exit(3)
        case "deaf":
            signal.pause()
        case "long line":
            yield events.TrajectoryFinished(ask.run, "bf16", "stop", "x" * 2**20)
        case "fail":
            yield events.Failed("the prompt has 9000 tokens, 952 more than the context", ask.run)
            yield events.ItemFinished(ask.run, "failed")


def scored(command: Score, names: list[str]) -> events.Event:
    """The result of a score."""
    variants = {name: {"kl": {"mean": DRIFT[name]}, "flips": 0} for name in names}
    return events.Scored(
        command.run, {"model": "Pocket", "reference": "bf16", "variants": variants}
    )


def main() -> None:
    """Answer commands until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pause = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    inbox: SimpleQueue[commands.Command] = SimpleQueue()
    cancelled: set[str] = set()

    def read() -> None:
        for line in sys.stdin.buffer:
            command = commands.decode(line)
            if isinstance(command, Cancel):
                cancelled.add(command.run)
            inbox.put(command)
        os._exit(0)

    def say(event: events.Event) -> None:
        os.write(1, events.encode(event))

    threading.Thread(target=read, daemon=True).start()
    say(events.EngineStarted(os.getpid(), "cpu", "expanded", os.environ.get("LD_PRELOAD")))
    names = list(ANSWERS)
    while not isinstance(command := inbox.get(), Shutdown):
        match command:
            case Load():
                names = command.variants
                for event in load(command):
                    say(event)
            case Plan(model="missing"):
                say(events.Failed("there is no model “missing”", fatal=True))
            case Plan():
                say(planned(command))
            case Ask(prompt=prompt) if prompt in MISHAPS:
                for event in mishap(prompt, command):
                    say(event)
            case Ask():
                for event in answer(command, names):
                    if command.run in cancelled:
                        say(events.ItemFinished(command.run, "cancelled"))
                        break
                    say(event)
                    if isinstance(event, events.Tokens):
                        time.sleep(pause)
            case Score():
                say(scored(command, names))
                say(events.ItemFinished(command.run))
    os._exit(0)  # the reader thread holds stdin's lock, which an orderly exit would wait for


if __name__ == "__main__":
    main()
