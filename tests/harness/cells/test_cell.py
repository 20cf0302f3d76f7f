"""Whatever becomes of a cell's files, the cell is read as it was written, or as damaged, or as not ended: never with
another number."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.cells.atomic import Damaged, append_line
from harness.cells.cell import WeightRetention
from harness.cells.lease import take_lease
from harness.cells.record import Record, cell_folders, read_journal, read_record, read_records, write_failure
from harness.cells.writer import CellWriter
from harness.cli.setup import setup_of
from harness.planning.data import open_data
from harness.planning.plan import plan
from harness.registry.selectors import select
from model.data.examples import Examples
from model.metrics import Scored, score
from model.snapshot import Snapshot
from model.train import Epoch
from tests.harness.processes import FULL

MORE = {"peak_memory_bytes": 1, "warnings": [], "fresh": []}
EVERY = 1 if FULL else 9  # of the places to damage
FILES = ("journal.jsonl", "cell.json", "outcome.json", "predictions.npz")


@functools.cache
def sets() -> dict[tuple[str, str], Examples]:
    corpus = open_data("embedded")
    answers = {}
    for task, split in (("sst", "dev"), ("sts", "dev"), ("sst", "train")):
        examples = corpus.get(task, split)  # type: ignore[arg-type]
        assert examples is not None
        answers[split, task] = examples.first(12)
    return answers


def epoch(number: int, source: np.random.Generator) -> Epoch:
    scores = {}
    for (split, task), examples in sets().items():
        whole = examples.task.classes is not None
        drawn = source.integers(0, 5, len(examples)) if whole else source.random(len(examples), np.float32)
        scores[split, task] = Scored(examples.task, drawn, score(examples.task, drawn, examples.labels))
    take = functools.partial(Snapshot, {}, {})
    return Epoch(number, scores, {"loss/sst": float(source.random())}, 0.5, 0.25, 36, take)  # type: ignore[arg-type]


@contextlib.contextmanager
def kept(home: Path, cell: str) -> Iterator[CellWriter]:
    """A cell's folder, claimed."""
    lease = take_lease(home, cell)
    assert lease is not None
    with lease:
        yield CellWriter(home / "cells" / cell, lease, WeightRetention(), 60.0)


def about(cell: str) -> dict[str, Any]:
    kept = {"id": cell, "key": f"key of {cell}", "settings": {"rate": 1e-05, "note": "\u00e4"}}
    return kept | {"threads": 1, "device": "cpu", "torch": "2"}


def train(home: Path, cell: str, epochs: int = 3) -> Path:
    """A done cell's folder, by the code that keeps a real one's, with invented answers."""
    with kept(home, cell) as keeping:
        keeping.begin(about(cell))
        source = np.random.default_rng(0)
        for number in range(1, epochs + 1):
            keeping.epoch(None, epoch(number, source))  # type: ignore[arg-type]
        keeping.finish(sets(), MORE)
    return keeping.folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return train(tmp_path / "home", "cell")


def content(record: Record | None) -> str:
    """All that can be read of a cell but its outcome, which has times, and the time that epochs took."""
    assert record is not None
    epochs = [{name: kept for name, kept in epoch.items() if name != "cpu_seconds"} for epoch in record.epochs]
    values: list[Any] = [record.id, record.metadata, epochs]
    for number in range(5):
        for place, answers in record.answers(number).items():
            values.append([place, *((part.dtype, part.tolist()) for part in answers)])
    return repr(values)


def seen(folder: Path) -> str:
    """What is read of the cell, or ``damaged``."""
    try:
        return content(read_record(folder))
    except Damaged as damage:
        assert str(folder) in str(damage)  # it says where
        return "damaged"


def test_a_cell_is_read_as_it_was_written(folder: Path) -> None:
    record = read_record(folder)
    assert record is not None and record.done
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    source = np.random.default_rng(0)
    for number in (1, 2, 3):
        event = epoch(number, source)
        for (split, task), scored in event.scores.items():
            assert record.epochs[number - 1]["scores"][split][scored.task.metric_name] == scored.metric
            if split == "train":
                continue
            answers = record.answers(number)[split, task]
            assert answers.answers.tobytes() == scored.answers.astype(float).tobytes()
            assert answers.names.tolist() == list(sets()[split, task].ids)
            assert answers.labels.tolist() == sets()[split, task].labels.tolist()
    assert record.answers(4) == {}
    assert ("test", "sst") not in record.answers(1)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_bit_of_any_byte_shows(folder: Path, name: str) -> None:
    path = folder / name
    stored = path.read_bytes()
    for at in range(0, len(stored), EVERY):
        changed = stored[at] ^ (1 << at % 8)
        path.write_bytes(stored[:at] + bytes([changed]) + stored[at + 1 :])
        assert seen(folder) == "damaged", at


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_shows(folder: Path, name: str) -> None:
    path = folder / name
    stored = path.read_bytes()
    for end in {*range(0, len(stored), EVERY), len(stored) - 1}:
        path.write_bytes(stored[:end])
        assert seen(folder) == "damaged", end


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("more", [b"\x00", b"{}", b"\n\n", b"x" * 5000])
def test_a_longer_file_shows(folder: Path, name: str, more: bytes) -> None:
    with (folder / name).open("ab") as stream:
        stream.write(more)
    assert seen(folder) == "damaged"


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_shows(folder: Path, name: str) -> None:
    (folder / name).unlink()
    if name == "outcome.json":
        assert read_record(folder) is None
    else:
        assert seen(folder) == "damaged"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("become", [Path.mkdir, Path.touch, lambda path: path.symlink_to(path)])
def test_a_file_that_became_something_else_shows(folder: Path, name: str, become: Callable[[Path], None]) -> None:
    (folder / name).unlink()
    become(folder / name)
    assert seen(folder) == "damaged"


def test_journal_lines_that_are_missing_doubled_or_out_of_order_show(folder: Path) -> None:
    path = folder / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    for count in range(5):
        for order in itertools.product(range(3), repeat=count):
            path.write_text("".join(lines[number] for number in order))
            assert (seen(folder) == "damaged") == (order != (0, 1, 2)), order


def test_a_damaged_journal_names_its_line(folder: Path) -> None:
    path = folder / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1].replace("epoch", "epocs") + lines[2])
    with pytest.raises(Damaged, match=r"journal\.jsonl:2 is damaged"):
        read_journal(path)


@pytest.mark.parametrize("name", FILES)
def test_another_cells_file_shows(folder: Path, tmp_path: Path, name: str) -> None:
    other = train(tmp_path / "home", "longer", epochs=4)
    (folder / name).write_bytes((other / name).read_bytes())
    assert seen(folder) == "damaged"


def test_a_cell_without_an_outcome_has_not_ended(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "cells" / "empty").mkdir(parents=True)
    for number, names in enumerate(itertools.combinations(FILES, 3)):
        folder = train(home, f"cell{number}")
        for name in set(FILES) - set(names):
            (folder / name).unlink()
        if "outcome.json" not in names:
            unfinished = folder
    damaged: list[str] = []
    assert [read_record(path) for path in (unfinished, home / "cells" / "empty", home / "cells" / "never")] == [
        None
    ] * 3
    assert list(read_records(home, damaged)) == []
    assert len(damaged) == len(FILES) - 1
    assert not any(str(unfinished) in text for text in damaged)


def test_damaged_cells_are_told_and_others_are_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for cell in ("a", "b", "c"):
        train(home, cell)
    (home / "cells" / "a stray file").touch()
    (home / "cells" / "b" / "predictions.npz").write_bytes(b"")
    damaged: list[str] = []
    assert [record.id for record in read_records(home, damaged)] == ["a", "c"]
    assert damaged == [f"{home / 'cells' / 'b' / 'predictions.npz'} is damaged"]
    assert [path.name for path in cell_folders(home)] == ["a", "b", "c"]


def test_a_failed_cell_needs_no_results(tmp_path: Path) -> None:
    (row,) = plan(select(("bertram/table1/04-all-three",), ()), setup_of("demo", None, None, 1, (), ()))
    write_failure(tmp_path, row.cells[0], "the loss is inf", "where")
    record = read_record(tmp_path / "cells" / row.cells[0].id)
    assert record is not None and not record.done
    assert record.outcome["reason"] == "the loss is inf"


def test_a_resumed_cell_is_read_as_one_that_was_never_stopped(tmp_path: Path) -> None:
    """Also after lines of a journal that came to nothing, and with what a killed process left half written."""
    whole, home, source = train(tmp_path / "whole", "cell"), tmp_path / "home", np.random.default_rng(0)
    with kept(home, "cell") as keeping:
        assert keeping.begin(about("cell")) is None
        keeping.epoch(None, epoch(1, source))  # type: ignore[arg-type]
        keeping.checkpoint(lambda: Snapshot({"weights/a": torch.ones(2)}, {"epoch": 1}), about("cell"))
        keeping.epoch(None, epoch(2, np.random.default_rng(1)))  # type: ignore[arg-type]
    for name in (".tmpAbCdEf", "checkpoint.safetensors.0123456789ab.part", "journal.jsonl.0123456789ab.part"):
        (keeping.folder / name).write_bytes(b"half")
    with kept(home, "cell") as keeping:
        snapshot = keeping.begin(about("cell"))
        assert snapshot is not None
        assert snapshot.tensors["weights/a"].tolist() == [1, 1]
        assert snapshot.position == {"epoch": 1}
        for number in (2, 3):
            keeping.epoch(None, epoch(number, source))  # type: ignore[arg-type]
        append_line(keeping.folder / "journal.jsonl", "of a process that was taken for dead")
        keeping.finish(sets(), MORE)
    assert sorted(path.name for path in keeping.folder.iterdir()) == sorted(FILES)
    assert content(read_record(keeping.folder)) == content(read_record(whole))
