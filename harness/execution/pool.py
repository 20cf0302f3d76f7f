"""Deals orders to workers, wherever these are, and hears what becomes of them."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol

from harness.cells.atomic import Damaged
from harness.cells.cell import Cell
from harness.cells.lease import is_leased
from harness.cells.record import Record, fail, read
from harness.execution.config import ExecutionConfig
from harness.execution.events import Event, Kind, WorkerMessage
from harness.execution.jobs import Job, JobQueue

MAX_DEATHS = 3  # workers that may die over one cell
RECHECK_SECONDS = 1.0  # seconds between looks at a cell that another process has


@dataclasses.dataclass(frozen=True)
class WorkerDied:
    """A worker is gone, and why. ``guilty`` if the cell may be the cause."""

    reason: str
    guilty: bool = True


class WorkerHandle(Protocol):
    """A worker, and what it is at."""

    order: Job | None

    def ready(self) -> bool:
        """Whether it can be given an order by now."""

    def give(self, order: Job) -> bool:
        """Whether it took the order; not if it has died idle."""

    def tell(self, word: bool | None) -> None:
        """Whether the judged cell it asked about goes on; None: write a checkpoint and stop."""


class Backend(Protocol):
    """Where workers are."""

    def room(self) -> int:
        """How many workers there may be."""

    def hire(self) -> WorkerHandle:
        """One more worker."""

    def listen(
        self, hands: Sequence[WorkerHandle], seconds: float
    ) -> Iterator[tuple[WorkerHandle, WorkerMessage | WorkerDied]]:
        """What these working ones say within the time."""

    def close(self) -> None:
        """Have no workers any more, whatever they are at."""


def run_jobs(
    source: JobQueue, machine: ExecutionConfig, site: Backend, stop: Callable[[], bool] = lambda: False
) -> Generator[Event | None, None, None]:
    """Train what the source orders; yields news as it comes and None when nothing came for a moment.

    An encoder that must be made first is made by one worker while the others wait. A cell whose worker dies goes on
    from its checkpoint with another; a cell that another process has is waited for. When ``stop`` says so, workers
    write checkpoints and the rest is left. Closing the iterator ends the workers.
    """
    crew = WorkerPool(source, machine, site)
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
        site.close()


class WorkerPool:
    """The workers and what they are at."""

    def __init__(self, source: JobQueue, machine: ExecutionConfig, site: Backend) -> None:
        self.source, self.machine, self.site = source, machine, site
        self.hands: list[WorkerHandle] = []
        self.made: set[str] = set()  # encoders
        self.deaths: Counter[str] = Counter()
        self.elsewhere: dict[str, float] = {}  # when to look again
        self.stopping = False

    def working(self) -> list[WorkerHandle]:
        return [hand for hand in self.hands if hand.order]

    def idle(self) -> int:
        """Workers, hired or yet to be, that have nothing to do."""
        return self.site.room() - len(self.working())

    def stop(self) -> None:
        """Have every worker write its checkpoint, and deal no more."""
        if not self.stopping:
            self.stopping = True
            for hand in self.working():
                hand.tell(None)

    def deal(self, orders: Sequence[Job]) -> Iterator[Event]:
        """Give orders to idle workers, hiring as there is room. A cell whose encoder is just being made has to wait."""
        free = [hand for hand in self.hands if hand.order is None]
        ready = [hand for hand in free if hand.ready()]
        coming = len(free) - len(ready)
        given = {hand.order.cell.id: hand.order.cell.encoder for hand in self.hands if hand.order}
        making = set(given.values()) - self.made
        for order in orders:
            if not ready and len(self.hands) >= self.site.room():
                return
            cell = order.cell
            if cell.id in given or cell.encoder in making or self.elsewhere.get(cell.id, 0.0) > time.monotonic():
                continue
            record = self.ended(order)
            if record is not None:
                yield ended_event(cell, record, True)
            elif is_leased(self.machine.home / "cells" / cell.id):
                yield from self.busy(cell)
            elif not ready and coming:
                coming -= 1  # this one is for whoever comes
            else:
                hand = ready.pop(0) if ready else self.hire()
                if hand.ready() and self.give(order, hand):
                    given[cell.id] = cell.encoder
                    making = set(given.values()) - self.made
                    yield Event("started", cell)

    def hire(self) -> WorkerHandle:
        self.hands.append(self.site.hire())
        return self.hands[-1]

    def give(self, order: Job, hand: WorkerHandle) -> bool:
        """Whether the worker took the order; one that died idle is let go."""
        if not hand.give(order):
            self.hands.remove(hand)
            return False
        hand.order = order
        return True

    def ended(self, order: Job) -> Record | None:
        """The cell's record, if it has ended since it was ordered."""
        try:
            record = read(self.machine.home / "cells" / order.cell.id)
        except Damaged:
            return None
        return None if record is None or record.trained == order.before else record

    def busy(self, cell: Cell) -> Iterator[Event]:
        """Leave the cell to the process that has it, and look again later."""
        if cell.id not in self.elsewhere:
            yield Event("busy", cell)
        self.elsewhere[cell.id] = time.monotonic() + RECHECK_SECONDS

    def listen(self, seconds: float) -> Iterator[Event | None]:
        """What the workers say within this time; None if nothing."""
        quiet = True
        for hand, said in self.site.listen(self.working(), seconds):
            quiet = False
            if isinstance(said, WorkerDied):
                yield self.died(hand, said)
            else:
                yield from self.heard(hand, said)
        if quiet:
            yield None

    def heard(self, hand: WorkerHandle, said: WorkerMessage) -> Iterator[Event]:
        assert hand.order is not None
        cell = hand.order.cell
        if said.kind == "note":
            yield Event("note", cell, reason=said.note)
            return
        if not said.preparing:
            self.made.add(cell.encoder)
        if said.kind == "share":
            yield Event("share", cell, said.share, said.preparing)
            return
        if said.kind == "epochs":
            hand.tell(self.source.goes_on(cell, said.epochs))
            return
        hand.order = None
        if said.kind == "busy":
            yield from self.busy(cell)
        elif said.kind == "full":
            self.stop()
            yield Event("full", cell)
        elif said.kind == "cut":
            yield Event("cut", cell)
        elif said.kind == "paused" and self.stopping:
            yield Event("paused", cell)
        elif said.kind == "paused":  # by a signal from elsewhere
            self.hands.remove(hand)
            yield Event("again", cell, reason="its worker process was asked to end")
        else:
            record = read(self.machine.home / "cells" / cell.id)
            assert record is not None
            yield ended_event(cell, record, said.elsewhere)

    def died(self, hand: WorkerHandle, died: WorkerDied) -> Event:
        """A worker is gone."""
        assert hand.order is not None
        cell, training = hand.order.cell, hand.order.training
        self.hands.remove(hand)
        self.deaths[cell.id] += died.guilty
        if self.stopping:
            return Event("paused", cell)
        reason = died.reason
        if self.deaths[cell.id] < MAX_DEATHS:
            return Event("again", cell, reason=reason)
        reason = f"{reason}, {MAX_DEATHS} times"
        fail(self.machine.home, cell, reason, "", training)
        record = read(self.machine.home / "cells" / cell.id)
        return Event("failed", cell, reason=reason, record=record)


def ended_event(cell: Cell, record: Record, elsewhere: bool) -> Event:
    """The news of an ended cell."""
    kind: Kind = "done" if record.done else "failed"
    return Event(kind, cell, elsewhere=elsewhere, reason=str(record.outcome.get("reason", "")), record=record)
