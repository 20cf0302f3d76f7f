"""Checks that the results folder can be written, who uses it, and which of its cells are damaged."""

from __future__ import annotations

import os
from pathlib import Path

from harness.cells.atomic import try_lock
from harness.cells.checkpoint import FILE_NAME
from harness.cells.home import writable, writer_lock
from harness.cells.lease import is_leased
from harness.cells.record import cell_folders, read_records
from harness.doctor.finding import Context, Finding, error, ok, warning
from harness.doctor.resources import existing_parent
from harness.planning.manifest import setup_manifests
from model.encoders.file_checks import fault


def folder(context: Context) -> Finding:
    """Whether it can be written, is laid out as a results folder, and is used by another command now.
    ``InputError``."""
    home = context.home.absolute()
    if not os.path.lexists(home):
        parent = existing_parent(home)
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
            return ok(f"{home} is not there yet; the first run makes it")
        return error(f"{home} cannot be made: {parent} cannot be written", "choose another with --home")
    writable(str(context.home))
    return ok(f"{home} can be written{describe_use(home)}")


def describe_use(home: Path) -> str:
    """What another command does with the results folder now, if any."""
    training = sum(is_leased(cell) for cell in cell_folders(home) if (cell / "claim.json").exists())
    if training:
        return f"; other commands are training {training} of its cells now"
    lock = writer_lock(home)
    if lock.exists():
        try:
            handle = try_lock(lock)
        except OSError as exc:
            return f"; its file system has no locks ({exc.strerror}): harness run needs them"
        if handle is None:
            return "; another command is writing its results now"
        handle.close()
    return ""


def cells(context: Context) -> Finding:
    """Count cells that have ended, failed or can go on, and damaged files."""
    damaged: list[str] = []
    ended = {record.id: record.done for record in read_records(context.home, damaged)}
    setup_manifests(context.home, damaged)
    checkpoints = [
        path for cell in cell_folders(context.home) if cell.name not in ended and (path := cell / FILE_NAME).exists()
    ]
    damaged += [damage.partition("; ")[0] for path in checkpoints if (damage := fault(path))]
    failed = sum(not done for done in ended.values())
    text = f"{len(ended) - failed} trained, {failed} failed, {len(checkpoints)} begun with a checkpoint"
    if damaged:
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        return error(f"{text}; {damaged[0]}{more}", "the same harness run trains what is damaged again")
    if failed:
        fix = "harness run with --retry-failed trains them again; their traceback.txt says why they failed"
        return warning(text, fix)
    return ok(text if ended or checkpoints else "none yet")
