"""`python -m corefeel_tui.pocket generate | train | export | card | reproduce | suite`;
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

from .plan import SCHEDULES, Plan, continued

app = typer.Typer(
    help="Make Pocket, the bundled model.", no_args_is_help=True, add_completion=False
)
RUN = cache_directory() / "pocket"
Folder = Annotated[Path, typer.Option(help="where the run lives: tokenizer, checkpoint, curve")]
Workers = Annotated[int, typer.Option(min=1, help="processes that share each batch")]
Threads = Annotated[int, typer.Option(min=1, help="threads of each")]
Compiled = Annotated[bool, typer.Option(help="faster; needs a C++ compiler")]


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
    workers: Workers = 1,
    threads: Threads = 2,
    compiled: Compiled = False,
    begins: Annotated[
        Path | None, typer.Option(help="begin with this model's weights, not random ones")
    ] = None,
    schedule: Annotated[
        str, typer.Option(help=f"mixtures in order: {', '.join(SCHEDULES)}")
    ] = "whole",
) -> None:
    """Train, or go on with an interrupted run; give --steps, --minutes or --deadline."""
    _need_torch()
    from .reproduce import copied_tokenizer
    from .trainer import train_run
    from .workers import run_workers

    if steps is None and minutes is None and deadline is None:
        raise CorefeelError("say when to stop: --steps, --minutes or --deadline")
    until = time.time() + 60 * minutes if minutes is not None else None
    if deadline is not None:
        until = _today_at(deadline)
    if schedule not in SCHEDULES:
        raise CorefeelError(f"no schedule {schedule!r}; there are {', '.join(SCHEDULES)}")
    plan = Plan(seed, steps, until, decay, schedule=SCHEDULES[schedule], compiled=compiled)
    if begins is not None:
        plan = continued(plan, begins)
    tokenizer = copied_tokenizer(begins, folder) if begins else _made_tokenizer(folder)
    run_workers(workers, train_run, plan, tokenizer, folder, threads)


def _need_torch() -> None:
    if find_spec("torch") is None:
        raise CorefeelError("training needs torch; run `pip install corefeel-tui[train]`")


def _today_at(clock: str) -> float:
    try:
        return time.mktime(time.strptime(time.strftime("%Y-%m-%d ") + clock, "%Y-%m-%d %H:%M"))
    except ValueError:
        raise CorefeelError(f"a deadline is a time of day like 17:30, not {clock!r}") from None


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
def reproduce(
    folder: Annotated[Path, typer.Option(help="where runs and models go; may be gone on with")],
    workers: Workers = 1,
    threads: Threads = 2,
    compiled: Compiled = False,
) -> None:
    """Train the shipped weights again, run after run; export, measure and print their card."""
    _need_torch()
    from . import weights_path
    from .card import write_card
    from .reproduce import reproduce

    model = reproduce(weights_path(), folder, workers, threads, compiled, print)
    write_card(model, folder, workers)
    print((folder / "CARD.md").read_text("utf-8"))


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
    except typer.TyperException as error:
        print(error.format_message(), file=sys.stderr)
        return 2
    except typer.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
