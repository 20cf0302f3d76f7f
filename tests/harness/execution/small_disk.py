"""A mounted file system with little space. Needs the right to mount it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

KB = 1024


class Disk:
    """A mounted file system with little space."""

    def __init__(self, at: Path) -> None:
        self.at, self.home, self.filler = at, at / "home", at / "filler"

    def fill(self, left: int) -> None:
        """Leave so many KB, also while another process writes."""
        while (more := self.space() - left * KB) > 0:
            with suppress(OSError), self.filler.open("ab") as stream:
                os.posix_fallocate(stream.fileno(), stream.tell(), more)

    def space(self) -> int:
        """Free bytes."""
        stat = os.statvfs(self.at)
        return stat.f_bavail * stat.f_frsize

    def free(self) -> None:
        self.filler.unlink(missing_ok=True)


@pytest.fixture
def disk() -> Iterator[Disk]:
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    with tempfile.TemporaryDirectory(prefix="harness-disk-") as name:  # pytest's own outlive the test
        mount = ["mount", "-t", "tmpfs", "-o", "size=16m,nr_inodes=500", "tmpfs", name]
        if subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("mounting a disk is refused here")
        try:
            yield Disk(Path(name))
        finally:
            subprocess.run(["umount", "-l", name], check=True)
