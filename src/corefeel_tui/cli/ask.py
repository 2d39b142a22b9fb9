"""`corefeel ask`: one comparison without a screen.

Knows its options and output formats; the conversation itself is `headless.converse`.
"""

from __future__ import annotations

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corefeel_tui import commands, events
from corefeel_tui.cli import options as opt
from corefeel_tui.cli.fetching import fetch_missing
from corefeel_tui.errors import UsageError

if TYPE_CHECKING:
    from corefeel_tui.settings import Settings

LIFE = (events.Loading, events.Status, events.Notice)
"""What concerns the process, not the comparison; it goes to stderr."""

NO_THINKING = "this model knows no thinking: --thinking changes nothing for it"


class AskFormat(StrEnum):
    """Forms of a comparison; jsonl is the events themselves."""

    text = "text"
    json = "json"
    jsonl = "jsonl"


def ask(
    words: Annotated[
        list[str], typer.Argument(metavar="[MODEL] PROMPT", help="“-” reads the prompt from stdin.")
    ],
    variants: opt.Variants = None,
    reference: opt.Reference = None,
    max_tokens: opt.MaxTokens = None,
    temperature: opt.Temperature = None,
    top_p: opt.TopP = None,
    top_k: opt.TopK = None,
    min_p: opt.MinP = None,
    seed: opt.Seed = None,
    system: opt.System = None,
    thinking: opt.Thinking = None,
    stop: Annotated[
        list[str] | None, typer.Option(help="End an answer before this text; may be repeated.")
    ] = None,
    session: opt.NewSession = None,
    no_save: opt.NoSave = False,
    no_cache: opt.NoCache = False,
    output: Annotated[AskFormat, typer.Option("--format", help="Form of the result.")] = (
        AskFormat.text
    ),
) -> None:
    """Ask all variants once, score their answers, and leave a session."""
    model, prompt = model_and_prompt(words)
    chosen = opt.choose_settings(
        variants,
        reference,
        no_cache,
        max_tokens=max_tokens,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        seed=seed,
        system=None if system is None else opt.utf8(system, "the system message"),
        thinking=thinking,
    )
    load = opt.load_command(model, chosen, variants is not None)
    fetch_missing(load)
    request = question(prompt, chosen, stop_strings(stop or []))
    compare(load, request, opt.new_session_path(session), chosen.save and not no_save, output)


def question(prompt: str, chosen: Settings, stop: list[str]) -> commands.Ask:
    """The prompt as the settings have it asked."""
    return commands.Ask(
        run="1",
        prompt=prompt,
        system=chosen.system,
        max_tokens=chosen.max_tokens,
        temperature=chosen.temperature,
        top_p=chosen.top_p,
        top_k=chosen.top_k,
        min_p=chosen.min_p,
        seed=chosen.seed,
        stop=stop,
        thinking=chosen.thinking,
    )


def compare(
    load: commands.Load,
    request: commands.Ask,
    path: Path | None,
    saving: bool,
    output: AskFormat,
) -> None:
    """Let an engine answer and print what it says, or what came of it."""
    from corefeel_tui import headless
    from corefeel_tui.cli.progress import Progress
    from corefeel_tui.client import EngineClient
    from corefeel_tui.folding import Record, apply
    from corefeel_tui.recording import Recorder
    from corefeel_tui.report.run import print_run, run_as_dict

    recorder = Recorder(EngineClient(), path, saving)
    record = Record()

    with Progress(quiet=output is AskFormat.jsonl) as progress:

        def show(event: events.Event) -> None:
            apply(record, event)
            progress.show(event)
            if isinstance(event, events.Loaded) and request.thinking and not event.thinking:
                progress.show(events.Notice(NO_THINKING))
            if output is AskFormat.jsonl and not isinstance(event, LIFE):
                sys.stdout.buffer.write(events.encode(event))
                sys.stdout.buffer.flush()

        asyncio.run(headless.converse(recorder, load, request, show))
    match output:
        case AskFormat.text:
            print_run(record, record.runs[request.run], recorder.path)
        case AskFormat.json:
            opt.print_json(run_as_dict(record, record.runs[request.run], recorder.path))


def model_and_prompt(words: list[str]) -> tuple[str | None, str]:
    """One word is the prompt, two are model and prompt.  Raises UsageError on anything else."""
    if len(words) > 2:
        raise UsageError("ask takes a model and a prompt, not more; put the prompt in quotes")
    prompt = opt.utf8(words[-1], "the prompt")
    if prompt == "-":
        prompt = opt.read_stdin("the prompt")
    if not prompt.strip():
        raise UsageError("the prompt is empty; say something to answer")
    return (words[0] if len(words) == 2 else None), prompt


def stop_strings(texts: list[str]) -> list[str]:
    """The stop strings.  Raises UsageError on one that would stop everything."""
    if not all(texts):
        raise UsageError("--stop is empty; it would end every answer before it begins")
    return [opt.utf8(text, "--stop") for text in texts]
