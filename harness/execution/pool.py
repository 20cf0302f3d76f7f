"""Dispatches jobs to workers, wherever these are, and follows what becomes of them."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol

from harness.cells.atomic import Damaged
from harness.cells.cell import Cell
from harness.cells.home import cell_folder
from harness.cells.lease import is_leased
from harness.cells.record import Record, read_record, write_failure
from harness.execution.config import ExecutionConfig
from harness.execution.events import Event, Kind, WorkerMessage
from harness.execution.jobs import Job, JobQueue

MAX_DEATHS = 3  # of workers over one cell
RECHECK_SECONDS = 1.0  # between looks at a cell that another process has


@dataclasses.dataclass(frozen=True)
class WorkerDied:
    """A worker is gone, and why. ``cell_at_fault`` if the cell may be the cause."""

    reason: str
    cell_at_fault: bool = True


class WorkerHandle(Protocol):
    """A worker, and the job that it has."""

    job: Job | None

    def is_ready(self) -> bool:
        """Whether it can be assigned a job by now."""

    def assign(self, job: Job) -> bool:
        """Whether it took the job; not if it has died idle."""

    def send(self, answer: bool | None) -> None:
        """Whether training of the judged cell it asked about continues; None: write a checkpoint and stop."""


class Backend(Protocol):
    """A place where workers run: this machine or a cluster."""

    def slots(self) -> int:
        """The largest number of workers."""

    def start_worker(self) -> WorkerHandle:
        """Start one more worker."""

    def poll(
        self, workers: Sequence[WorkerHandle], seconds: float
    ) -> Iterator[tuple[WorkerHandle, WorkerMessage | WorkerDied]]:
        """Messages of these busy workers within the time."""

    def close(self) -> None:
        """End all workers, whatever they are doing."""


def run_jobs(
    queue: JobQueue, config: ExecutionConfig, backend: Backend, stop: Callable[[], bool] = lambda: False
) -> Generator[Event | None, None, None]:
    """Train the queue's jobs; yields events as they come and None when there was none for a moment.

    An encoder that must be made first is made by one worker while the others wait. A cell whose worker dies goes on
    from its checkpoint with another; a cell that another process has is waited for. When ``stop`` says so, workers
    write checkpoints and the rest is left. Closing the iterator ends the workers.
    """
    pool = WorkerPool(queue, config, backend)
    try:
        while True:
            if stop():
                pool.stop()
            jobs = () if pool.stopping else queue.next_jobs(pool.idle())
            if not jobs and not pool.working():
                return
            for event in (*pool.dispatch(jobs), *pool.poll(0.25)):
                if event is not None:
                    queue.on_event(event)
                yield event
    finally:
        backend.close()


class WorkerPool:
    """The workers and their jobs."""

    def __init__(self, queue: JobQueue, config: ExecutionConfig, backend: Backend) -> None:
        self.queue, self.config, self.backend = queue, config, backend
        self.workers: list[WorkerHandle] = []
        self.ready_encoders: set[str] = set()
        self.deaths: Counter[str] = Counter()
        self.recheck_at: dict[str, float] = {}  # cells of other processes: when to look again
        self.stopping = False

    def working(self) -> list[WorkerHandle]:
        return [worker for worker in self.workers if worker.job]

    def idle(self) -> int:
        """Workers, started or yet to be, that have no job."""
        return self.backend.slots() - len(self.working())

    def stop(self) -> None:
        """Have every worker write its checkpoint, and dispatch no more."""
        if not self.stopping:
            self.stopping = True
            for worker in self.working():
                worker.send(None)

    def dispatch(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Assign jobs to idle workers, starting more up to the slots. Cells wait while their encoder is being made."""
        idle = [worker for worker in self.workers if worker.job is None]
        idle_ready = [worker for worker in idle if worker.is_ready()]
        starting = len(idle) - len(idle_ready)
        in_training = {worker.job.cell.id: worker.job.cell.encoder for worker in self.workers if worker.job}
        preparing = set(in_training.values()) - self.ready_encoders
        for job in jobs:
            if not idle_ready and len(self.workers) >= self.backend.slots():
                return
            cell = job.cell
            if cell.id in in_training or cell.encoder in preparing:
                continue
            if self.recheck_at.get(cell.id, 0.0) > time.monotonic():
                continue
            record = self.ended_record(job)
            if record is not None:
                yield ended_event(cell, record, True)
            elif is_leased(cell_folder(self.config.home, cell.id)):
                yield from self.busy(cell)
            elif not idle_ready and starting:
                starting -= 1  # this job is for the worker that is starting
            else:
                worker = idle_ready.pop(0) if idle_ready else self.start_worker()
                if worker.is_ready() and self.assign(job, worker):
                    in_training[cell.id] = cell.encoder
                    preparing = set(in_training.values()) - self.ready_encoders
                    yield Event("started", cell)

    def start_worker(self) -> WorkerHandle:
        self.workers.append(self.backend.start_worker())
        return self.workers[-1]

    def assign(self, job: Job, worker: WorkerHandle) -> bool:
        """Whether the worker took the job; one that died idle is removed."""
        if not worker.assign(job):
            self.workers.remove(worker)
            return False
        worker.job = job
        return True

    def ended_record(self, job: Job) -> Record | None:
        """The cell's record, if it has ended since the job was made."""
        try:
            record = read_record(cell_folder(self.config.home, job.cell.id))
        except Damaged:
            return None
        return None if record is None or record.trained == job.before else record

    def busy(self, cell: Cell) -> Iterator[Event]:
        """Leave the cell to the process that has it, and look again later."""
        if cell.id not in self.recheck_at:
            yield Event("busy", cell)
        self.recheck_at[cell.id] = time.monotonic() + RECHECK_SECONDS

    def poll(self, seconds: float) -> Iterator[Event | None]:
        """Events of the workers' messages within this time; None if there is none."""
        quiet = True
        for worker, message in self.backend.poll(self.working(), seconds):
            quiet = False
            if isinstance(message, WorkerDied):
                yield self.on_death(worker, message)
            else:
                yield from self.on_message(worker, message)
        if quiet:
            yield None

    def on_message(self, worker: WorkerHandle, message: WorkerMessage) -> Iterator[Event]:
        assert worker.job is not None
        cell = worker.job.cell
        if message.kind == "note":
            yield Event("note", cell, reason=message.note)
            return
        if not message.preparing:
            self.ready_encoders.add(cell.encoder)
        if message.kind == "share":
            yield Event("share", cell, message.share, message.preparing)
            return
        if message.kind == "epochs":
            worker.send(self.queue.should_continue(cell, message.epochs))
            return
        worker.job = None
        if message.kind == "busy":
            yield from self.busy(cell)
        elif message.kind == "full":
            self.stop()
            yield Event("full", cell)
        elif message.kind == "cut":
            yield Event("cut", cell)
        elif message.kind == "paused" and self.stopping:
            yield Event("paused", cell)
        elif message.kind == "paused":  # by a signal from elsewhere
            self.workers.remove(worker)
            yield Event("again", cell, reason="its worker process was asked to end")
        else:
            record = read_record(cell_folder(self.config.home, cell.id))
            assert record is not None
            yield ended_event(cell, record, message.elsewhere)

    def on_death(self, worker: WorkerHandle, death: WorkerDied) -> Event:
        """A worker is gone."""
        assert worker.job is not None
        cell, training = worker.job.cell, worker.job.training
        self.workers.remove(worker)
        self.deaths[cell.id] += death.cell_at_fault
        if self.stopping:
            return Event("paused", cell)
        reason = death.reason
        if self.deaths[cell.id] < MAX_DEATHS:
            return Event("again", cell, reason=reason)
        reason = f"{reason}, {MAX_DEATHS} times"
        write_failure(self.config.home, cell, reason, "", training)
        record = read_record(cell_folder(self.config.home, cell.id))
        return Event("failed", cell, reason=reason, record=record)


def ended_event(cell: Cell, record: Record, elsewhere: bool) -> Event:
    """The event of an ended cell."""
    kind: Kind = "done" if record.done else "failed"
    return Event(kind, cell, elsewhere=elsewhere, reason=str(record.outcome.get("reason", "")), record=record)
