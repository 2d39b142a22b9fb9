"""A chat beside the batch evaluation: `python benchmarks/beside.py [--asks N]`.

Pocket and four variants.  An interactive prompt, asked at random moments while `core` runs in the
same engine: seconds until its run starts, until its first scored tokens come out, and until its
five answers of 32 tokens have ended; the same with nothing beside it.  Then letters typed into the
real app in a terminal of 120×35 until they stand on the screen, with `core` running and without.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from screen import percentile
from tests.terminal import Terminal

from corefeel_tui import events as ev
from corefeel_tui.client import EngineClient
from corefeel_tui.commands import Ask, Evaluate, Load

FIVE = ["bf16", "8bit", "4bit", "3bit", "2bit"]
PROMPTS = (
    "Who keeps Tolmere Inn?",
    "Describe Harrowgate Mill in a gothic voice.",
    "May brimsalt be stored near lamps?",
    "What is the toll at Lowquay?",
)
BATCH_KEYS = ("\x0f", "n", "\x1b[B", "\r", "\x1b")
BATCH_SHOWN = ("No batch yet", "several", "core", "running", "⏎ send")
LONGEST = 600.0


async def asked(client: EngineClient, stream: object, number: int) -> tuple[float, float, float]:
    """Seconds until one prompt's run starts, speaks, and ends."""
    run = f"chat-{number}"
    began = time.perf_counter()
    await client.send(Ask(run, PROMPTS[number % len(PROMPTS)], max_tokens=32))
    started = spoken = 0.0
    async for event in stream:  # type: ignore[attr-defined]
        since = time.perf_counter() - began
        if getattr(event, "run", None) != run:
            continue
        if isinstance(event, ev.Started):
            started = since
        if isinstance(event, ev.Tokens) and not spoken:
            spoken = since
        if isinstance(event, ev.ItemFinished):
            return started, spoken, since
    raise RuntimeError("the engine ended")


async def prompts(asks: int, beside: bool) -> list[tuple[float, float, float]]:
    """Times of every prompt."""
    dice = random.Random(1)
    client = EngineClient()
    await client.start()
    try:
        stream = client.events()
        await client.send(Load(None, FIVE))
        async for event in stream:
            if isinstance(event, ev.Loaded):
                break
        await asked(client, stream, 0)
        if beside:
            await client.send(Evaluate("batch", ["core"]))
            async for event in stream:
                if isinstance(event, ev.Progress):
                    break
        times = []
        for number in range(1, asks + 1):
            pause = asyncio.create_task(asyncio.sleep(dice.uniform(0.3, 1.5)))
            await pause
            times.append(await asked(client, stream, number))
        return times
    finally:
        await client.stop()


@contextmanager
def app() -> Iterator[Terminal]:
    """The real app with an answer on the screen, in a folder of its own."""
    with tempfile.TemporaryDirectory() as home:
        folders = {f"XDG_{kind}_HOME": home for kind in ("CONFIG", "DATA", "STATE")}
        terminal = Terminal("-m", "corefeel_tui", columns=120, rows=35, HOME=home, **folders)
        try:
            terminal.wait_for("takes an example", LONGEST)
            terminal.wait_for("answering", LONGEST)
            yield terminal
        finally:
            terminal.close()


def letters(count: int, beside: bool) -> list[float]:
    """Seconds from a letter until it stands on the screen."""
    dice = random.Random(2)
    with app() as terminal:
        if beside:
            for key, shown in zip(BATCH_KEYS, BATCH_SHOWN, strict=True):
                terminal.send(key)
                terminal.wait_for(shown, LONGEST)
            time.sleep(1)
        times, typed = [], ""
        for _ in range(count):
            time.sleep(dice.uniform(0.05, 0.25))
            typed = (typed + dice.choice(string.ascii_lowercase))[-40:]
            began = time.perf_counter()
            terminal.send(typed[-1])
            terminal.wait_for(typed, 20)
            times.append(time.perf_counter() - began)
        return times


def told(what: str, values: list[float]) -> None:
    """Median and 95th percentile, in milliseconds."""
    middle, high = statistics.median(values), percentile(values, 0.95)
    print(f"{what:44} median {1e3 * middle:7.1f} ms, p95 {1e3 * high:7.1f} ms", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--asks", type=int, default=20)
    count = parser.parse_args().asks
    for beside in (False, True):
        where = "beside core" if beside else "alone"
        times = asyncio.run(prompts(count, beside))
        for place, what in enumerate(("run starts", "first tokens", "32 tokens of five models")):
            told(f"{what}, {where}", [row[place] for row in times])
    for beside in (False, True):
        told(f"letter to screen, {'beside core' if beside else 'alone'}", letters(40, beside))
    print(f"load {os.getloadavg()[0]}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
