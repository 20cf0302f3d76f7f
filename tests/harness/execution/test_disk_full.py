"""A full disk ends a run in one sentence and costs nothing else: with space again, the same command comes to the same
results. Needs the right to mount a small disk."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from harness.cells.atomic import is_full
from harness.cells.record import read_records
from tests.harness.execution.small_disk import Disk, disk
from tests.harness.homes import answers
from tests.harness.processes import FULL, finish, results, start

__all__ = ["disk"]  # a fixture
SHORT = ("sst.rows=48", "quora.rows=48", "sts.rows=48", "epochs=3")
SAID = r"^the disk of (\S+) is full; free some space, and the same command goes on from here$"
UNSAID = ("Traceback", "ERROR", "sqlalche.me")  # what libraries tell of it


@dataclasses.dataclass(frozen=True)
class Point:
    """As soon as there is such a file in the results folder (from the start, if empty) never more KB than ``left``
    are free. ``minutes`` lie between checkpoints. Sizes are a tiny encoder's, in the pages that a file takes: 4 for a
    small one, 552 for weights, 1652 for a checkpoint, 960 for the database."""

    name: str
    when: str
    left: int
    minutes: int = 0


WEIGHTS, DONE = "cells/*/weights/epoch-{}.safetensors", "cells/*/outcome.json"
STORED = "artifacts/**/predictions.parquet"
POINTS = [
    Point("in the first epoch, with a checkpoint", "", 12 + 1800),
    Point("at half a database", DONE, 300),
]
MORE = [
    Point("at the readers", "", 0),
    Point("at the claim", "", 4),
    Point("at the cell's description", "", 8),
    Point("at the first checkpoint and the weights", "", 12),
    Point("at the first line of the journal", "", 12 + 552),
    Point("at the second epoch's weights", "", 12 + 552 + 4 + 100, 60),
    Point("in the second epoch", WEIGHTS.format(1), 4),
    Point("at the third epoch's checkpoint", WEIGHTS.format(2), 600),
    Point("at the predictions", WEIGHTS.format(3), 12, 60),
    Point("at the outcome", WEIGHTS.format(3), 16, 60),
    Point("before the database", DONE, 0),
    Point("at the first reports", DONE, 4),
    Point("at the row's run", DONE, 955),
    Point("at the seed's run", DONE, 985),
    Point("at the artifact", STORED.replace("predictions.parquet", ""), 0),
    Point("at the end of the seed's run", STORED, 0),
    Point("at the second report", STORED, 4),
]


def words(home: Path, encoder: Path, minutes: int = 0) -> list[object]:
    settings = [word for text in SHORT for word in ("--set", text)]
    row = [
        "run",
        "bertram/table1",
        "--rows",
        "04-all-three",
        "--seeds",
        1,
        "--jobs",
        1,
        "--device",
        "cpu",
        "--no-report",
    ]
    return [*row, "--keep", "all", "--checkpoint-minutes", minutes, *settings, "--encoder", encoder, "--home", home]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """The results folder of a run that had all the space it wanted."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    finish(*words(home, encoder))
    return home


def run_until_full(disk: Disk, encoder: Path, point: Point) -> str:
    """What a run says whose disk is full from the point on."""
    if not point.when:
        disk.fill(point.left)
    with start(*words(disk.home, encoder, point.minutes)) as run:
        try:
            while point.when and not any(disk.home.glob(point.when)):
                assert run.poll() is None, run.communicate()[0]
                time.sleep(0.002)
            while run.poll() is None:  # also of what the run gives back
                disk.fill(point.left)
                time.sleep(0.002)
            output, _ = run.communicate()
        finally:
            run.kill()
    assert run.returncode == 1, output
    return output


def assert_said(output: str, home: Path) -> None:
    """Once, in so many words, without what libraries have to say of it; and nothing lies about half written."""
    assert re.findall(SAID, output, re.MULTILINE) == [str(home)], output
    assert not [each for each in UNSAID if each in output], output
    assert not [path for path in home.rglob("*") if re.search(r"\.part|^\.tmp", path.name)]


def stored(home: Path) -> dict[str, Any]:
    """What the tracking store has of the one cell, without clocks and addresses."""
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("bertram/table1")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], "tags.kind = 'seed'")
    assert run.info.status == "FINISHED"
    (parent,) = client.search_runs([experiment.experiment_id], "tags.kind = 'row'")
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    measured = {name for name in run.data.metrics if not re.search("second|memory", name)}
    return {
        "clocks": set(run.data.metrics) - measured,
        "params": run.data.params,
        "metrics": {
            name: repr([(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)])
            for name in measured
        },
        "parent": parent.data.metrics,
        "answers": answers(client, run.info.run_id),
    }


def assert_made_good(disk: Disk, encoder: Path, undisturbed: Path) -> None:
    """With the space back, the same command comes to the same results."""
    disk.free()
    output = finish(*words(disk.home, encoder))
    assert "is full" not in output
    assert results(disk.home) == results(undisturbed)
    (record,) = read_records(disk.home)
    assert len(list((record.folder / "weights").iterdir())) == 3
    assert stored(disk.home) == stored(undisturbed)
    assert " 0 new, 1 there before, 0 not delivered" in finish("sync", "--home", disk.home)


def test_a_disk_that_fills_up_twice_costs_nothing(disk: Disk, encoder: Path, undisturbed: Path) -> None:
    for point in POINTS:
        output = run_until_full(disk, encoder, point)
        assert_said(output, disk.home)
        assert "failed" not in output
        assert all(record.done for record in read_records(disk.home))
        disk.free()
    assert_made_good(disk, encoder, undisturbed)


@pytest.mark.skipif(not FULL, reason="takes minutes: make test-all")
@pytest.mark.parametrize("point", [*POINTS, *MORE], ids=lambda point: point.name)
def test_a_full_disk_costs_nothing(disk: Disk, encoder: Path, undisturbed: Path, point: Point) -> None:
    output = run_until_full(disk, encoder, point)
    assert_said(output, disk.home)
    assert "failed" not in output
    assert all(record.done for record in read_records(disk.home))
    assert_made_good(disk, encoder, undisturbed)


@pytest.mark.skipif(not FULL, reason="takes minutes: make test-all")
def test_a_finished_run_on_a_full_disk_prints_its_table(disk: Disk, encoder: Path, undisturbed: Path) -> None:
    first = finish(*words(disk.home, encoder))
    disk.fill(0)
    again = finish(*words(disk.home, encoder), code=1)
    assert_said(again, disk.home)
    assert again.partition("Exploring")[2].partition("browse:")[0] in first
    assert_made_good(disk, encoder, undisturbed)


def test_a_home_that_cannot_be_made_is_said(disk: Disk, encoder: Path) -> None:
    """No inode is left, so that not even a folder can be made."""
    with suppress(OSError):
        for number in range(1000):
            (disk.at / str(number)).touch()
    output = finish(*words(disk.home, encoder), code=2)
    reason = "cannot be written (No space left on device); choose another with --home"
    last = output.splitlines()[-1]  # after a word on what takes long
    assert last == f"error: the results folder {disk.home} {reason}"


def in_json(path: Path) -> None:
    from tokenizers import Tokenizer, models

    Tokenizer(models.WordPiece({str(number): number for number in range(10_000)}, unk_token="0")).save(str(path))


def in_safetensors(path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(100_000)}, path)


def in_sqlite(path: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (x)")


@pytest.mark.parametrize("write", [in_json, in_safetensors, in_sqlite])
def test_libraries_tell_a_full_disk_so_that_it_is_known(disk: Disk, write: Callable[[Path], None]) -> None:
    write(disk.at / "with space")
    disk.fill(0)
    with pytest.raises(Exception, match=r"full|space") as raised:
        write(disk.at / "without")
    assert is_full(raised.value)
    assert not disk.home.exists()
