"""Encoders that are made here: whole and with their checksums, or not there; a damaged one is made again."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from model import manifest
from model.encoders.files import EncoderError
from model.encoders.loading import check_folder
from model.modes import usual

Say = Callable[[str], None]


def made(folder: Path, make: Callable[[Path], None], say: Say) -> Path:
    """The same folder, filled by ``make`` if it is not there or not what was written; the latter is said.

    The work is done aside, sealed and renamed: a folder that exists is whole, and of two processes at it one wins.
    """
    if folder.is_dir():
        wrong = damage(folder)
        if not wrong:
            if not manifest.is_sealed(folder):
                more = "delete it, and it is made again with one"
                say(f"{folder}: no checksum was kept when it was made, so not all damage would be noticed; {more}")
            return folder
        say(f"{wrong}; it is made again")
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    usual(aside)  # so that another of the group can take away what a kill leaves
    try:
        make(aside)
        manifest.seal(aside)
        usual(aside)
        with contextlib.suppress(OSError):  # another process was first
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def damage(folder: Path) -> str:
    """What is wrong with an encoder that was made here, in words; nothing if it is whole."""
    try:
        check_folder(folder, ("bert",))
    except EncoderError as error:
        return str(error).partition("; ")[0]
    return ""


def nothing_said(text: str) -> None:
    """For whoever has nowhere to say it."""
