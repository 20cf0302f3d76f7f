"""Messages about cells in training, from a worker to its parent, and events, from a worker pool to its caller."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from harness.cells.cell import Cell
from harness.cells.record import Record

Kind = Literal["started", "share", "done", "failed", "cut", "paused", "busy", "again", "full", "note"]


class Paused(Exception):
    """A training was asked to stop, and has a checkpoint to go on from."""


class Cut(Exception):
    """A training was found not worth another epoch. Its journal stays."""


@dataclasses.dataclass(frozen=True)
class WorkerMessage:
    """A worker's message about its cell: how far it is (``share`` in 0..1; of its encoder's preparation if
    ``preparing``); it has ended, by this process or ``elsewhere``; another process has it; paused; cut short; the disk
    is full; a ``note`` for people; or its ``epochs`` so far, after which the worker waits for whether to continue."""

    kind: Literal["share", "note", "epochs", "ended", "busy", "paused", "cut", "full"]
    share: float = 0.0
    preparing: bool = False
    elsewhere: bool = False
    epochs: Sequence[Mapping[str, Any]] = ()
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happened to a cell: it started, how far it is, done or failed (with its record), cut short, paused
    with a checkpoint, busy in another process, its worker died and it goes on ``again``, the disk is full, or ``note``:
    its reason is for people."""

    kind: Kind
    cell: Cell
    share: float = 0.0
    preparing: bool = False
    elsewhere: bool = False  # ended by another process
    reason: str = ""
    record: Record | None = None
