"""Cells on this machine: worker processes train, the parent listens."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from harness.cell import Cell, Keep, Record, fail, read
from harness.claims import is_held
from harness.durable import Damaged
from harness.execute.news import Kind, Machine, News, Said
from harness.execute.serve import serve

LIVES = 3  # workers that may die over one cell
LOOK = 1.0  # seconds between looks at a cell that another process has
# glibc gives large blocks back to the system when they are freed, and every update asks for them again: half a
# gigabyte of fresh pages for the gradients of a BERT-base. A worker keeps them. Other allocators ignore these names.
KEEPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 24)}


def execute(
    cells: Sequence[Cell],
    keep: Mapping[str, Keep],
    before: Mapping[str, str],
    machine: Machine,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[News | None, None, None]:
    """Train the cells in order, ``jobs`` at a time; yields news as it comes and None when nothing came for a moment.

    ``keep`` says by cell id which weights stay; ``before`` names the ended training of a cell that is to be trained
    again. An encoder that must be made first is made by one worker while the others wait. A cell whose worker dies
    goes on from its checkpoint with another; a cell that another process has is waited for. When ``stop`` says so,
    workers write checkpoints and the rest is left. Closing the iterator kills the workers.
    """
    crew = Crew(list(cells), keep, before, machine)
    try:
        while crew.queue or crew.working():
            if stop():
                crew.stop()
            yield from crew.deal()
            yield from crew.listen(0.25)
    finally:
        crew.kill()


def worker_environment(threads: int) -> dict[str, str]:
    """What a worker's environment has beside or instead of this process's."""
    kept = {name: os.environ.get(name, value) for name, value in KEEPING.items()}
    return {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)} | kept


@dataclasses.dataclass
class Hand:
    process: SpawnProcess
    pipe: Connection
    cell: Cell | None = None


class Crew:
    """The workers and what is left for them to do."""

    def __init__(
        self, queue: list[Cell], keep: Mapping[str, Keep], before: Mapping[str, str], machine: Machine
    ) -> None:
        self.queue, self.keep, self.before, self.machine = queue, keep, before, machine
        self.hands: list[Hand] = []
        self.made: set[str] = set()  # encoders
        self.deaths: Counter[str] = Counter()
        self.elsewhere: dict[str, float] = {}  # when to look again
        self.stopping = False

    def working(self) -> list[Hand]:
        return [hand for hand in self.hands if hand.cell]

    def stop(self) -> None:
        """Have every worker write its checkpoint, and deal no more."""
        self.queue.clear()
        if not self.stopping:
            self.stopping = True
            for hand in self.working():
                with contextlib.suppress(BrokenPipeError):
                    hand.pipe.send(None)

    def kill(self) -> None:
        for hand in self.hands:
            hand.process.kill()
        for hand in self.hands:
            hand.process.join(5)

    def deal(self) -> Iterator[News]:
        """Give cells to idle workers, hiring up to ``jobs``. A cell whose encoder is just being made has to wait."""
        for cell in list(self.queue):
            idle = next((hand for hand in self.hands if hand.cell is None), None)
            if idle is None and len(self.hands) >= self.machine.jobs:
                return
            making = {hand.cell.encoder for hand in self.hands if hand.cell} - self.made
            if cell.encoder in making or self.elsewhere.get(cell.id, 0.0) > time.monotonic():
                continue
            record = self.ended(cell)
            if record is not None:
                self.queue.remove(cell)
                yield told(cell, record, True)
            elif is_held(self.machine.home / "cells" / cell.id):
                yield from self.busy(cell)
            elif self.give(cell, idle or self.hire()):
                self.queue.remove(cell)
                yield News("started", cell)

    def give(self, cell: Cell, hand: Hand) -> bool:
        """Whether the worker took the cell; one that died idle is let go."""
        try:
            hand.pipe.send((cell, self.keep.get(cell.id, Keep()), self.before.get(cell.id)))
        except (BrokenPipeError, ConnectionResetError):
            self.hands.remove(hand)
            return False
        hand.cell = cell
        return True

    def ended(self, cell: Cell) -> Record | None:
        """The cell's record, if it has ended since the plan was made."""
        try:
            record = read(self.machine.home / "cells" / cell.id)
        except Damaged:
            return None
        return None if record is None or record.trained == self.before.get(cell.id) else record

    def busy(self, cell: Cell) -> Iterator[News]:
        """Leave the cell to the process that has it, and look again later."""
        if cell.id not in self.elsewhere:
            yield News("busy", cell)
        self.elsewhere[cell.id] = time.monotonic() + LOOK

    def hire(self) -> Hand:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self.machine), daemon=True)
        os.environ |= worker_environment(self.machine.threads)
        process.start()
        theirs.close()
        self.hands.append(Hand(process, ours))
        return self.hands[-1]

    def listen(self, seconds: float) -> Iterator[News | None]:
        """What the workers say within this time; None if nothing."""
        ready = wait([hand.pipe for hand in self.working()], timeout=seconds)
        if not ready:
            yield None
        for hand in [hand for hand in self.working() if hand.pipe in ready]:
            try:
                said = hand.pipe.recv()
            except (EOFError, ConnectionResetError):
                yield self.died(hand)
            else:
                yield from self.heard(hand, said)

    def heard(self, hand: Hand, said: Said) -> Iterator[News]:
        cell = hand.cell
        assert cell is not None
        if not said.preparing:
            self.made.add(cell.encoder)
        if said.kind == "share":
            yield News("share", cell, said.share, said.preparing)
            return
        hand.cell = None
        if said.kind == "busy":
            self.queue.append(cell)
            yield from self.busy(cell)
        elif said.kind == "full":
            self.stop()
            yield News("full", cell)
        elif said.kind == "paused" and self.stopping:
            yield News("paused", cell)
        elif said.kind == "paused":  # by a signal from elsewhere
            self.hands.remove(hand)
            self.queue.insert(0, cell)
            yield News("again", cell, reason="its worker process was asked to end")
        else:
            record = read(self.machine.home / "cells" / cell.id)
            assert record is not None
            yield told(cell, record, said.elsewhere)

    def died(self, hand: Hand) -> News:
        """A worker's process is gone."""
        cell = hand.cell
        assert cell is not None
        self.hands.remove(hand)
        hand.process.join(5)
        reason = f"its worker process ended with exit code {hand.process.exitcode}"
        self.deaths[cell.id] += 1
        if self.stopping:
            return News("paused", cell)
        if self.deaths[cell.id] < LIVES:
            self.queue.insert(0, cell)
            return News("again", cell, reason=reason)
        reason = f"{reason}, {LIVES} times"
        fail(self.machine.home, cell, reason, "")
        record = read(self.machine.home / "cells" / cell.id)
        return News("failed", cell, reason=reason, record=record)


def told(cell: Cell, record: Record, elsewhere: bool) -> News:
    """The news of an ended cell."""
    kind: Kind = "done" if record.done else "failed"
    return News(kind, cell, elsewhere=elsewhere, reason=str(record.outcome.get("reason", "")), record=record)
