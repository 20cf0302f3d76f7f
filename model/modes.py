"""Files as the user's umask would have them: libraries write weights and scratch folders for their owner alone, and a
group that shares a results folder could not read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

UMASK = os.umask(0o077)
os.umask(UMASK)


def usual(path: Path) -> None:
    """Give a file, or a folder and all in it, the modes of any new one. A folder whose files are to have its group
    stays one."""
    for each in (path, *path.rglob("*")) if path.is_dir() else (path,):
        each.chmod((0o777 if each.is_dir() else 0o666) & ~UMASK | each.stat().st_mode & stat.S_ISGID)
