"""What a cell is named by is compared again with what its worker has read; nothing is trained under another's name."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.profiles import PROFILES
from harness.cells.cell import Cell
from harness.execution.train_cell import Worker
from harness.planning import data as sources
from harness.planning.matching import DeclaredRow, Training, parse_setup
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.planning.setup_tags import setup_tags
from harness.registry.selectors import find
from model.data.examples import DataError
from model.settings import describe
from tests.harness.cli.test_generated_data import COURSE, REVIEWS
from tests.harness.trials import put
from tests.model import small

TABLE = "bertram/table1/04-all-three"
AMAZON, DOMAIN = "smart-vs-deberta/table1/amazon", "smooth-valleys/controls/domain-pretrain"


@pytest.fixture
def folder(encoder: Path, tmp_path: Path) -> Path:
    """An encoder of the user's."""
    return Path(shutil.copytree(encoder, tmp_path / "encoder"))


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    forget()


def forget() -> None:
    """What this process has read of the data: as another worker would begin."""
    sources.open_data.cache_clear()
    sources.fingerprints.cache_clear()


def planned(
    encoder: Path, *settings: tuple[str, str], row: str = "bertram/table1/04-all-three", data: str = ""
) -> Cell:
    setup = Setup(profile=PROFILES["demo"], data=data or "embedded", encoder=str(encoder), seeds=1, settings=settings)
    (planned_row,) = plan([find(row)], setup)
    assert planned_row.reason == ""
    return planned_row.cells[0]


def refused(home: Path, cell: Cell, says: str, worker: Worker | None = None) -> None:
    """It is, in one sentence."""
    with pytest.raises(DataError, match=f"{re.escape(says)} was changed since the run began; the same") as caught:
        (worker or Worker(home, 1, "cpu", 60.0, lambda: False)).build(cell, 1)
    assert str(caught.value).isprintable()


def edited(path: Path) -> None:
    """One bit of the last number, with the size and the time of before."""
    facts, content = path.stat(), bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (facts.st_size, facts.st_mtime_ns)


@pytest.mark.parametrize("row", [TABLE, "smart-vs-deberta/table1/deberta"])
def test_an_encoder_that_changes_before_or_between_cells(folder: Path, tmp_path: Path, row: str) -> None:
    cell, worker = planned(folder, row=row), Worker(tmp_path / "home", 1, "cpu", 60.0, lambda: False)
    worker.build(cell, 1)
    edited(folder / "model.safetensors")
    refused(tmp_path / "home", cell, f"the encoder {folder}", worker)
    refused(tmp_path / "home", cell, f"the encoder {folder}")
    worker.build(planned(folder, row=row), 1)


def test_an_encoder_that_changes_while_it_is_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model.encoders import bert

    cell, load = planned(folder), bert.load

    def during(name: str, seed: int) -> object:
        whole = (folder / "vocab.txt").read_bytes()
        (folder / "vocab.txt").write_bytes(whole + b"more\n")
        try:
            return load(name, seed)
        finally:
            (folder / "vocab.txt").write_bytes(whole)

    monkeypatch.setattr(bert, "load", during)
    with pytest.raises(Exception, match=r"vocab\.txt was changed while it was read"):
        Worker(tmp_path / "home", 1, "cpu", 60.0, lambda: False).build(cell, 1)


def test_a_course_folder_that_changes(encoder: Path, tmp_path: Path) -> None:
    course = put(COURSE, tmp_path / "course")
    cell = planned(encoder, data=str(course))
    forget()
    Worker(tmp_path / "home", 1, "cpu", 60.0, lambda: False).build(cell, 1)
    path = course / "ids-sst-train.csv"
    path.write_text(path.read_text().replace("\t4\n", "\t0\n"))
    Worker(tmp_path / "home", 1, "cpu", 60.0, lambda: False).build(cell, 1)  # it has the rows of before
    forget()
    refused(tmp_path / "home", cell, str(course))


def test_a_file_of_reviews_that_changes(encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "reviews.json").write_bytes(REVIEWS)
    own = ("sst.reviews.source", str(tmp_path / "reviews.json")), ("sst.reviews.per_class", "2")
    cell = planned(encoder, *own, row=AMAZON)
    (tmp_path / "reviews.json").write_bytes(REVIEWS.replace(b"chair 3", b"stool 3"))
    refused(tmp_path / "home", cell, str(tmp_path / "reviews.json"))


def test_a_text_to_pretrain_on_that_changes(encoder: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("It is a chair .\nIt is a stool .\n" * 20)
    own = ("encoder.text", str(text)), ("encoder.steps", "2"), ("sst.rows", "16")
    cell = planned(encoder, *own, row=DOMAIN)
    text.write_text("It is a bench .\nIt is a stool .\n" * 20)
    refused(tmp_path / "home", cell, f"the encoder {encoder} or {text}")


def test_code_of_ones_own_that_changes(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = planned(encoder)
    cell = dataclasses.replace(cell, recipe=dataclasses.replace(cell.recipe, regularizers=(small.Nosy(weight=0.1),)))
    assert cell.id
    monkeypatch.setattr(small.Nosy, "version", 7)
    refused(tmp_path / "home", cell, str(Path(small.__file__)))


def test_what_started_from_other_files_of_a_folder_is_not_the_rows_any_more(folder: Path) -> None:
    setup = Setup(profile=PROFILES["demo"], data="embedded", encoder=str(folder), seeds=1)
    suite, row = find(TABLE)
    cell = planned(folder)
    training = Training(cell.id, cell.key, 0, cell.data, cell.encoder, describe(cell.recipe.encoder))
    named = parse_setup(setup_tags(setup))
    assert DeclaredRow(suite, row, named).fault(training) == ""
    edited(folder / "model.safetensors")
    fault = f"trained from what the encoder {folder} held before; it holds something else now"
    assert DeclaredRow(suite, row, named).fault(training) == fault
