"""`python -m corefeel_tui.pocket generate | train | export | card`;
each verb imports only what it needs.
"""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from corefeel_tui.errors import CorefeelError
from corefeel_tui.paths import cache_directory

app = typer.Typer(
    help="Make Pocket, the bundled model.", no_args_is_help=True, add_completion=False
)
RUN = cache_directory() / "pocket"
Folder = Annotated[Path, typer.Option(help="where the run lives: tokenizer, checkpoint, curve")]


@app.command()
def generate(
    skill: Annotated[str, typer.Option(help="one skill's held-out items instead of training")] = "",
    count: int = 10,
    seed: int = 1,
    stage: str = "short",
) -> None:
    """Print conversations, one JSON object a line."""
    import json
    from itertools import islice

    from .corpus import heldout_items, training_items

    items = heldout_items(skill, count) if skill else islice(training_items(seed, stage), count)
    for item in items:
        messages = [{"role": role, "content": text} for role, text in item.messages]
        shown = {
            "skill": item.skill,
            "rule": item.rule,
            "expected": item.expected,
            "messages": messages,
        }
        print(json.dumps(shown))


@app.command()
def train(
    folder: Folder = RUN,
    seed: int = 1,
    steps: Annotated[int | None, typer.Option(help="stop after this many steps")] = None,
    minutes: Annotated[float | None, typer.Option(help="stop about this long from now")] = None,
    deadline: Annotated[
        str | None, typer.Option(help="stop at this local time today, HH:MM")
    ] = None,
    decay: Annotated[
        float, typer.Option(help="share of the run in which the rate falls to zero")
    ] = 0.3,
    workers: Annotated[int, typer.Option(help="processes that share each batch")] = 1,
    threads: Annotated[int, typer.Option(help="threads of each")] = 2,
    compiled: Annotated[bool, typer.Option(help="faster; needs a C++ compiler")] = False,
    begins: Annotated[
        Path | None, typer.Option(help="begin with this model's weights, not random ones")
    ] = None,
    schedule: Annotated[
        str, typer.Option(help="mixtures in order: whole, looking-up or judging")
    ] = "whole",
) -> None:
    """Train, or go on with an interrupted run; give --steps, --minutes or --deadline."""
    if find_spec("torch") is None:
        raise CorefeelError("training needs torch; run `pip install corefeel-tui[train]`")
    from .plan import SCHEDULES, Plan, continued
    from .trainer import train_run
    from .workers import run_workers

    if steps is None and minutes is None and deadline is None:
        raise CorefeelError("say when to stop: --steps, --minutes or --deadline")
    until = time.time() + 60 * minutes if minutes is not None else None
    if deadline is not None:
        until = time.mktime(time.strptime(time.strftime("%Y-%m-%d ") + deadline, "%Y-%m-%d %H:%M"))
    if schedule not in SCHEDULES:
        raise CorefeelError(f"no schedule {schedule!r}; there are {', '.join(SCHEDULES)}")
    plan = Plan(seed, steps, until, decay, schedule=SCHEDULES[schedule], compiled=compiled)
    if begins is not None:
        plan = continued(plan, begins)
    tokenizer = _made_tokenizer(folder)
    run_workers(workers, train_run, plan, tokenizer, folder, threads)


def _made_tokenizer(folder: Path) -> Path:
    """The file of the run's tokenizer, trained on first use from the first conversations."""
    from itertools import chain, islice

    from .corpus import training_items
    from .tokenizer import item_texts, save_tokenizer, train_tokenizer

    path = folder / "tokenizer" / "tokenizer.json"
    if not path.exists():
        sample = chain(islice(training_items(1), 20_000), islice(training_items(2, "long"), 15_000))
        save_tokenizer(train_tokenizer(item_texts(sample)), path.parent)
    return path


@app.command()
def export(
    folder: Folder = RUN,
    to: Annotated[Path | None, typer.Option(help="default: the package")] = None,
) -> None:
    """Write config, tokenizer, BF16 weights and their hashes from a run's checkpoint."""
    from . import weights_path
    from .export import export_run

    export_run(folder, to or weights_path())


@app.command()
def card(
    weights: Annotated[Path | None, typer.Option(help="default: the package's")] = None,
    workers: Annotated[int, typer.Option(help="processes that share the variants")] = 1,
) -> None:
    """Measure the model and its variants on the held-out items; write CARD.md and card.json."""
    from .card import write_card

    write_card(weights, workers=workers)


@app.command()
def suite() -> None:
    """Print the suite of prompts to try first."""
    from .try_suite import suite_text

    print(suite_text(), end="")


def main() -> int:
    """Run one verb; an error is one sentence on stderr and exit code 2."""
    try:
        app(standalone_mode=False)
    except CorefeelError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except typer.Exit as stop:
        return stop.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
