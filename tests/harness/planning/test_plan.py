"""Plans: which cells, shared how, in which order."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from experiments.profiles import PROFILES
from harness.cells.cell import Cell
from harness.planning.cell_index import CellIndex
from harness.planning.plan import missing_encoders, plan
from harness.planning.setup import Setup
from harness.planning.setup_tags import setup_tags
from harness.registry.selectors import find, select
from model.encoders import hub
from model.encoders.bert import Bert
from model.encoders.loading import identity
from model.recipe import recipe_digest
from tests.harness.cli.test_bad_input import check
from tests.harness.conftest import Invoke
from tests.model import hub_cache

DEBERTA = "smart-vs-deberta/controls/deberta-pretrained"
DEMO = Setup(profile=PROFILES["demo"], data="embedded", encoder="tiny", seeds=3)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_rows_that_differ_in_the_paper_differ_in_every_profile(profile) -> None:  # type: ignore[no-untyped-def]
    by_paper: dict[str, set[str]] = {}
    for suite, row in select(("*",)):
        recipe = suite.recipe(row)
        by_paper.setdefault(recipe_digest(profile.scale(recipe)), set()).add(recipe_digest(recipe))
    assert [digests for digests in by_paper.values() if len(digests) > 1] == []


def test_rows_that_differ_in_split_alone_share_their_cells() -> None:
    twelve, thirteen = plan([find("bertram/table1/12-combined"), find("bertram/table1/13-combined-test")], DEMO)
    assert [cell.id for cell in twelve.cells] == [cell.id for cell in thirteen.cells]


def test_each_cell_is_left_once() -> None:
    rows = plan(select(("bertram/table1",)), DEMO)
    cells = CellIndex({}, {}).cells_to_train(rows)
    assert len({cell.id for cell in cells}) == len(cells)
    assert len(cells) == 3 * 13  # 14 rows, two of which share


def test_the_scaled_counts_keep_the_order_of_the_papers() -> None:
    counts = (6040, 7075, 8000, 9000)
    for profile in PROFILES.values():
        recipes = [suite.recipe(row) for suite, row in select(("bertram/table1", "smart-vs-deberta/table1"))]
        rows = {r.branch("quora").rows: profile.scale(r).branch("quora").rows for r in recipes}
        counted = [rows[count] for count in counts if count in rows]
        assert counted == sorted(counted)
        assert all(a < b for a, b in itertools.pairwise(counted))
        whole = rows[None]
        assert whole is None or whole > counted[-1]


def test_a_cell_is_named_by_what_decides_its_result() -> None:
    (row,) = plan([find("bertram/table1/06-smart")], DEMO)
    cell = row.cells[0]
    same = dataclasses.replace(cell, source="elsewhere")
    assert same.id == cell.id
    for change in (
        {"seed": 7},
        {"data": {**cell.data, "sst": "other"}},
        {"encoder": "other"},
        {"scored": {"sst": 10}},
        {"recipe": dataclasses.replace(cell.recipe, dropout=0.2)},
    ):
        assert dataclasses.replace(cell, **change).id != cell.id


def test_newer_technique_code_makes_a_cell_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = plan([find("bertram/table1/06-smart")], DEMO)
    key, identity = row.cells[0].key, row.cells[0].id
    monkeypatch.setattr("model.regularizers.smart.Smart.version", 99)
    (newer,) = plan([find("bertram/table1/06-smart")], DEMO)
    assert newer.cells[0].key == key
    assert newer.cells[0].id != identity
    index = CellIndex({}, {key: None})  # type: ignore[dict-item]
    assert index.is_stale(newer.cells[0])
    (other,) = plan([find("bertram/table1/04-all-three")], DEMO)
    assert not index.is_stale(other.cells[0])


def test_a_row_that_the_demo_cannot_run_says_why() -> None:
    rows = plan(select(("smart-vs-deberta/controls",)), DEMO)
    reasons = {row.row.name: row.reason for row in rows if row.reason}
    assert "deberta-pretrained" in reasons
    assert "microsoft/deberta-base" in reasons["deberta-pretrained"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and nothing known of it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(hub, "_snapshots", {})
    return tmp_path / "hub"


def test_an_encoder_option_leaves_a_row_that_fixes_its_own(cache: Path, encoder: Path) -> None:
    setup = dataclasses.replace(DEMO, encoder="some/bert", profile=PROFILES["small"], data="embedded")
    commit = hub_cache.put(cache, "some/bert", encoder)
    plain, fixed = plan([find("bertram/table1/04-all-three"), find(DEBERTA)], setup)
    assert plain.cells[0].encoder == identity(str(encoder))
    assert plain.cells[0].recipe.encoder == Bert(name=f"some/bert@{commit}")
    assert fixed.cells[0].encoder == "microsoft/deberta-base, not downloaded yet"
    assert missing_encoders([plain, fixed]) == ["microsoft/deberta-base"]


def test_another_commit_of_a_hub_id_is_another_cell_and_set_up_unless_its_content_is_the_same(
    cache: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def now(row: str = "bertram/table1/04-all-three") -> tuple[Cell, dict[str, str]]:
        monkeypatch.setattr(hub, "_snapshots", {})  # as another command begins
        (planned_row,) = plan([find(row)], setup)
        return planned_row.cells[0], setup_tags(setup)

    mine, setup = Path(shutil.copytree(encoder, tmp_path / "mine")), dataclasses.replace(DEMO, encoder="some/bert")
    seen, rows = [], ("bertram/table1/04-all-three", "smart-vs-deberta/table1/deberta")
    for name, more in (("README.md", "a"), ("README.md", "b"), ("vocab.txt", "more")):
        with (mine / name).open("a") as stream:
            stream.write(f"{more}\n")
        hub_cache.put(cache, "some/bert", mine)
        seen.append([now(row) for row in rows])
    for at in range(2):
        (first, first_tags), (same, same_tags), (other, other_tags) = (each[at] for each in seen)
        assert first.id == same.id != other.id
        assert first.recipe.encoder != same.recipe.encoder  # each at its commit
        assert first_tags["setup"] == same_tags["setup"] != other_tags["setup"]
        assert len({each["encoder"] for each in (first_tags, same_tags, other_tags)}) == 3
    copy = dataclasses.replace(setup, encoder=str(mine))
    (local,) = plan([find(rows[0])], copy)
    assert local.cells[0].id == seen[2][0][0].id


def test_what_is_not_downloaded_is_said_by_a_dry_run_and_refused_before_training(invoke: Invoke, cache: Path) -> None:
    words = ("run", "bertram/table1", "--rows", "03-sst-quora", "--encoder", "some/bert", "--seeds", "2")
    dry = invoke(*words, "--dry-run")
    assert dry.exit_code == 0
    assert "encoder some/bert: not downloaded yet; training begins with that" in dry.output
    assert "2 distinct cells: 0 done, 2 left" in dry.output
    check(invoke(*words), "the encoder 'some/bert' is not a folder, is not in the local cache and cannot be had")
    assert not cache.exists()


def test_settings_apply_as_typed_and_changes_before_scaling() -> None:
    setup = dataclasses.replace(DEMO, settings=(("quora.rows", "123"),))
    (row,) = plan([find("bertram/table1/04-all-three")], setup)
    assert row.recipe.branch("quora").rows == 123
    assert row.name == "04-all-three[quora.rows=123]"
