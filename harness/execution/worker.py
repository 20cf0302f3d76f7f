"""A worker process: takes cells one at a time, trains each, and says how it went."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Protocol

from harness.cells.atomic import Damaged, is_full
from harness.cells.cell import Cell
from harness.cells.lease import Lease, LeaseLost, take_lease
from harness.cells.record import Entry, fail, read
from harness.execution.config import ExecutionConfig
from harness.execution.events import Cut, Paused, WorkerMessage
from harness.execution.jobs import Job
from harness.execution.transfer import with_local_paths

if TYPE_CHECKING:
    from harness.execution.train_cell import Worker


class Pipe(Protocol):
    """What a line needs of a connection."""

    def send(self, said: WorkerMessage, /) -> None: ...

    def poll(self, timeout: float = 0.0, /) -> bool: ...

    def recv(self) -> Any: ...


class ParentConnection:
    """The worker's end of the pipe: progress goes out, a wish to stop and answers come in."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe, self.parent, self.told = pipe, os.getppid(), -1.0
        self.asked = False  # to stop

    def share(self, share: float, preparing: bool = False) -> None:
        """Say how far it is, if that changed. Preparations, which have no checkpoint, stop here."""
        if preparing and self.stop():
            raise Paused
        if abs(share - self.told) >= 0.02 or share in (0.0, 1.0):
            self.told = share
            self.say(WorkerMessage("share", share, preparing))

    def say(self, said: WorkerMessage) -> None:
        try:
            self.pipe.send(said)
        except (BrokenPipeError, ConnectionResetError):
            self.asked = True

    def goes_on(self, epochs: Sequence[Entry]) -> bool:
        """Ask whether a judged cell is worth another epoch after these, and wait for the answer; a wish to stop is
        none."""
        self.say(WorkerMessage("epochs", epochs=epochs))
        while not self.asked and os.getppid() == self.parent:
            if self.pipe.poll(1.0):
                try:
                    answer = self.pipe.recv()
                except (EOFError, ConnectionResetError):
                    answer = None
                if answer is not None:
                    return bool(answer)
                self.asked = True
        return True

    def stop(self) -> bool:
        """Whether to stop: the parent wishes it, a signal does, or there is no parent any more."""
        if os.getppid() != self.parent or self.pipe.poll():
            self.asked = True
        return self.asked


def serve(pipe: Connection, machine: ExecutionConfig) -> None:
    """Train whatever the parent sends, until it is gone or wishes to stop (by sending None)."""
    line = ParentConnection(pipe)

    def note(number: int, frame: object) -> None:
        line.asked = True

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    signal.signal(signal.SIGTERM, note)
    from harness.execution.train_cell import Worker

    worker = Worker(machine.home, machine.threads, machine.device, machine.checkpoint_seconds, line.stop)
    while not line.asked:
        try:
            order = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        if order is None:
            return
        line.say(run_job(worker, line, order))


def run_job(worker: Worker, line: ParentConnection, order: Job) -> WorkerMessage:
    """Train one cell, unless another process has it or has ended it since it was ordered."""
    try:
        held = take_lease(worker.home, order.cell.id)
        if held is None:
            return WorkerMessage("busy")
        with held:
            elsewhere = ended_training(worker, order.cell) not in (None, order.before)
            if not elsewhere:
                train(worker, line, order, held)
        return WorkerMessage("ended", elsewhere=elsewhere)
    except Cut:
        return WorkerMessage("cut")
    except Paused:
        return WorkerMessage("paused")
    except LeaseLost:
        return WorkerMessage("busy")
    except Exception as error:
        if is_full(error):
            return WorkerMessage("full")
        raise


def ended_training(worker: Worker, cell: Cell) -> str | None:
    """What tells the training of the cell that has ended from another; None if there is none to rely on."""
    try:
        record = read(worker.home / "cells" / cell.id)
    except Damaged:
        return None
    return record.trained if record else None


def train(worker: Worker, line: ParentConnection, order: Job, held: Lease) -> None:
    """Train, and keep the reason if that fails."""
    from harness.execution.encoders import prepare_encoder

    cell = order.cell
    try:
        here = with_local_paths(cell, worker.here)
        prepare_encoder(
            here.recipe.encoder,
            here.source,
            worker.home,
            lambda share: line.share(share, True),
            lambda text: line.say(WorkerMessage("note", note=text)),
        )
        line.share(0.0)
        worker.train(order, held, line.share, line.goes_on)
    except (Cut, Paused, LeaseLost):
        raise
    except Exception as error:
        if is_full(error):
            raise
        held.check()  # or the error may come of another's doing, and the cell is not ours to fail
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        fail(worker.home, cell, reason, traceback.format_exc(), order.training)
