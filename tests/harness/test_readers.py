"""Which rows read which cells outlives everything else that is shown of a home."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalogue import find
from harness.cell import read
from harness.options import setup_of
from harness.plan import Planned, Setup, plan
from harness.readers import entry_of, names, note, readers
from tests.harness.homes import TAGS, cell, reads

ROW, TWIN = "bertram/table1/12-combined", "bertram/table1/13-combined-test"


@pytest.fixture(scope="module")
def setup() -> Setup:
    return setup_of("demo", None, None, 2, ("epochs=1",), ())


@pytest.fixture(scope="module")
def planned(setup: Setup) -> list[Planned]:
    """Two rows that share their two cells."""
    return plan([find(ROW), find(TWIN)], setup)


def test_rows_are_found_again_by_the_cells_that_they_read(tmp_path: Path, planned: list[Planned]) -> None:
    note(tmp_path, planned, TAGS)
    found = readers(tmp_path)
    assert set(found) == {cell.id for cell in planned[0].cells} == {cell.id for cell in planned[1].cells}
    for seed, cell_of in enumerate(planned[0].cells):
        assert names(found[cell_of.id]) == [f"{ROW}[epochs=1]", f"{TWIN}[epochs=1]"]
        assert [reader.seed for reader in found[cell_of.id]] == [seed, seed]
        assert [reader.tags for reader in found[cell_of.id]] == [TAGS, TAGS]


def test_noting_again_changes_nothing_and_another_set_up_adds(tmp_path: Path, planned: list[Planned]) -> None:
    note(tmp_path, planned, TAGS)
    (path,) = (tmp_path / "readers").iterdir()
    before = path.stat()
    note(tmp_path, planned, TAGS)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert len(list((tmp_path / "readers").iterdir())) == 1
    note(tmp_path, planned[:1], TAGS | {"setup": "s2"})
    assert all(len(rows) == 3 for rows in readers(tmp_path).values())


def test_a_reader_noted_by_several_commands_reads_once(tmp_path: Path, planned: list[Planned]) -> None:
    note(tmp_path, planned, TAGS)
    note(tmp_path, planned[:1], TAGS)
    assert len(list((tmp_path / "readers").iterdir())) == 2
    assert all(len(rows) == 2 for rows in readers(tmp_path).values())


def test_a_row_without_cells_is_not_noted(tmp_path: Path, planned: list[Planned]) -> None:
    row = planned[0]
    note(tmp_path, [Planned(suite=row.suite, row=row.row, name=row.name, recipe=row.recipe, reason="not built")], TAGS)
    assert readers(tmp_path) == {}
    assert not (tmp_path / "readers").exists()


@pytest.mark.parametrize("harm", [b"", b"{", b"\xff\xfe", b'{"check": 1, "rows": []}'])
def test_a_damaged_file_is_told_and_written_again_by_the_same_rows(
    tmp_path: Path, planned: list[Planned], harm: bytes
) -> None:
    note(tmp_path, planned, TAGS)
    before = readers(tmp_path)
    (path,) = (tmp_path / "readers").iterdir()
    path.write_bytes(harm)
    told: list[str] = []
    assert readers(tmp_path, told) == {}
    assert told == [f"{path} is damaged"]
    note(tmp_path, planned, TAGS)
    assert readers(tmp_path, told) == before
    assert len(told) == 1


def test_a_file_whose_content_was_changed_is_damaged(tmp_path: Path) -> None:
    path = reads(tmp_path, ROW, {"one": 0})
    path.write_text(path.read_text().replace('"one": 0', '"one": 1'))
    told: list[str] = []
    assert readers(tmp_path, told) == {}
    assert told == [f"{path} is damaged"]


def test_a_reader_of_a_row_that_left_the_registry_has_no_entry(tmp_path: Path) -> None:
    record = read(cell(tmp_path, "one", row=ROW))
    assert record is not None
    reads(tmp_path, ROW, {"one": 0})
    reads(tmp_path, "bertram/table1/99-gone", {"one": 0})
    found = {reader.slug: entry_of(reader, record) for reader in readers(tmp_path)["one"]}
    assert found["bertram/table1/99-gone"] is None
    entry = found[ROW]
    assert entry is not None
    assert (entry.suite.slug, entry.row.name, entry.name, entry.seed) == ("bertram/table1", *["12-combined"] * 2, 0)
