"""What a power cut may leave behind, file by file: noticed, said, and mended or trained again; never a wrong number."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import signal
from pathlib import Path

import pytest

from harness.cells.record import read_records
from tests.harness.processes import FULL, ROWS, finish, results, saved, start, until, words


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """A results folder with one finished cell and one that has a checkpoint."""
    home = tmp_path_factory.mktemp("half") / "home"
    with start(*words(home, encoder, ROWS, "--seeds", 1, "--jobs", 1)) as run:
        assert run.stdout is not None
        until(lambda: len(list(home.glob("cells/*/journal.jsonl"))) == 2)
        run.send_signal(signal.SIGINT)
        output = run.stdout.read()
    assert run.returncode == 130, output
    assert saved(home) is not None
    return home


def cut(path: Path, how: str) -> None:
    """Damage the end of a file as a cut would, or its inside as a bad block would."""
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: int(len(content) * 0.7)])
    elif how == "empty":
        path.write_bytes(b"")
    elif path.suffix == ".db":  # SQLite has no checksums: a block shows, a bit may not
        path.write_bytes(content[:8192] + b"\x2a" * 4096 + content[12288:])
    else:
        at = random.Random(len(content)).randrange(len(content) // 2, len(content) - 1)
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x2A]) + content[at + 1 :])


FILES = {  # where, and what is said of it
    "journal": ("cells/*/journal.jsonl", "the cell is trained again"),
    "checkpoint": ("cells/*/checkpoint.safetensors", "trained from the start"),
    "outcome": ("cells/*/outcome.json", "the cell is trained again"),
    "predictions": ("cells/*/predictions.npz", "the cell is trained again"),
    "database": ("mlflow.db", "put aside and made again"),
    "readers": ("readers/*.json", "damaged"),
    "cell": ("cells/*/cell.json", "the cell is trained again"),
}
SHARED = ("checkpoint", "database", "readers")  # not a finished cell's
FEW = [("journal", "truncated"), ("checkpoint", "garbled"), ("database", "truncated")]
ALL = [(name, how) for name in FILES for how in ("truncated", "garbled", "empty")]


@pytest.mark.parametrize(("name", "how"), ALL if FULL else FEW)
def test_a_damaged_file_is_noticed_said_and_made_good(
    name: str, how: str, half: Path, whole: Path, encoder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(half, home)
    pattern, word = FILES[name]
    finished = {record.folder for record in read_records(home)}
    cut(next(path for path in home.glob(pattern) if name in SHARED or path.parent in finished), how)
    output = finish(*words(home, encoder, ROWS, "--seeds", 1, "--jobs", 1))
    assert results(home) == results(whole)
    assert word in output.replace("\n", " "), output
    assert not list(home.glob("cells/*/*.part"))
    again = finish("sync", "--home", home)
    assert " 0 new" in again and "0 not delivered" in again


def test_locks_and_claims_that_make_no_sense_hold_nobody_up(
    half: Path, whole: Path, encoder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(half, home)
    long_ago = 1_000_000_000
    for path in (home / "writer.lock", home / "claims.lock", *(cell / "claim.json" for cell in home.glob("cells/*"))):
        path.write_bytes(b"\x00{not a lock")
        os.utime(path, (long_ago, long_ago))
    finish(*words(home, encoder, ROWS, "--seeds", 1, "--jobs", 1))
    assert results(home) == results(whole)


class Payload:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_a_pickle_in_place_of_a_checkpoint_is_never_opened(
    half: Path, whole: Path, encoder: Path, tmp_path: Path
) -> None:
    home, target = tmp_path / "home", tmp_path / "executed"
    shutil.copytree(half, home)
    next(home.glob("cells/*/checkpoint.safetensors")).write_bytes(pickle.dumps(Payload(target)))
    output = finish(*words(home, encoder, ROWS, "--seeds", 1, "--jobs", 1))
    assert "trained from the start" in output.replace("\n", " ")
    assert not target.exists()
    assert results(home) == results(whole)
