"""A worker process: receives cells one at a time, trains each, and reports how it went."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Protocol

from harness.cells.atomic import Damaged, is_full
from harness.cells.cell import Cell
from harness.cells.home import cell_folder
from harness.cells.lease import Lease, LeaseLost, take_lease
from harness.cells.record import JournalEntry, read_record, write_failure
from harness.execution.config import ExecutionConfig
from harness.execution.events import Cut, Paused, WorkerMessage
from harness.execution.jobs import Job
from harness.execution.transfer import with_local_paths

if TYPE_CHECKING:
    from harness.execution.train_cell import Worker


class Pipe(Protocol):
    """Methods of a connection that the worker uses."""

    def send(self, message: WorkerMessage, /) -> None: ...

    def poll(self, timeout: float = 0.0, /) -> bool: ...

    def recv(self) -> Any: ...


class ParentConnection:
    """The worker's end of the pipe: progress goes out, a wish to stop and answers come in."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe, self.parent_pid, self.last_share = pipe, os.getppid(), -1.0
        self.stopping = False  # to stop

    def share(self, share: float, preparing: bool = False) -> None:
        """Say how far it is, if that changed. Preparations, which have no checkpoint, stop here."""
        if preparing and self.should_stop():
            raise Paused
        if abs(share - self.last_share) >= 0.02 or share in (0.0, 1.0):
            self.last_share = share
            self.say(WorkerMessage("share", share, preparing))

    def say(self, message: WorkerMessage) -> None:
        try:
            self.pipe.send(message)
        except (BrokenPipeError, ConnectionResetError):
            self.stopping = True

    def should_continue(self, epochs: Sequence[JournalEntry]) -> bool:
        """Ask whether a judged cell is worth another epoch after these, and wait for the answer; a wish to stop is
        none."""
        self.say(WorkerMessage("epochs", epochs=epochs))
        while not self.stopping and os.getppid() == self.parent_pid:
            if self.pipe.poll(1.0):
                try:
                    answer = self.pipe.recv()
                except (EOFError, ConnectionResetError):
                    answer = None
                if answer is not None:
                    return bool(answer)
                self.stopping = True
        return True

    def should_stop(self) -> bool:
        """Whether to stop: the parent or a signal asks for it, or there is no parent any more."""
        if os.getppid() != self.parent_pid or self.pipe.poll():
            self.stopping = True
        return self.stopping


def serve(pipe: Connection, config: ExecutionConfig) -> None:
    """Train whatever the parent sends, until it is gone or asks to stop (by sending None)."""
    connection = ParentConnection(pipe)

    def request_stop(number: int, frame: object) -> None:
        connection.stopping = True

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    signal.signal(signal.SIGTERM, request_stop)
    from harness.execution.train_cell import Worker

    worker = Worker(config.home, config.threads, config.device, config.checkpoint_seconds, connection.should_stop)
    while not connection.stopping:
        try:
            job = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        if job is None:
            return
        connection.say(run_job(worker, connection, job))


def run_job(worker: Worker, connection: ParentConnection, job: Job) -> WorkerMessage:
    """Train one cell, unless another process has it or has ended it since the job was made."""
    try:
        lease = take_lease(worker.home, job.cell.id)
        if lease is None:
            return WorkerMessage("busy")
        with lease:
            elsewhere = ended_training(worker, job.cell) not in (None, job.before)
            if not elsewhere:
                train(worker, connection, job, lease)
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
    """Identity of the cell's training that has ended; None if there is none to rely on."""
    try:
        record = read_record(cell_folder(worker.home, cell.id))
    except Damaged:
        return None
    return record.trained if record else None


def train(worker: Worker, connection: ParentConnection, job: Job, lease: Lease) -> None:
    """Train, and keep the reason if that fails."""
    from harness.execution.encoders import prepare_encoder

    cell = job.cell
    try:
        local_cell = with_local_paths(cell, worker.local_paths)
        prepare_encoder(
            local_cell.recipe.encoder,
            local_cell.source,
            worker.home,
            lambda share: connection.share(share, True),
            lambda text: connection.say(WorkerMessage("note", note=text)),
        )
        connection.share(0.0)
        worker.train(job, lease, connection.share, connection.should_continue)
    except (Cut, Paused, LeaseLost):
        raise
    except Exception as error:
        if is_full(error):
            raise
        lease.check()  # or the error may come of another's doing, and the cell is not ours to fail
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        write_failure(worker.home, cell, reason, traceback.format_exc(), job.training)
