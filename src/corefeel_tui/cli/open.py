"""The verbs that open the app: `corefeel [MODEL]` and `corefeel replay`.

Knows what to hand to the app; everything on the screen is `ui`'s.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from corefeel_tui.cli import options as opt
from corefeel_tui.cli.fetching import fetch_missing
from corefeel_tui.errors import ModelError, UsageError

if TYPE_CHECKING:
    from corefeel_tui.commands import Load
    from corefeel_tui.settings import Settings


def open_app(
    model: opt.Model = None,
    variants: opt.Variants = None,
    reference: opt.Reference = None,
    max_tokens: opt.MaxTokens = None,
    temperature: opt.Temperature = None,
    seed: opt.Seed = None,
    system: opt.System = None,
    thinking: opt.Thinking = None,
    no_save: opt.NoSave = False,
    no_cache: opt.NoCache = False,
) -> None:
    """Open the app with a model and its variants side by side."""
    chosen = opt.choose_settings(
        variants,
        reference,
        no_cache,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        system=system,
        thinking=thinking,
        save=False if no_save else None,
    )
    load = opt.load_command(model, chosen, variants is not None)
    need_terminal()
    fetch_missing(load)
    refuse_quantized(load.model)
    show(load, chosen)


def show(load: Load, chosen: Settings) -> None:
    """The app over an engine of its own, until the reader leaves it."""
    from corefeel_tui.client import EngineClient
    from corefeel_tui.paths import history_file, recents_file
    from corefeel_tui.recording import Recorder
    from corefeel_tui.replay import sample_path
    from corefeel_tui.ui.app import make_app
    from corefeel_tui.ui.asking import Question
    from corefeel_tui.ui.theme import DARK, LIGHT

    recorder = Recorder(EngineClient(), saving=chosen.save)
    app = make_app(
        recorder,
        load=load,
        recorder=recorder,
        sample=sample_path(),
        settings=Question(
            system=chosen.system or "",
            temperature=chosen.temperature,
            top_p=chosen.top_p,
            top_k=chosen.top_k,
            min_p=chosen.min_p,
            seed=chosen.seed,
            max_tokens=chosen.max_tokens,
            thinking=chosen.thinking,
        ),
        history=history_file() if chosen.save else None,
        recents=recents_file() if chosen.save else None,
    )
    app.theme = (LIGHT if chosen.theme == "light" else DARK).name
    app.run()


def replay(
    session: Annotated[
        str | None, typer.Argument(metavar="[SESSION]", help="The bundled sample if absent.")
    ] = None,
    speed: Annotated[float, typer.Option(help="Times the speed it was recorded at.")] = 1.0,
) -> None:
    """Open a recorded session in the app, without a model."""
    from corefeel_tui.cli.sessions import find_session
    from corefeel_tui.replay import ReplayClient, sample_path

    if not speed > 0:
        raise UsageError(f"--speed: {speed:g} would never end; use a number above 0")
    path = sample_path() if session is None else find_session(session)
    client = ReplayClient(path, speed)
    need_terminal()
    from corefeel_tui.ui.app import make_app

    make_app(client).run()


def refuse_quantized(model: str | None) -> None:
    """Raises ModelError on a model that cannot be the reference, before the app opens for it."""
    from corefeel_tui import lineage

    if model is not None and (found := lineage.quantized_model(model)):
        raise ModelError(lineage.refusal(model, found[1]))


def need_terminal() -> None:
    """Raises UsageError where no app can be shown."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the app needs a terminal; `corefeel ask` and `score` work without one")
