"""Files are written whole or not at all and reach the disk; a sealed line is what was written or ``Damaged``; a lock is
one process's, until that process ends, however it does."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harness.cells.atomic import (
    Damaged,
    append_line,
    atomic_path,
    checksummed,
    is_full,
    locked,
    try_lock,
    verified,
    write_atomic,
)

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ENTRIES = st.dictionaries(st.text().filter(lambda name: name != "check"), VALUES, max_size=5)
EPOCH = {"epoch": 1, "scores": {"dev": {"sst_accuracy": 0.25, "sts_pearson": None}}, "signals": {"x": 1e-07}}
HOLD = """
import sys, time
from pathlib import Path
from harness.cells.atomic import locked, try_lock
"""


def same(one: object, other: object) -> bool:
    """Equality for which NaN equals itself, and 1 neither True nor 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


@given(ENTRIES)
@example({})
@example({"a": {"check": 1}, "b": [float("nan"), float("-inf"), -0.0, 5e-324, 2**70], "c": "\u2028\x85\ud800\n"})
def test_a_sealed_entry_comes_back(entry: dict[str, Any]) -> None:
    line = checksummed(entry)
    assert len(line.splitlines()) == 1
    assert same(verified(line, "here"), entry)


@given(ENTRIES, st.data())
@example(EPOCH, None)
@example({"x": 1e22, "y": 5e-324, "z": "\u00e9"}, None)  # 1E22, 4e-324 and \u00E9 would say the same
def test_any_changed_byte_of_a_sealed_line_shows(entry: dict[str, Any], data: st.DataObject | None) -> None:
    content = checksummed(entry).encode()
    if data is None:
        changes = [(at, byte) for at in range(len(content)) for byte in range(256)]
    else:
        changes = [(data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 255)))]
    for at, byte in changes:
        damaged = content[:at] + bytes([byte]) + content[at + 1 :]
        if damaged != content:
            with pytest.raises(Damaged, match=r"^here is damaged$"):
                verified(damaged.decode("latin-1"), "here")


@given(ENTRIES, st.data())
@example(EPOCH, None)
@example({}, None)
def test_any_truncated_sealed_line_shows(entry: dict[str, Any], data: st.DataObject | None) -> None:
    line = checksummed(entry)
    for end in range(len(line)) if data is None else [data.draw(st.integers(0, len(line) - 1))]:
        with pytest.raises(Damaged):
            verified(line[:end], "here")


@given(st.text() | VALUES.map(json.dumps))
@example("[" * 100_000)  # deeper than Python goes
@example('["check"]')
@example('{"check": null}')
@example('{"check": 0}')
@example('"check"')
def test_what_was_never_sealed_is_damaged(line: str) -> None:
    with pytest.raises(Damaged):
        verified(line, "here")


@given(ENTRIES, ENTRIES)
def test_the_seal_of_another_entry_does_not_hold(one: dict[str, Any], other: dict[str, Any]) -> None:
    assume(checksummed(one) != checksummed(other))
    check = json.loads(checksummed(one))["check"]
    forged = json.dumps({"check": check} | other)
    assume(forged != checksummed(other))
    with pytest.raises(Damaged):
        verified(forged, "here")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Kind and size of everything that was brought to the disk, in order."""
    events: list[tuple[str, int]] = []
    fsync = os.fsync

    def record(handle: int) -> None:
        about = os.fstat(handle)
        events.append(("folder", 0) if stat.S_ISDIR(about.st_mode) else ("file", about.st_size))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", record)
    return events


def test_a_file_is_on_the_disk_before_it_replaces_the_old_one(tmp_path: Path, synced: list[tuple[str, int]]) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    write_atomic(path, "new text")
    assert path.read_text() == "new text"
    assert synced == [("file", 8), ("folder", 0)]
    write_atomic(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_brought_to_the_disk_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("no"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
@pytest.mark.parametrize("old", ["old", None])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: BaseException, old: str | None
) -> None:
    path = tmp_path / "file"
    if old:
        path.write_text(old)
    with pytest.raises(type(error)), atomic_path(path) as part:
        part.write_text("half")
        raise error
    assert [each.read_text() for each in tmp_path.iterdir()] == ([old] if old else [])


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    """Not even with the same process number, as on two machines that share a results folder."""
    path = tmp_path / "file"
    with atomic_path(path) as one:
        one.write_text("one, half")
        with atomic_path(path) as other:
            other.write_text("other")
        assert path.read_text() == "other"
        one.write_text("one")
    assert path.read_text() == "one"


def test_a_line_is_on_the_disk_when_it_was_added(tmp_path: Path, synced: list[tuple[str, int]]) -> None:
    path = tmp_path / "journal"
    append_line(path, "one")
    append_line(path, "zwei \u00e4")
    assert path.read_bytes() == b"one\nzwei \xc3\xa4\n"
    assert synced == [("file", 4), ("file", 12)]


def holder(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock of the file, and says so."""
    code = HOLD + "lock = try_lock(Path(sys.argv[1])); print(lock is not None, flush=True); time.sleep(60)"
    return subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def lock_holder(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    path = tmp_path / "lock"
    with holder(path) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "True\n"
            yield path, process
        finally:
            process.kill()


def test_a_lock_is_one_processs_until_that_is_killed(lock_holder: tuple[Path, subprocess.Popen[str]]) -> None:
    path, process = lock_holder
    assert try_lock(path) is None
    waits = subprocess.Popen([sys.executable, "-c", f"{HOLD}with locked(Path(sys.argv[1])): pass", str(path)])
    with waits:
        with pytest.raises(subprocess.TimeoutExpired):
            waits.wait(0.5)
        process.send_signal(signal.SIGKILL)
        assert waits.wait(10) == 0
    mine = try_lock(path)
    assert mine is not None
    with mine:
        assert try_lock(path) is None  # nor twice in one process


def test_a_lock_ends_with_its_block(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(KeyError), locked(path):
        assert try_lock(path) is None
        raise KeyError
    with locked(path):
        pass
    free = try_lock(path)
    assert free is not None
    free.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_known_by_its_number_and_by_its_words(number: int) -> None:
    assert is_full(OSError(number, "whatever"))
    assert is_full(RuntimeError(f"Error while serializing: I/O error: {os.strerror(number)} (os error {number})"))
    assert is_full(RuntimeError(f'IoError(Os {{ code: {number}, kind: StorageFull, message: "..." }})'))
    assert is_full(RuntimeError("(sqlite3.OperationalError) database or disk is full\n[SQL: ...]"))
    assert not is_full(OSError(errno.EACCES, "Permission denied"))
    assert not is_full(RuntimeError(f"(os error {number}1), code: {number}1, exit code {number}"))
