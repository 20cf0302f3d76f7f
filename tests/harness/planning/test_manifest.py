"""Which rows were planned to read which cells outlives everything else that is shown of a results folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.setup import setup_of
from harness.planning.manifest import find_row, setup_manifests, write_manifest
from harness.planning.plan import PlannedRow, plan
from harness.planning.setup import Setup
from harness.registry.selectors import find
from tests.harness.homes import TAGS, planned, reads

ROW, TWIN = "bertram/table1/12-combined", "bertram/table1/13-combined-test"


@pytest.fixture(scope="module")
def setup() -> Setup:
    return setup_of("demo", None, None, 2, ("epochs=1",), ())


@pytest.fixture(scope="module")
def rows(setup: Setup) -> list[PlannedRow]:
    """Two rows that share their two cells."""
    return plan([find(ROW), find(TWIN)], setup)


VARIANT_TAGS = TAGS | {"variant": "[epochs=1]"}


def test_rows_are_found_again_by_the_cells_that_they_read(tmp_path: Path, rows: list[PlannedRow]) -> None:
    write_manifest(tmp_path, rows, VARIANT_TAGS)
    cells = planned(tmp_path)
    assert set(cells) == {cell.id for cell in rows[0].cells} == {cell.id for cell in rows[1].cells}
    for cell in rows[0].cells:
        assert cells[cell.id] == [f"{ROW}[epochs=1]", f"{TWIN}[epochs=1]"]
    (noted,) = setup_manifests(tmp_path)
    assert noted.tags == VARIANT_TAGS
    assert noted.rows["bertram/table1", "12-combined"] == {cell.id: cell.seed for cell in rows[0].cells}


def test_noting_again_changes_nothing_and_another_set_up_adds(tmp_path: Path, rows: list[PlannedRow]) -> None:
    write_manifest(tmp_path, rows, VARIANT_TAGS)
    (path,) = (tmp_path / "readers").iterdir()
    before = path.stat()
    write_manifest(tmp_path, rows, VARIANT_TAGS)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert len(list((tmp_path / "readers").iterdir())) == 1
    write_manifest(tmp_path, rows[:1], VARIANT_TAGS | {"setup": "s2"})
    assert sorted(len(noted.rows) for noted in setup_manifests(tmp_path)) == [1, 2]


def test_a_row_noted_by_several_commands_is_there_once_with_all_its_cells(
    tmp_path: Path, rows: list[PlannedRow]
) -> None:
    write_manifest(tmp_path, rows, VARIANT_TAGS)
    write_manifest(tmp_path, plan([find(ROW)], setup_of("demo", None, None, 3, ("epochs=1",), ())), VARIANT_TAGS)
    (noted,) = setup_manifests(tmp_path)
    assert sorted(noted.rows["bertram/table1", "12-combined"].values()) == [0, 1, 2]
    assert sorted(noted.rows["bertram/table1", "13-combined-test"].values()) == [0, 1]


def test_a_row_without_cells_is_not_noted(tmp_path: Path, rows: list[PlannedRow]) -> None:
    row = rows[0]
    write_manifest(
        tmp_path,
        [PlannedRow(suite=row.suite, row=row.row, name=row.name, recipe=row.recipe, reason="not built")],
        VARIANT_TAGS,
    )
    assert setup_manifests(tmp_path) == []
    assert not (tmp_path / "readers").exists()


@pytest.mark.parametrize("harm", [b"", b"{", b"\xff\xfe", b'{"check": 1, "rows": []}'])
def test_a_damaged_file_is_told_and_written_again_by_the_same_rows(
    tmp_path: Path, rows: list[PlannedRow], harm: bytes
) -> None:
    write_manifest(tmp_path, rows, VARIANT_TAGS)
    before = setup_manifests(tmp_path)
    (path,) = (tmp_path / "readers").iterdir()
    path.write_bytes(harm)
    damaged: list[str] = []
    assert setup_manifests(tmp_path, damaged) == []
    assert damaged == [f"{path} is damaged"]
    write_manifest(tmp_path, rows, VARIANT_TAGS)
    assert setup_manifests(tmp_path, damaged) == before
    assert len(damaged) == 1


def test_a_file_whose_content_was_changed_is_damaged(tmp_path: Path) -> None:
    path = reads(tmp_path, ROW, 0)
    path.write_text(path.read_text().replace(": 0}", ": 1}"))
    damaged: list[str] = []
    assert setup_manifests(tmp_path, damaged) == []
    assert damaged == [f"{path} is damaged"]


def test_a_row_that_left_the_registry_is_not_declared() -> None:
    assert find_row("bertram/table1", "99-gone") is None
    assert find_row("bertram/table1", "12-combined") == find(ROW)
