"""A Ray actor whose cells sleep and leave the files of a finished cell: imports neither torch nor a model."""

from __future__ import annotations

import io
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from harness.cells.atomic import checksummed
from harness.cells.record import file_checksums, timestamp
from harness.execution.config import ExecutionConfig
from harness.execution.events import WorkerMessage
from harness.execution.jobs import Job
from harness.execution.ray.actor import QueuePipe, Scratch, Trainer

SECONDS = 0.05


class Asleep:
    """The part of a worker that a trainer uses."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.local_paths: dict[str, str] = {}


class Sleeper(Trainer):
    """``harness.execution.ray.actor.Trainer`` without a worker that computes."""

    def __init__(self, config: ExecutionConfig, shared: bool) -> None:
        self.shared, self.scratch = False, Scratch("benchmark")
        self.one_job = threading.Lock()
        self.worker = Asleep(Path(tempfile.mkdtemp(dir=self.scratch.folder)))  # type: ignore[assignment]

    def run_job(self, job: Job, local_paths: Mapping[str, str], pipe: QueuePipe) -> None:
        with self.one_job:
            began = time.monotonic()
            pipe.send(WorkerMessage("share", 0.0))
            leave(self.worker.home / "cells" / job.cell.id, job)
            time.sleep(max(0.0, SECONDS - (time.monotonic() - began)))
        pipe.send(WorkerMessage("ended"))


def leave(folder: Path, job: Job) -> None:
    """A finished cell of one epoch."""
    (folder / "cell.json").write_text(checksummed({"id": job.cell.id, "key": job.cell.key}))
    (folder / "journal.jsonl").write_text(checksummed({"epoch": 1, "scores": {"dev": {"accuracy": 0.5}}}) + "\n")
    stream = io.BytesIO()
    np.savez_compressed(stream, answers=np.zeros(500))
    (folder / "predictions.npz").write_bytes(stream.getvalue())
    (folder / "outcome.json").write_text(
        checksummed({"status": "done", "ended": timestamp(), "checks": file_checksums(folder)})
    )
