"""The tracking store is a view: whatever becomes of it or its writer, it shows what the home has, each run once."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    REQUEST_LIMIT_EXCEEDED,
    UNAUTHENTICATED,
)
from mlflow.store.db import utils
from mlflow.tracking import MlflowClient

from harness import delivery as delivering
from harness import store as storing
from harness.delivery import Count, Delivery, Late, never, reason, results, within
from harness.reading import Entry
from harness.store import Store
from harness.stored import asked as asked_of
from model.errors import InputError
from tests.harness.homes import cell, declared, empty, failed, held, missing, reads, seeds
from tests.harness.processes import FULL
from tests.harness.unruly_servers import KINDS, unruly

ROW, TWIN = "bertram/table1/12-combined", "bertram/table1/13-combined-test"
OTHER = "bertram/table1/04-all-three"
WRITES = (
    "create_experiment",
    "create_run",
    "log_batch",
    "log_inputs",
    "log_artifact",
    "set_tag",
    "set_terminated",
)


Delivered = tuple[Path, dict[tuple[str, ...], Any]]


class Killed(BaseException):
    """The process ended here."""


class Failing:
    """A client one of whose writes fails, once."""

    def __init__(self, client: MlflowClient, writes: int, error: BaseException) -> None:
        self.client, self.left, self.error = client, writes, error

    def __getattr__(self, name: str) -> Any:
        if name in WRITES:
            self.left -= 1
            if self.left == -1:
                raise self.error
        return getattr(self.client, name)


@pytest.fixture(autouse=True)
def quickly_made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases are copies of one, except where their making is tested."""
    empty()
    if "making" not in request.node.name:
        monkeypatch.setattr(storing, "migrate", lambda file: file.write_bytes(empty()))


def furnished(home: Path) -> Path:
    """A row that reads two cells and a failed one, and another that shares one of them."""
    cell(home, ROW, seed=0, ended=1)
    cell(home, ROW, seed=1, ended=2)
    failed(home, ROW, seed=2, ended=3)
    reads(home, ROW, 0, 1, 2)
    reads(home, TWIN, 1)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return furnished(tmp_path / "home")


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    """Such a home whose results are in its store, and all that this holds."""
    folder = furnished(tmp_path_factory.mktemp("delivered") / "home")
    (folder / "mlflow.db").write_bytes(empty())
    deliver(folder)
    return folder, held(uri(folder))


def uri(home: Path) -> str:
    return f"sqlite:///{home / 'mlflow.db'}"


def deliver(home: Path, tell: Callable[[str], None] = print) -> Count:
    with Delivery(Store(home), tell) as delivery:
        return delivery.all(home)


def moved(home: Path, where: Path) -> Path:
    """The same home elsewhere, without its store: where this process has no database open."""
    return Path(shutil.copytree(home, where, ignore=shutil.ignore_patterns("mlflow.db*", "artifacts")))


def test_delivering_again_changes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert deliver(home) == Count(new=4)
    before = held(uri(home), ids=True)
    assert len(before) == 2 + 4
    assert deliver(home) == Count(known=4)
    assert held(uri(home), ids=True) == before
    monkeypatch.setattr(storing, "PAGE", 2)
    assert deliver(home) == Count(known=4)
    assert held(uri(home), ids=True) == before


def test_a_store_is_made_again_equal_metric_by_metric(
    delivered: Delivered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, shown = delivered
    two = shown["bertram/table1", "12-combined", "s1", "1"]
    assert two["metrics"]["dev/sts_pearson"][0] == (1, "nan")
    assert missing(home, uri(home)) == []
    best = max(two["metrics"]["dev/sst_accuracy"], key=lambda point: float(point[1]))
    assert two["metrics"]["reported/sst_accuracy"] == [best]
    assert two["data"] == [("quora", "print-quora"), ("sst", "print-sst"), ("sts", "print-sts")]
    assert two["answers"].count("\n") == 1 + 2 * 3 * 5
    assert shown["bertram/table1", "12-combined", "s1", "2"]["status"] == "FAILED"
    again = moved(home, tmp_path / "again")
    monkeypatch.setattr(storing, "PER_CALL", {"metrics": 7, "params": 3})
    assert deliver(again) == Count(new=4)
    assert held(uri(again)) == shown


def sound(store: Store, home: Path) -> bool:
    """Deliver, and again where that failed or the process was killed; whether nothing was in the way."""
    try:
        with Delivery(store, print) as delivery:
            if not delivery.all(home).left:
                return True
            assert delivery.all(home).left == 0
    except Killed:
        deliver(home)
    return False


@pytest.mark.parametrize("error", [Killed(), OSError("no answer")], ids=["killed", "failed"])
def test_a_writer_that_ends_or_fails_at_any_write_is_made_good(tmp_path: Path, error: BaseException) -> None:
    """Runs half written, of a row or a seed, are replaced; none is there twice."""
    for seed in (0, 1):
        cell(tmp_path / "home", ROW, seed=seed, ended=seed + 1, epochs=1)
    reads(tmp_path / "home", ROW, 0, 1)
    deliver(moved(tmp_path / "home", tmp_path / "sound"))
    wanted = held(uri(tmp_path / "sound"))
    for writes in itertools.count(step=1 if FULL else 3):
        home = moved(tmp_path / "home", tmp_path / f"failed{writes}")
        store = Store(home)
        store.client = Failing(store.client, writes, error)  # type: ignore[assignment]
        undisturbed = sound(store, home)
        assert held(uri(home)) == wanted
        if undisturbed:
            break
    assert writes > 14


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))) if FULL else [(1, 3, 2), (3, 1, 2)])
def test_the_store_shows_the_cell_as_it_is_whatever_clocks_say(tmp_path: Path, order: tuple[int, ...]) -> None:
    home = tmp_path / "home"
    reads(home, ROW, 0)
    store = Store(home)
    for training, minute in enumerate(order, start=1):
        cell(home, ROW, ended=minute, epochs=1, training=training)
        (entry,) = results(home, print).entries
        assert store.keep(entry) is True
        assert store.keep(entry) is False
        (latest,) = seeds(held(uri(home)))
        assert held(uri(home))[latest]["tags"]["training"] == str(training)
    assert missing(home, uri(home)) == []
    assert deliver(home) == Count(known=1)


def test_a_cell_trained_again_supersedes_its_run(home: Path) -> None:
    deliver(home)
    cell(home, ROW, seed=0, ended=9)
    assert deliver(home) == Count(new=1, known=3)
    assert len(seeds(held(uri(home)))) == 4
    assert held(uri(home))["bertram/table1", "12-combined", "s1", "0"]["tags"]["trained"].startswith("2026-01-01T00:09")


def test_set_ups_are_told_apart(home: Path) -> None:
    reads(home, ROW, 0, 1, setup="s2", data="d2")
    assert deliver(home) == Count(new=6)
    assert len(held(uri(home))) == 3 + 6


def test_without_the_lock_nothing_is_written_and_its_owner_delivers(home: Path) -> None:
    with Delivery(Store(home), print) as owner:
        with Delivery(Store(home), print) as other:
            assert other.lock is None
            assert other.all(home) == Count(left=4)
            assert not other.acquire(patience=0.3)
        assert not (home / "mlflow.db").exists()
        assert owner.all(home) == Count(new=4)
    assert other.acquire()
    assert other.all(home) == Count(known=4)
    assert other.lock is not None
    other.lock.close()


def test_a_home_that_cannot_be_written_is_explained(home: Path) -> None:
    (home / "writer.lock").mkdir()
    with pytest.raises(InputError, match=f"^the home {home} cannot be written"), Delivery(Store(home), print):
        pass


@pytest.mark.parametrize("name", ["a b", "a#c", "é ü", "a'b\"c;d"])
def test_a_home_may_have_any_name_that_an_address_can_hold(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    cell(home, ROW, epochs=1)
    reads(home, ROW, 0)
    assert deliver(home) == Count(new=1)
    assert (home / "mlflow.db").is_file()
    assert missing(home, uri(home)) == []


@pytest.mark.parametrize("name", ["a%20b", "a?b"])
def test_a_home_whose_name_no_address_can_hold_is_explained(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="choose another --home"):
        Store(tmp_path / name)


class Down(Store):
    """A store that cannot be written for a while."""

    down, tries, spends = True, 0, 0.0

    def keep(self, entry: Entry) -> bool:
        self.tries += 1
        time.sleep(self.spends)
        if self.down:
            raise OSError(f"no answer {self.tries} from postgresql://ann:se@cret@host/db " + "yet " * 99)
        return super().keep(entry)


def test_a_store_that_fails_is_tried_again_and_said_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "PATIENCE", 0.2)
    told: list[str] = []
    store = Down(home)
    with Delivery(store, told.append) as delivery:
        first, *rest = results(home, print).entries
        assert delivery.keep(first) is None
        assert [delivery.keep(entry) for entry in rest] == [None, None, None]
        assert store.tries == 1
        time.sleep(max(0.0, delivery.again - time.monotonic()))
        assert delivery.keep(first) is None
        assert store.tries == 2
        assert delivery.all(home) == Count(left=4)  # tries at once, once
        assert store.tries == 3
        store.down = False
        time.sleep(max(0.0, delivery.again - time.monotonic()))
        assert delivery.keep(first) is True
        assert delivery.all(home) == Count(new=3, known=1)
    (line,) = told
    assert "postgresql://ann:***@host/db" in line
    assert "cret" not in line
    assert len(line) < 500 + len(store.shown)
    assert len(held(uri(home))) == 6


def test_a_try_that_took_long_is_not_repeated_soon(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "PATIENCE", 0.0)
    store = Down(home)
    store.spends = 0.1
    with Delivery(store, print) as delivery:
        delivery.keep(results(home, print).entries[0])
        assert delivery.again - time.monotonic() > 19 * store.spends


def garbled(content: bytes) -> bytes:
    return b"\x5a" * len(content)


def garbled_within(content: bytes) -> bytes:
    half = len(content) // 2 // 4096 * 4096
    return content[:half] + os.urandom(64 * 4096) + content[half + 64 * 4096 :]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def cut_short(content: bytes) -> bytes:
    return content[:10]


def emptied(content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("harm", [garbled, garbled_within, cut, cut_short, emptied])
def test_a_damaged_database_is_put_aside_and_made_again(
    delivered: Delivered, tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    home, shown = delivered
    again, told = moved(home, tmp_path / "again"), list[str]()
    damaged = harm((home / "mlflow.db").read_bytes())
    (again / "mlflow.db").write_bytes(damaged)
    assert deliver(again, told.append) == Count(new=4)
    (line,) = told
    assert line.startswith(f"{again / 'mlflow.db'} was damaged (")
    (aside,) = again.glob("mlflow.db.damaged-*")
    assert aside.read_bytes() == damaged
    assert held(uri(again)) == shown
    assert deliver(again, told.append) == Count(known=4)
    assert len(told) == 1


def test_a_database_whose_making_was_ended_is_not_taken_for_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(engine: object) -> None:
        raise Killed

    monkeypatch.setattr(utils, "_upgrade_db", killed)
    with pytest.raises(Killed):
        deliver(home)
    assert not list(home.glob("mlflow.db*"))
    (home / "mlflow.db.of-another.part").touch()  # by one that was killed
    monkeypatch.undo()
    assert deliver(home) == Count(new=4)
    assert [path.name for path in home.glob("mlflow.db*")] == ["mlflow.db"]


def test_a_journal_without_its_database_is_not_written_into_the_next(delivered: Delivered, tmp_path: Path) -> None:
    home, shown = delivered
    again = moved(home, tmp_path / "again")
    shutil.copy(home / "mlflow.db", tmp_path / "open.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "open.db", isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 2")
        database.execute("BEGIN")
        for table in ("tags", "params", "metrics"):
            database.execute(f"DELETE FROM {table}")
        shutil.copy(tmp_path / "open.db-journal", again / "mlflow.db-journal")
    assert (again / "mlflow.db-journal").stat().st_size > 10_000
    assert deliver(again) == Count(new=4)
    assert Store(again).damage() == ""
    assert held(uri(again)) == shown


def test_a_file_of_others_is_never_put_aside(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a database\n" * 99)
    told: list[str] = []
    with Delivery(Store(home, f"sqlite:///{other}"), told.append) as delivery:
        assert delivery.all(home) == Count(left=4)
    assert [path.name for path in tmp_path.glob("notes*")] == ["notes.txt"]
    assert len(told) == 1
    assert "file is not a database" in told[0]


def test_a_row_that_left_the_registry_is_told_and_skipped(home: Path) -> None:
    reads(home, "bertram/table1/99-gone", 0)
    told: list[str] = []
    assert deliver(home, told.append) == Count(new=4)
    assert told == ["left out, not in the registry or in a file that was named: bertram/table1/99-gone"]


def test_damaged_files_are_told_once_and_the_rest_is_delivered(home: Path) -> None:
    path = reads(home, OTHER, 0)
    path.write_text(path.read_text().replace("bertram", "bertran"))
    journal = home / "cells" / declared(ROW).id / "journal.jsonl"
    journal.write_text("{")
    told: list[str] = []
    with Delivery(Store(home), told.append) as delivery:
        assert delivery.all(home) == Count(new=3)
        assert delivery.all(home) == Count(known=3)
    assert told == [
        f"{path} is damaged; the same harness run or tune writes it again",
        f"{journal}:1 is damaged; it is not shown, and the same harness run trains it again",
    ]


def test_what_a_row_cannot_read_leaves_the_store_alone_and_stops_no_other_result(home: Path) -> None:
    cell(home, ROW, seed=3, ended=1, epochs=0)  # as if the row came to read what was not measured
    reads(home, ROW, 3)
    told: list[str] = []
    assert deliver(home, told.append) == Count(new=4, left=1)
    (line,) = told
    assert line.startswith(f"{ROW} seed 3 cannot be read (")
    assert "--rerun" in line
    assert len(held(uri(home))) == 2 + 4


def test_a_deleted_experiment_comes_back(home: Path) -> None:
    deliver(home)
    before = held(uri(home))
    MlflowClient(uri(home)).delete_experiment("1")
    assert held(uri(home)) == {}
    deliver(home)
    assert held(uri(home)) == before


def test_the_first_cause_of_a_failure_is_told() -> None:
    try:
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as error:
            raise RuntimeError("a request failed " + "again and " * 99) from error
    except RuntimeError as error:
        assert reason(error) == "[Errno 111] Connection refused"
    try:
        try:
            raise KeyError("foo")
        except KeyError as error:
            raise ValueError("no scheme foo") from error
    except ValueError as error:
        assert reason(error) == "no scheme foo"
    assert reason(ValueError("one")) == "ValueError('one')"


class Choosy(Store):
    """A store that does not take what is of one suite."""

    def __init__(self, home: Path, error: Exception) -> None:
        super().__init__(home)
        self.error, self.tries = error, 0

    def keep(self, entry: Entry) -> bool:
        if entry.suite.slug == "bertram/table1":
            self.tries += 1
            raise self.error
        return super().keep(entry)


@pytest.mark.parametrize(
    "error",
    [
        NotADirectoryError(errno.ENOTDIR, "Not a directory", "artifacts/bertram"),
        MlflowException("the name is too long", error_code=INVALID_PARAMETER_VALUE),
        MlflowException("API request failed with error code 403", error_code=PERMISSION_DENIED),
    ],
    ids=["file", "name", "forbidden"],
)
def test_an_entry_that_is_not_taken_stops_no_other(tmp_path: Path, error: Exception) -> None:
    """It is named; after some of one suite, the others of that suite are passed by."""
    home, other = tmp_path / "home", "smartbert/table1/baseline"
    for seed in range(5):
        cell(home, ROW, seed=seed, ended=seed)
    cell(home, other, ended=9)
    reads(home, ROW, *range(5))
    reads(home, other, 0)
    told: list[str] = []
    store = Choosy(home, error)
    with Delivery(store, told.append) as delivery:
        assert delivery.all(home) == Count(new=1, left=5)
        assert store.tries == delivering.REFUSED
        assert delivery.all(home) == Count(known=1, left=5)  # again, as often as one likes
    assert all(line.startswith(f"not delivered: {ROW} seed ") for line in told)
    assert "no more of bertram/table1 is tried now" in told[2]
    assert len(told) == delivering.REFUSED


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        MlflowException("API request to http://h failed with exception timeout"),
        MlflowException("failed with error code 401", error_code=UNAUTHENTICATED),
        MlflowException("too many", error_code=REQUEST_LIMIT_EXCEEDED),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_an_error_of_the_whole_store_is_no_refusal_of_one_entry(error: Exception) -> None:
    assert not delivering.is_refusal(error)


def test_what_a_server_may_take_from_a_command_is_bounded() -> None:
    began = time.monotonic()
    with pytest.raises(Late, match="has not answered for 1 seconds"), within(1.0, never):
        time.sleep(30)
    assert time.monotonic() - began < 5
    began = time.monotonic()
    with pytest.raises(Late, match="a stop was asked for"), within(60.0, lambda: True):
        time.sleep(30)
    assert time.monotonic() - began < 5
    with within(1.0, never):  # the alarm has ended with it
        pass
    time.sleep(1.2)


def test_a_servers_time_is_counted_over_all_tries(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "PATIENCE", 0.0)
    monkeypatch.setattr(delivering, "SHARE", 0)
    store = Down(home)
    monkeypatch.setattr(type(store), "remote", property(lambda self: True))
    store.spends = 0.4
    with Delivery(store, print, patience=1.0) as delivery:
        first = results(home, print).entries[0]
        for _ in range(9):
            delivery.keep(first)
        assert store.tries == 3  # the third was cut short
        assert delivery.all(home).left == 4
        assert store.tries == 3
        delivery.all(home, patience=1.0)
        assert store.tries > 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_misbehaves_holds_nobody_up(home: Path, kind: str) -> None:
    told: list[str] = []
    with unruly(kind) as (address, asked):
        store = Store(home, address)
        store.load()
        began = time.monotonic()
        with Delivery(store, told.append, patience=1.0) as delivery:
            assert delivery.all(home) == Count(left=4)
            assert delivery.all(home, patience=1.0) == Count(left=4)
        assert time.monotonic() - began < 10  # 2, where nothing else runs
    assert asked
    assert all("cannot be written now" in line and line.isprintable() for line in told)
    assert deliver(home) == Count(new=4)


def test_a_server_that_answers_a_byte_at_a_time_ends_no_command_that_reads(home: Path) -> None:
    with unruly("drip") as (address, _), pytest.raises(InputError, match="it has not answered for 1 seconds; harness"):
        store = Store(home, address)
        with asked_of(store, 1.0):
            store.client.search_experiments()


def test_a_stop_ends_the_waiting_for_a_server(home: Path) -> None:
    with unruly("hang") as (address, _):
        store = Store(home, address)
        store.load()
        began = time.monotonic()
        with Delivery(store, print, lambda: True, patience=60.0) as delivery:
            assert delivery.all(home) == Count(left=4)
        assert time.monotonic() - began < 10


def test_damage_that_only_use_shows_is_mended_by_the_next(home: Path) -> None:
    """The structure is sound to a quick look, and an index is not."""
    told: list[str] = []
    store = Down(home)
    with Delivery(store, told.append) as delivery:
        store.down = False
        delivery.all(home)

    class Malformed(Store):
        def keep(self, entry: Entry) -> bool:
            raise sqlite3.DatabaseError("database disk image is malformed")

    with Delivery(Malformed(home), told.append) as delivery:
        assert delivery.all(home).left == 4
    assert "was damaged (database disk image is malformed); it is put aside" in told[-1]
    assert list(home.glob("mlflow.db.damaged-*")) and not (home / "mlflow.db").exists()
    words = [sys.executable, "-m", "harness.cli", "sync", "--home", str(home)]  # another process
    synced = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "4 new, 0 there before, 0 not delivered" in synced.stdout
