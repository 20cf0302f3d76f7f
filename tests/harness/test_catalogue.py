"""Selectors: what they choose, and what a mistyped one is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from experiments.variant import RegistryError
from harness import catalogue


def chosen(*selectors: str, rows: tuple[str, ...] = ()) -> list[str]:
    return [catalogue.slug(suite, row) for suite, row in catalogue.select(selectors, rows)]


def test_a_bare_table_is_that_table_of_every_paper() -> None:
    papers = {slug.rpartition("/")[0] for slug in chosen("table1")}
    assert papers == {
        *("bertram/table1", "not-so-smart/table1", "smart-vs-deberta/table1"),
        *("smartbert/table1", "smooth-valleys/table1"),
    }
    assert {slug.rpartition("/")[0] for slug in chosen("table2")} == {"smooth-valleys/table2"}


def test_a_suite_a_row_a_paper_and_patterns() -> None:
    assert len(chosen("bertram/table1")) == 14
    assert chosen("bertram/table1/06-smart") == ["bertram/table1/06-smart"]
    assert chosen("bertram") == chosen("bertram/*") == chosen("bertram/table1") + chosen("bertram/controls")
    assert chosen("*/table1/*smart*") == [slug for slug in chosen("table1") if "smart" in slug.rpartition("/")[2]]
    assert chosen("bertram/table1/0?-smart") == ["bertram/table1/06-smart"]
    assert chosen() == [slug for suite in catalogue.suites() for slug in chosen(suite.slug)]


def test_rows_come_once_in_the_order_of_selectors_and_tables() -> None:
    both = chosen("smooth-valleys/table2", "table1", "bertram/table1/06-smart")
    assert both == chosen("smooth-valleys/table2") + chosen("table1")


def test_rows_filter_by_name_or_pattern() -> None:
    assert chosen("table1", rows=("06-smart", "multi-2")) == [
        *("bertram/table1/06-smart", "not-so-smart/table1/multi-2"),
    ]
    assert chosen("bertram/table1", rows=("1*",)) == chosen("bertram/table1")[9:]


@pytest.mark.parametrize(
    ("selector", "near"),
    [
        ("tabel1", "table1"),
        ("bertam", "bertram"),
        ("bertram/table2", "bertram/table1"),
        ("smart_vs_deberta", "smart-vs-deberta"),
        ("06-smart", "bertram/table1/06-smart"),
        ("bertram/table1/06-smrt", "bertram/table1/06-smart"),
        ("xyzzy/*", "harness list"),
    ],
)
def test_an_unknown_selector_is_told_near_names(selector: str, near: str) -> None:
    with pytest.raises(RegistryError) as told:
        catalogue.select([selector])
    assert repr(selector) in str(told.value)
    assert near in str(told.value).partition("near names: ")[2]


def test_an_unknown_row_is_told_near_names_among_the_chosen() -> None:
    with pytest.raises(RegistryError, match=r"no row '06-smrat' in bertram/table1; near names: 06-smart"):
        catalogue.select(["bertram/table1"], ["04-all-three", "06-smrat"])
    with pytest.raises(RegistryError, match="no row '06-smart' in smartbert"):
        catalogue.select(["smartbert"], ["06-smart"])


def test_find_needs_the_full_slug() -> None:
    suite, row = catalogue.find("bertram/table1/06-smart")
    assert (suite.slug, row.name) == ("bertram/table1", "06-smart")
    with pytest.raises(RegistryError, match="near names: bertram/table1/06-smart"):
        catalogue.find("bertram/06-smart")


def test_everything_is_what_no_selector_chooses() -> None:
    assert catalogue.everything() == catalogue.select([])


def test_changes_are_found_by_name() -> None:
    wanted = {"smart-sst", "smart-all", "pcgrad", "pcgrad-epoch-end", "mse-on-sts", "rotate", "weakest-last", "bppo"}
    assert wanted | {"joint-pairs", "bce-logits-sum", "20-epochs"} <= set(catalogue.named_changes())
    assert catalogue.change("rotate").name == "rotate"
    with pytest.raises(RegistryError, match="no change 'rotat'; near names: rotate"):
        catalogue.change("rotat")


def test_status_follows_the_techniques_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    suite, row = catalogue.find("bertram/table1/04-all-three")
    recipe = suite.recipe(row)
    monkeypatch.setattr(type(recipe.schedule), "built", True)
    ready = catalogue.status(recipe)
    monkeypatch.setattr(type(recipe.schedule), "built", False)
    assert (ready, catalogue.status(recipe)) == ("ready", "not built")


def test_the_catalogue_needs_no_torch() -> None:
    code = "import sys, harness.catalogue as c; c.select(['table1']); print('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
