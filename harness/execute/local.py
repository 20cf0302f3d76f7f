"""Cells on this machine: worker processes train, the parent listens."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from harness.cell import Cell, Record, fail, read
from harness.claims import is_held
from harness.durable import Damaged
from harness.execute.news import Kind, Machine, News, Said
from harness.execute.orders import Order, Source
from harness.execute.serve import serve

LIVES = 3  # workers that may die over one cell
LOOK = 1.0  # seconds between looks at a cell that another process has
# glibc gives large blocks back to the system when they are freed, and every update asks for them again: half a
# gigabyte of fresh pages for the gradients of a BERT-base. A worker keeps them. Other allocators ignore these names.
KEEPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 24)}


def execute(
    source: Source, machine: Machine, stop: Callable[[], bool] = lambda: False
) -> Generator[News | None, None, None]:
    """Train what the source orders, ``jobs`` at a time; yields news as it comes and None when nothing came for a
    moment.

    An encoder that must be made first is made by one worker while the others wait. A cell whose worker dies goes on
    from its checkpoint with another; a cell that another process has is waited for. When ``stop`` says so, workers
    write checkpoints and the rest is left. Closing the iterator kills the workers.
    """
    crew = Crew(source, machine)
    try:
        while True:
            if stop():
                crew.stop()
            orders = () if crew.stopping else source.orders(crew.idle())
            if not orders and not crew.working():
                return
            for news in (*crew.deal(orders), *crew.listen(0.25)):
                if news is not None:
                    source.heard(news)
                yield news
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
    order: Order | None = None


class Crew:
    """The workers and what they are at."""

    def __init__(self, source: Source, machine: Machine) -> None:
        self.source, self.machine = source, machine
        self.hands: list[Hand] = []
        self.made: set[str] = set()  # encoders
        self.deaths: Counter[str] = Counter()
        self.elsewhere: dict[str, float] = {}  # when to look again
        self.stopping = False

    def working(self) -> list[Hand]:
        return [hand for hand in self.hands if hand.order]

    def idle(self) -> int:
        """Workers, hired or yet to be, that have nothing to do."""
        return self.machine.jobs - len(self.working())

    def stop(self) -> None:
        """Have every worker write its checkpoint, and deal no more."""
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

    def deal(self, orders: Sequence[Order]) -> Iterator[News]:
        """Give orders to idle workers, hiring up to ``jobs``. A cell whose encoder is just being made has to wait."""
        for order in orders:
            idle = next((hand for hand in self.hands if hand.order is None), None)
            if idle is None and len(self.hands) >= self.machine.jobs:
                return
            cell, given = order.cell, [hand.order.cell for hand in self.hands if hand.order]
            if cell.id in {each.id for each in given} or self.elsewhere.get(cell.id, 0.0) > time.monotonic():
                continue
            if cell.encoder in {each.encoder for each in given} - self.made:
                continue
            record = self.ended(order)
            if record is not None:
                yield told(cell, record, True)
            elif is_held(self.machine.home / "cells" / cell.id):
                yield from self.busy(cell)
            elif self.give(order, idle or self.hire()):
                yield News("started", cell)

    def give(self, order: Order, hand: Hand) -> bool:
        """Whether the worker took the order; one that died idle is let go."""
        try:
            hand.pipe.send(order)
        except (BrokenPipeError, ConnectionResetError):
            self.hands.remove(hand)
            return False
        hand.order = order
        return True

    def ended(self, order: Order) -> Record | None:
        """The cell's record, if it has ended since it was ordered."""
        try:
            record = read(self.machine.home / "cells" / order.cell.id)
        except Damaged:
            return None
        return None if record is None or record.trained == order.before else record

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
        assert hand.order is not None
        cell = hand.order.cell
        if not said.preparing:
            self.made.add(cell.encoder)
        if said.kind == "share":
            yield News("share", cell, said.share, said.preparing)
            return
        if said.kind == "epochs":
            self.answer(hand, self.source.goes_on(cell, said.epochs))
            return
        hand.order = None
        if said.kind == "busy":
            yield from self.busy(cell)
        elif said.kind == "full":
            self.stop()
            yield News("full", cell)
        elif said.kind == "cut":
            yield News("cut", cell)
        elif said.kind == "paused" and self.stopping:
            yield News("paused", cell)
        elif said.kind == "paused":  # by a signal from elsewhere
            self.hands.remove(hand)
            yield News("again", cell, reason="its worker process was asked to end")
        else:
            record = read(self.machine.home / "cells" / cell.id)
            assert record is not None
            yield told(cell, record, said.elsewhere)

    def answer(self, hand: Hand, goes_on: bool) -> None:
        """Tell a worker that waits; one that has died since is found out by its silence."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            hand.pipe.send(goes_on)

    def died(self, hand: Hand) -> News:
        """A worker's process is gone."""
        assert hand.order is not None
        cell = hand.order.cell
        self.hands.remove(hand)
        hand.process.join(5)
        reason = f"its worker process ended with exit code {hand.process.exitcode}"
        self.deaths[cell.id] += 1
        if self.stopping:
            return News("paused", cell)
        if self.deaths[cell.id] < LIVES:
            return News("again", cell, reason=reason)
        reason = f"{reason}, {LIVES} times"
        fail(self.machine.home, cell, reason, "")
        record = read(self.machine.home / "cells" / cell.id)
        return News("failed", cell, reason=reason, record=record)


def told(cell: Cell, record: Record, elsewhere: bool) -> News:
    """The news of an ended cell."""
    kind: Kind = "done" if record.done else "failed"
    return News(kind, cell, elsewhere=elsewhere, reason=str(record.outcome.get("reason", "")), record=record)
