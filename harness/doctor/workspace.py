"""The home: whether it can be written, who uses it, and what of its cells is sound."""

from __future__ import annotations

import os
from pathlib import Path

from harness.cells.atomic import try_lock
from harness.cells.checkpoint import FILE_NAME
from harness.cells.home import writable, writer_lock
from harness.cells.lease import is_leased
from harness.cells.record import cell_folders, read_records
from harness.doctor.finding import Asked, Told, broken, mind, sound
from harness.doctor.resources import nearest
from harness.planning.manifest import setup_manifests
from model.encoders.file_checks import fault


def folder(asked: Asked) -> Told:
    """Whether it can be written, is laid out as a home, and is used by another command now. ``InputError``."""
    home = asked.home.absolute()
    if not os.path.lexists(home):
        place = nearest(home)
        if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
            return sound(f"{home} is not there yet; the first run makes it")
        return broken(f"{home} cannot be made: {place} cannot be written", "choose another with --home")
    writable(str(asked.home))
    return sound(f"{home} can be written{used(home)}")


def used(home: Path) -> str:
    """What another command does with it now, if any."""
    training = sum(is_leased(cell) for cell in cell_folders(home) if (cell / "claim.json").exists())
    if training:
        return f"; other commands are training {training} of its cells now"
    lock = writer_lock(home)
    if lock.exists():
        try:
            held = try_lock(lock)
        except OSError as error:
            return f"; its file system has no locks ({error.strerror}): harness run needs them"
        if held is None:
            return "; another command is writing its results now"
        held.close()
    return ""


def cells(asked: Asked) -> Told:
    """How many have ended, failed or can go on, and which files are damaged."""
    damaged: list[str] = []
    ended = {record.id: record.done for record in read_records(asked.home, damaged)}
    setup_manifests(asked.home, damaged)
    begun = [
        path for cell in cell_folders(asked.home) if cell.name not in ended and (path := cell / FILE_NAME).exists()
    ]
    damaged += [told.partition("; ")[0] for path in begun if (told := fault(path))]
    failed = sum(not done for done in ended.values())
    told = f"{len(ended) - failed} trained, {failed} failed, {len(begun)} begun with a checkpoint"
    if damaged:
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        return broken(f"{told}; {damaged[0]}{more}", "the same harness run trains what is damaged again")
    if failed:
        return mind(told, "harness run with --retry-failed trains them again; their traceback.txt says why they failed")
    return sound(told if ended or begun else "none yet")
