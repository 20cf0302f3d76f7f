"""Selectors: what they choose, and what a mistyped one is told."""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import ablation
from experiments.profiles import PROFILES
from experiments.suite import RegistryError, row_slug
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.registry import selectors as catalogue
from harness.registry import tuned_settings
from tests import ROOT
from tests.experiments.test_tuned_suites import winner

FULL = os.environ.get("HARNESS_TEST_COUNTS") == "full"
ABLATION = "ablation/bertram.table1.04-all-three..11-mse"


def chosen(*selectors: str, rows: tuple[str, ...] = ()) -> list[str]:
    return [row_slug(suite, row) for suite, row in catalogue.select(selectors, rows)]


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
    with pytest.raises(RegistryError) as error:
        catalogue.select([selector])
    assert repr(selector) in str(error.value)
    assert near in str(error.value).partition("near names: ")[2]


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
    assert catalogue.all_rows() == catalogue.select([])


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
    code = "import sys, harness.registry.selectors as c; c.select(['table1']); print('torch' in sys.modules)"
    root = ROOT
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


@pytest.mark.parametrize("seed", range(400 if FULL else 30))
def test_the_name_of_an_ablation_gives_the_same_ablation(seed: int) -> None:
    drawn, every = random.Random(seed), catalogue.all_rows()
    (suite, row), (other, against) = drawn.choice(every), drawn.choice(every)
    added = drawn.sample(list(catalogue.named_changes().values()), drawn.choice((0, 0, 1, 3)))
    try:
        expected = ablation.Ablation(suite=suite, row=row, other=other, against=against, added=tuple(added))
        fixed = {factor.name: drawn.random() < 0.5 for factor in expected.all_factors if drawn.random() < 0.3}
        expected = dataclasses.replace(expected, fixed=fixed)
    except RegistryError as error:
        assert any(words in str(error) for words in ("nothing to take apart", "is a factor already"))
        return
    assert catalogue.ablation(expected.table) == expected
    assert "/" not in expected.table and expected.slug == f"ablation/{expected.table}"


def test_an_ablations_rows_are_found_and_selected_as_any_others() -> None:
    suite, row = catalogue.find(f"{ABLATION}/rotate+mse-on-sts")
    assert (f"{suite.slug}/{row.name}", row.levels["rotate"]) == (f"{ABLATION}/rotate+mse-on-sts", True)
    assert catalogue.find(f"{ABLATION}/none")[1] == suite.row("none")
    assert chosen(ABLATION) == [f"{ABLATION}/{each.name}" for each in suite.rows] and len(suite.rows) == 16
    assert chosen(f"{ABLATION}/none", "bertram/table1/06-smart", f"{ABLATION}/rotate") == [
        *(f"{ABLATION}/none", "bertram/table1/06-smart", f"{ABLATION}/rotate"),
    ]
    assert len(chosen(f"{ABLATION}/*smart*")) == len(chosen(ABLATION, rows=("*smart*",))) == 8
    assert not any(slug.startswith("ablation/") for slug in chosen("*"))


def test_a_question_asked_twice_is_answered_by_the_same_rows() -> None:
    assert catalogue.find(f"{ABLATION}/none")[0] is catalogue.find(f"{ABLATION}/rotate")[0]


def test_a_name_may_have_rows_of_two_suites_held_factors_and_added_ones() -> None:
    name = "bertram.table1.04-all-three..bertram.controls.08-8000,factor=dropout-0.4,factor=20-epochs,hold=rotate:on"
    result = catalogue.ablation(name)
    assert result.table == name
    assert (result.suite.slug, result.other.slug) == ("bertram/controls", "bertram/table1")
    assert result.names == ("smart-package-sst", "pcgrad-epoch-end", "dropout-0.4", "20-epochs")
    assert dict(result.fixed) == {"rotate": True}
    assert catalogue.ablation(result.table.replace(":on", "")).fixed == {"rotate": False}


def test_a_tuned_row_can_be_taken_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_TUNED", str(tmp_path))
    tuned_settings.write_winners(tmp_path / "smart.toml", [winner()])
    suite = next(each for each in catalogue.suites() if each.paper == "tuned")
    for row in suite.rows[1:]:
        expected = ablation.Ablation(suite=suite, row=row, other=suite, against=suite.rows[0])
        assert catalogue.ablation(expected.table) == expected


def test_cells_are_shared_with_the_rows_that_combinations_are() -> None:
    result = catalogue.ablation(ABLATION.partition("/")[2])
    demo = Setup(profile=PROFILES["demo"], data="embedded", encoder="tiny", seeds=2)
    assert len(result.registry_rows) == 8
    for on, slug in result.registry_rows.items():
        ours, theirs = plan([(result.rows, result.rows.row(result.name(on))), catalogue.find(slug)], demo)
        assert [cell.id for cell in ours.cells] == [cell.id for cell in theirs.cells]
    every = [cell.id for row in plan(catalogue.ablation_rows(ABLATION), demo) for cell in row.cells]
    assert len(set(every)) == len(every) == 16 * 2


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("ablation", "there is no .*row 'ablation'.*; near names: "),
        ("ablation/", "there is no ablation ''; it is named PAPER.TABLE.AGAINST..ROW, as harness ablate says it"),
        ("ablation//", "there is no ablation ''; it is named"),
        ("ablation/x", "there is no ablation 'x'; it is named"),
        ("ablation/*", r"there is no ablation '\*'; it is named"),
        ("ablation/..", "there is no row ''"),
        ("ablation/a..b", "there is no row 'a', as paper/table/row; near names"),
        (
            f"{ABLATION[:-6]}",
            "there is no row 'bertram/table1/', as paper/table/row; near names: bertram/table1/11-mse",
        ),
        (f"{ABLATION},x=1", "there is no ablation '.*,x=1'; 'x=1' is no factor=CHANGE, hold=NAME"),
        (f"{ABLATION},", "there is no ablation '.*,'; '' is no factor=CHANGE, hold=NAME"),
        (f"{ABLATION},hold=", "there is no factor  to hold; the factors are: smart-package-sst, rotate"),
        (f"{ABLATION},hold=rotat:on", "there is no factor rotat to hold; the factors are: smart-package-sst, rotate"),
        (f"{ABLATION},factor=rotat", "there is no change 'rotat'; near names: rotate"),
        (f"{ABLATION},factor=rotate", "rotate is a factor already; the factors are: smart-package-sst, rotate"),
        (f"{ABLATION}/nix", "there is no .*row 'ablation/.*/nix'"),
        (f"{ABLATION}/none/none", "there is no .*row 'ablation/.*/none/none'"),
        ("ablation/bertram.table1.11-mse..11-mse", "both rows train the same, so there is nothing to take apart"),
        ("ablation/" + "x" * 999, "there is no ablation 'x+"),
        ("ablation/\x1b[31m\n..x", r"there is no row '\\x1b\[31m\\n'"),
    ],
)
@pytest.mark.parametrize("way", [catalogue.find, lambda slug: catalogue.select([slug])], ids=("find", "select"))
def test_a_name_that_is_no_ablations_is_told_why_in_one_sentence(way, slug: str, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RegistryError, match=said) as error:
        way(slug)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500
