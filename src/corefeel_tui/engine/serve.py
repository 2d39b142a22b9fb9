"""The engine process: commands on stdin, events on the real stdout, one JSON object a line.

File descriptor 1 is kept for events; everything else that prints lands on stderr.  The end of
stdin ends the process at once, whatever it computes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from corefeel_tui import commands
from corefeel_tui import events as ev
from corefeel_tui.engine.scheduler import Job, Scheduler

if TYPE_CHECKING:
    from corefeel_tui.engine.service import Service

STATUS_SECONDS = 1.0

NO_BLAS = (
    "no OpenBLAS was found, so matrices are 40–80 times slower than they could be; install one "
    "(Debian, Ubuntu: apt-get install libopenblas0)"
)

log = logging.getLogger(__name__)


def claim_stdout() -> Callable[[ev.Event], None]:
    """Keep fd 1 for events and point it at stderr for everybody else; returns the writer."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def emit(event: ev.Event) -> None:
        line = memoryview(ev.encode(event))
        try:
            while line:
                line = line[out.write(line) or 0 :]
        except BrokenPipeError:
            os._exit(1)

    return emit


def read_commands(inbox: queue.SimpleQueue[commands.Command | ValueError]) -> None:
    """Put every line of stdin into `inbox`; at the end of stdin end the process."""
    for line in sys.stdin.buffer:
        try:
            inbox.put(commands.decode(line))
        except ValueError as error:
            inbox.put(error)
    os._exit(0)


def main() -> None:
    """Serve until told to stop."""
    emit = claim_stdout()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.pop("LD_PRELOAD", None)  # a preloaded BLAS is for this process, not its compilers
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    inbox: queue.SimpleQueue[commands.Command | ValueError] = queue.SimpleQueue()
    threading.Thread(target=read_commands, args=(inbox,), daemon=True).start()
    try:
        serve(inbox, emit)
        import mlx.core as mx

        mx.clear_streams()
        status = 0
    except Exception:
        log.exception("the engine cannot go on")
        status = 1
    sys.stderr.flush()
    os._exit(status)  # the reader still waits on stdin and would abort an ordinary end


def serve(
    inbox: queue.SimpleQueue[commands.Command | ValueError], emit: Callable[[ev.Event], None]
) -> None:
    """Carry out commands until `shutdown`."""
    from corefeel_tui.engine.memory import engine_started, memory_in_use
    from corefeel_tui.engine.resting import Resting
    from corefeel_tui.engine.service import Service

    started = engine_started()
    emit(started)
    if started.backend == "cpu" and started.blas is None:
        emit(ev.Notice(NO_BLAS, "warning"))
    service, scheduler, resting = Service(), Scheduler(emit), Resting()
    told = 0.0
    while True:
        patience = 0.0 if scheduler.busy else resting.patience(service.models)
        arrived = _arrived(inbox, patience)
        for command in arrived:
            if isinstance(command, commands.Shutdown):
                return
            resting.interrupt()
            _accept(command, service, scheduler, emit)
        if scheduler.busy:
            scheduler.step()
        elif service.models and not arrived and (timed := resting.step(service.models)):
            emit(timed)
        if time.monotonic() - told >= STATUS_SECONDS or not (scheduler or resting.busy):
            emit(ev.Status(memory_in_use(), len(scheduler)))
            told = time.monotonic()


def _arrived(
    inbox: queue.SimpleQueue[commands.Command | ValueError], patience: float | None
) -> list[commands.Command | ValueError]:
    """What came within so many seconds; None waits for something."""
    arrived: list[commands.Command | ValueError] = []
    if patience is None or patience > 0:
        with contextlib.suppress(queue.Empty):
            arrived.append(inbox.get(timeout=patience))
    while not inbox.empty():
        arrived.append(inbox.get())
    return arrived


def _accept(
    command: commands.Command | ValueError,
    service: Service,
    scheduler: Scheduler,
    emit: Callable[[ev.Event], None],
) -> None:
    match command:
        case commands.Load():
            scheduler.submit(Job(None, service.load(command, emit)))
        case commands.Plan():
            scheduler.submit(Job(None, service.plan(command)))
        case commands.Examine():
            scheduler.submit(Job(None, service.examine()))
        case commands.Ask(run=run):
            job = Job(run, background=command.background)
            job.steps = service.ask(command, lambda: job.cancelled)
            scheduler.submit(job)
        case commands.Score(run=run):
            job = Job(run)
            job.steps = service.score(command, lambda: job.cancelled)
            scheduler.submit(job)
        case commands.Heal(run=run):
            job = Job(run, background=command.background)
            job.steps = service.heal(command, lambda: job.cancelled)
            scheduler.submit(job)
        case commands.Meter(run=run):
            scheduler.cancel(run)  # a newer revision takes the place of those that wait
            job = Job(run)
            job.steps = service.meter(command, lambda: job.cancelled)
            scheduler.submit(job)
        case commands.Scan(run=run) | commands.Ladder(run=run) | commands.Search(run=run):
            job = Job(run, probing=True)
            job.steps = service.probe(command, lambda: job.cancelled)
            scheduler.submit(job)
        case commands.Evaluate(run=run):
            job = Job(run, background=True)
            job.steps = service.evaluate(command, lambda: job.cancelled)
            scheduler.submit(job)
        case commands.Pause(run=run, paused=paused):
            scheduler.pause(run, paused)
        case commands.Cancel(run=run):
            scheduler.cancel(run)
        case ValueError():
            emit(ev.Failed(f"the engine did not understand a command: {command}"))


if __name__ == "__main__":
    main()
