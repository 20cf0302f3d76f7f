"""Cells on this machine: worker processes train, the parent listens."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import traceback
from collections.abc import Generator, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Literal

from harness.cell import Cell, Keep, fail

Kind = Literal["started", "share", "done", "failed"]


@dataclasses.dataclass(frozen=True)
class Machine:
    """Where cells run: home folder, processes at a time, threads each, device."""

    home: Path
    jobs: int
    threads: int
    device: str


@dataclasses.dataclass(frozen=True)
class News:
    """What became known of a cell: it started, how far it is (``share`` in 0..1; of its encoder's preparation if
    ``preparing``), done, or failed with a reason."""

    kind: Kind
    cell: Cell
    share: float = 0.0
    reason: str = ""
    preparing: bool = False


@dataclasses.dataclass
class _Hand:
    process: SpawnProcess
    pipe: Connection
    cell: Cell | None = None


def execute(
    cells: Sequence[Cell], keep: Mapping[str, Keep], machine: Machine, poll: float = 0.25
) -> Generator[News | None, None, None]:
    """Train the cells in order, ``jobs`` at a time; yields news as it comes and None when a poll brought none.

    ``keep`` says by cell id which weights stay. An encoder that must be made first is made by one worker while the
    others wait. A worker that dies fails its cell and is replaced. Closing the iterator ends the workers.
    """
    queue, hands, made = list(cells), list[_Hand](), set[str]()
    try:
        while queue or any(hand.cell for hand in hands):
            for hand, cell in _deal(queue, hands, made, machine):
                hand.pipe.send((cell, keep.get(cell.id, Keep())))
                yield News("started", cell)
            ready = wait([hand.pipe for hand in hands if hand.cell], timeout=poll)
            if not ready:
                yield None
            for hand in [hand for hand in hands if hand.pipe in ready]:
                news = _hear(hand)
                if not news.preparing:
                    made.add(news.cell.encoder)
                if news.kind in ("done", "failed"):
                    hand.cell = None
                if not hand.process.is_alive():
                    hands.remove(hand)
                yield news
    finally:
        for hand in hands:
            hand.process.terminate()
        for hand in hands:
            hand.process.join(5)


def _deal(queue: list[Cell], hands: list[_Hand], made: set[str], machine: Machine) -> Iterator[tuple[_Hand, Cell]]:
    """Give cells to idle workers, hiring up to ``jobs``; a cell whose encoder is just being made has to wait."""
    while queue:
        making = {hand.cell.encoder for hand in hands if hand.cell} - made
        at = next((at for at, cell in enumerate(queue) if cell.encoder not in making), None)
        hand = next((hand for hand in hands if hand.cell is None), None)
        if at is None or (hand is None and len(hands) >= machine.jobs):
            return
        if hand is None:
            hand = _hire(machine)
            hands.append(hand)
        hand.cell = queue.pop(at)
        yield hand, hand.cell


def _hire(machine: Machine) -> _Hand:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, machine), daemon=True)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(machine.threads)
    process.start()
    theirs.close()
    return _Hand(process, ours)


def _hear(hand: _Hand) -> News:
    assert hand.cell is not None
    try:
        kind, share, reason, preparing = hand.pipe.recv()
    except (EOFError, ConnectionResetError):
        hand.process.join(5)
        return News("failed", hand.cell, reason=f"its worker process ended with exit code {hand.process.exitcode}")
    return News(kind, hand.cell, share=share, reason=reason, preparing=preparing)


def _serve(pipe: Connection, machine: Machine) -> None:
    """A worker's life: take a cell, train it, say so, until the parent is gone."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    from harness.execute.work import Worker, prepared

    worker = Worker(machine.home, machine.threads, machine.device)
    told = -1.0

    def tell(share: float, preparing: bool = False) -> None:
        nonlocal told
        if abs(share - told) >= 0.02 or share in (0.0, 1.0):
            told = share
            pipe.send(("share", share, "", preparing))

    while True:
        try:
            cell, keep = pipe.recv()
        except EOFError:
            return
        try:
            prepared(cell.recipe.encoder, cell.source, machine.home, lambda share: tell(share, True))
            tell(0.0)
            worker.train(cell, keep, tell)
            pipe.send(("done", 1.0, "", False))
        except Exception as error:
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            fail(machine.home, cell, reason, traceback.format_exc())
            pipe.send(("failed", 0.0, reason, False))
