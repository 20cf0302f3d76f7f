"""A cell has one trainer at a time: a claim is a living process's, a dead one's is anybody's, and none is removed by
another."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from harness.cells import lease
from harness.cells.atomic import try_lock
from harness.cells.lease import STALE, Lease, LeaseLost, is_leased, take_lease

CELL = "0123456789abcdef"
CLAIM = """
import sys, time
from pathlib import Path
from harness.cells.lease import take_lease
home = Path(sys.argv[1])
"""
HOLDER = CLAIM + "print(take_lease(home, sys.argv[2]) is not None, flush=True); time.sleep(60)"
RACER = (
    CLAIM
    + """
for line in sys.stdin:
    cell = line.strip()
    while not (home / f"{cell}.go").exists():
        pass
    print(take_lease(home, cell) is not None, flush=True)
"""
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Python code in a process of its own, which ends with the test at the latest."""
    with contextlib.ExitStack() as ends:

        def run(code: str, *words: object) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", code, *map(str, words)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            ends.callback(process.wait)
            ends.callback(process.kill)
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                ends.callback(pipe.close)
            return process

        yield run


def word(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def leased(home: Path, cell: str = CELL) -> Lease:
    own_lease = take_lease(home, cell)
    assert own_lease is not None
    return own_lease


def foreign(home: Path, **changes: Any) -> Path:
    """The claim of a process on another machine whose heart beats now."""
    own_lease = leased(home)
    owner = json.loads(own_lease.path.read_text())
    own_lease.path.write_text(json.dumps(owner | {"place": "elsewhere", "token": "foreign"} | changes))
    return own_lease.path


def aged(path: Path, seconds: float) -> None:
    """Have the last heartbeat of a claim so long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_cell_is_claimed_once_at_a_time(home: Path) -> None:
    with leased(home) as first:
        assert take_lease(home, CELL) is None
        assert is_leased(first.folder)
        with leased(home, "another"):
            first.check()
    assert not is_leased(home / "cells" / CELL)
    assert list((home / "cells" / CELL).iterdir()) == []
    with leased(home) as again:
        assert again.token != first.token


def test_a_living_processs_claim_holds_and_a_killed_ones_is_free_at_once(
    home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    other = start(HOLDER, home, CELL)
    assert word(other) == "True"
    aged(home / "cells" / CELL / "claim.json", 10 * STALE)  # stopped or slow, but alive
    assert take_lease(home, CELL) is None
    other.kill()  # nobody asks for its exit code: a zombie
    deadline = time.monotonic() + 5
    while is_leased(home / "cells" / CELL):
        assert time.monotonic() < deadline
    with leased(home) as mine:
        mine.check()


def test_a_claim_of_another_machine_holds_while_its_heart_beat_within_the_minute(home: Path) -> None:
    path = foreign(home)
    for seconds in (0, STALE - 5):
        aged(path, seconds)
        assert take_lease(home, CELL) is None
    aged(path, STALE + 1)
    with leased(home):
        assert take_lease(home, CELL) is None


def test_a_clock_that_is_wrong_takes_no_claim_from_the_living(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign(home)
    for wrong in (time.time() - 3600, time.time() + 3600):
        with monkeypatch.context() as here:
            here.setattr(time, "time", lambda now=wrong: now)
            assert take_lease(home, CELL) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1]", b"null", b'{"place": null}', b"[" * 100_000])
def test_a_claim_that_cannot_be_read_counts_by_its_heartbeat(home: Path, content: bytes) -> None:
    path = foreign(home)
    path.write_bytes(content)
    assert take_lease(home, CELL) is None
    aged(path, STALE + 1)
    with leased(home) as mine:
        mine.check()


@pytest.mark.parametrize("process", ["mine", "my parent's", 0, -1, 2**40, "1", None, True])
def test_a_number_that_another_process_has_now_is_a_dead_claim(home: Path, process: object) -> None:
    process = {"mine": os.getpid(), "my parent's": os.getppid()}.get(str(process), process)
    own_lease = leased(home)
    owner = json.loads(own_lease.path.read_text())
    assert is_leased(own_lease.folder)
    own_lease.path.write_text(json.dumps(owner | {"process": process, "started": "12"}))
    assert not is_leased(own_lease.folder)
    own_lease.path.write_text(json.dumps(owner | {"process": process, "started": None}))
    assert not is_leased(own_lease.folder)
    with leased(home) as mine:
        mine.check()


def test_of_two_processes_that_want_a_dead_ones_claim_one_gets_it(
    home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    racers = [start(RACER, home) for _ in range(2)]
    dead = json.dumps(json.loads(foreign(home).read_text()) | {"place": lease._process_namespace(), "started": "1"})
    for number in range(200):
        folder = home / "cells" / f"cell{number}"
        folder.mkdir()
        (folder / "claim.json").write_text(dead)
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(f"{folder.name}\n")
            racer.stdin.flush()
        (home / f"{folder.name}.go").touch()
        assert sorted(word(racer) for racer in racers) == ["False", "True"], number


def test_of_many_threads_that_want_a_cell_one_gets_it(home: Path) -> None:
    for number in range(20):
        wanted, together = f"cell{number}", threading.Barrier(8)
        got: list[Lease | None] = []

        def want(wanted: str = wanted, together: threading.Barrier = together, got: list[Lease | None] = got) -> None:
            together.wait()
            got.append(take_lease(home, wanted))

        threads = [threading.Thread(target=want) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(each is not None for each in got) == 1


def test_who_was_taken_for_dead_learns_it_and_removes_nothing(home: Path) -> None:
    with leased(home) as slow:
        slow.check()
        content = foreign(home / "other").read_text()
        slow.path.write_text(content)
        with pytest.raises(LeaseLost, match=f"the cell {CELL} was taken over"):
            slow.check()
    assert slow.path.read_text() == content
    slow.path.unlink()
    with pytest.raises(LeaseLost):
        slow.check()


def test_nobody_takes_over_between_the_last_look_and_the_leaving(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another's claim appears just when ours was seen for the last time: only if the lock is free, and it is not."""
    is_current = Lease.is_current
    others: list[IO[str] | None] = []

    def look(self: Lease) -> bool:
        seen = is_current(self)
        others.append(try_lock(home / "claims.lock"))
        return seen

    with leased(home):
        monkeypatch.setattr(Lease, "is_current", look)
    assert others == [None]


def test_the_heart_beats_for_its_own_claim_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.01)
    monkeypatch.setattr(lease, "HEARTBEAT", lease.Heartbeat())
    with leased(home) as mine:
        aged(mine.path, 500)
        deadline = time.monotonic() + 5
        while mine.path.stat().st_mtime < time.time() - 400:
            assert time.monotonic() < deadline
        mine.path.write_text(foreign(home / "other").read_text())
        time.sleep(0.1)  # a beat that was under way
        aged(mine.path, 500)
        time.sleep(0.2)
        assert mine.path.stat().st_mtime < time.time() - 400


def test_a_claim_that_cannot_be_written_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def half(self: Path, text: str, **options: Any) -> int:
        write(self, text[: len(text) // 2], **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", half)
        with pytest.raises(OSError, match="No space"):
            take_lease(home, CELL)
    assert list((home / "cells" / CELL).iterdir()) == []
    with leased(home):
        pass
