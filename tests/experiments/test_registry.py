"""The registry holds what the papers print, row by row, and every row is a recipe of its own."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from torch import nn

import experiments.papers
from experiments import changes
from experiments.papers import SUITES
from experiments.suite import Change, Claim, RegistryError, Row, Suite, axes_changed, overall
from model.declaration import SettingError
from model.recipe import Branch, recipe_digest
from model.settings import flatten
from tests import ROOT

NOT = None  # not printed
# sst, quora, sts, overall (or sst, cfimdb), as the papers print them
PRINTED: dict[str, dict[str, tuple[float | None, ...]]] = {
    "smart-original/qqp": {
        "bert": (0.909,),
        "smart": (0.915,),
        "no-smoothness": (NOT,),
        "no-proximal": (NOT,),
    },
    "smart-original/sts-b": {
        "bert": (0.892,),
        "smart": (0.9,),
        "no-smoothness": (NOT,),
        "no-proximal": (NOT,),
    },
    "smart-vs-deberta/table1": {
        "bert-v1": (0.478, 0.378, 0.558, 0.478),
        "new-predict": (NOT, NOT, NOT, NOT),
        "bce-logits": (NOT, NOT, NOT, 0.713),
        "siar": (NOT, NOT, NOT, 0.764),
        "deberta": (NOT, NOT, NOT, 0.651),
        "deberta-siar": (NOT, NOT, NOT, 0.71),
        "siar-full-quora": (NOT, NOT, NOT, 0.764),
        "siar-lr-1e-6": (NOT, NOT, NOT, 0.765),
        "siar-early-stop": (NOT, NOT, NOT, 0.77),
        "bppo": (NOT, NOT, NOT, NOT),
        "bppo-early-stop": (NOT, NOT, NOT, 0.771),
        "bppo-exp-decay": (NOT, NOT, NOT, NOT),
        "amazon": (NOT, NOT, NOT, NOT),
        "amazon-bppo": (NOT, NOT, NOT, NOT),
        "dropout-0.4": (NOT, NOT, NOT, NOT),
        "dropout-0.5": (NOT, NOT, NOT, NOT),
        "best": (NOT, NOT, NOT, 0.776),
        "best-test": (0.506, 0.892, 0.869, 0.778),
    },
    "bertram/table1": {
        "01-baseline": (0.208, 0.375, -0.033, NOT),
        "02-pretrained": (0.316, 0.376, 0.019, 0.401),
        "03-sst-quora": (0.480, 0.525, 0.217, NOT),
        "04-all-three": (0.469, 0.526, 0.534, 0.587),
        "05-cosine-embedding": (0.440, 0.514, 0.429, 0.556),
        "06-smart": (0.463, 0.534, 0.548, 0.590),
        "07-weakest-last": (0.500, 0.482, 0.558, 0.587),
        "08-pcgrad": (0.498, 0.524, 0.554, 0.599),
        "09-additive": (0.490, 0.486, 0.622, 0.595),
        "10-20-epochs": (0.499, 0.533, 0.572, NOT),
        "11-mse": (0.516, 0.516, 0.587, 0.608),
        "12-combined": (0.494, 0.522, 0.627, 0.610),
        "13-combined-test": (0.500, 0.517, 0.555, 0.598),
        "14-full-quora": (0.521, 0.541, 0.498, 0.604),
    },
    "smooth-valleys/table1": {
        "pretrain-sst": (0.393, NOT),
        "pretrain-cfimdb": (NOT, 0.788),
        "finetune-sst": (0.522, NOT),
        "finetune-cfimdb": (NOT, 0.963),
    },
    "smooth-valleys/table2": {
        "pretrain-default": (0.396, 0.380, 0.019, NOT),
        "finetune-default": (0.525, 0.522, 0.240, NOT),
        "finetune-rrobin": (0.524, 0.726, 0.583, NOT),
        "finetune-smart": (0.520, 0.501, 0.382, NOT),
        "finetune-rrobin-smart": (0.532, 0.741, 0.680, NOT),
    },
    "smartbert/table1": {
        "baseline": (0.318, 0.625, 0.015, NOT),
        "sentiment-smart": (0.344, 0.625, 0.015, NOT),
        "paraphrase-smart": (0.135, 0.660, 0.030, NOT),
        "similarity-smart": (0.135, 0.376, 0.025, NOT),
        "all-three-smart": (0.332, 0.371, 0.015, NOT),
        "interleaved-smart": (0.372, 0.656, 0.032, NOT),
        "interleaved-smart-test": (0.373, 0.657, -0.032, 0.333),
    },
    "not-so-smart/table1": {
        "bert-base": (NOT, NOT, NOT, NOT),
        "multi-1": (NOT, NOT, NOT, NOT),
        "multi-2": (NOT, NOT, NOT, NOT),
        "multi-2-test": (0.487, 0.867, 0.848, 0.759),
        "multi-3": (NOT, NOT, NOT, NOT),
        "multi-4": (NOT, NOT, NOT, NOT),
        "multi-1-smart": (NOT, NOT, NOT, NOT),
        "multi-1-routing-smart": (NOT, NOT, NOT, NOT),
    },
}
SECONDS = {
    "pretrain-default": 9,
    "finetune-default": 25,
    "finetune-rrobin": 67,
    "finetune-smart": 161,
    "finetune-rrobin-smart": 464,
}
FORMULAS = {"smart-original": "none", "smartbert": "plain", "smooth-valleys": "none"}  # normalised elsewhere
TEST_ROWS = {"best-test", "13-combined-test", "14-full-quora", "interleaved-smart-test", "multi-2-test"}
# one training behind several printed rows: they differ in the split or in the epoch chosen
SHARED = {
    ("smart-vs-deberta", "siar-full-quora", "siar-early-stop"),
    ("smart-vs-deberta", "bppo", "bppo-early-stop"),
    ("smart-vs-deberta", "best", "best-test"),
    ("bertram", "12-combined", "13-combined-test"),
    ("smartbert", "interleaved-smart", "interleaved-smart-test"),
    ("not-so-smart", "multi-2", "multi-2-test"),
}
CONTROLS = {
    "smart-vs-deberta": {"deberta-pretrained", "bppo-no-op", "siar-last-epoch", "bppo-quora-7075"},
    "bertram": {
        *("08-8000", "sst-only", "11-mse-pcgrad-per-step", "04-sts-six-classes", "04-sts-batch-softmax"),
        *("06-smart-as-written", "11-mse-as-written", "06-smart-no-bppo", "11-mse-no-smart", "11-mse-smart-all"),
        *("11-mse-last-epoch", "10-20-epochs-last-epoch", "14-full-quora-dev"),
        *("lr-1e-3", "lr-1e-4", "dropout-0.4", "dropout-0.5", "15-epochs"),
    },
    "smooth-valleys": {
        *("finetune-default-batch-8", "finetune-rrobin-batch-8", "domain-pretrain", "rrobin-pcgrad"),
        *("rrobin-smart-pcgrad", "finetune-smart-as-written"),
    },
    "smartbert": {
        *("paraphrase", "similarity", "all-three", "interleaved", "baseline-frozen", "sentiment-smart-frozen"),
        *("paraphrase-smart-frozen", "similarity-smart-frozen", "all-three-smart-frozen", "interleaved-smart-frozen"),
        *("interleaved-smart-frozen-dropout-off", "interleaved-smart-as-written"),
    },
    "not-so-smart": {
        *("multi-1-routing", "multi-3-smart", "multi-4-smart", "multi-1-smart-as-written"),
        *("multi-2-sst-sts-quora", "multi-2-quora-sst-sts", "multi-2-quora-sts-sst"),
        *("multi-2-sts-sst-quora", "multi-2-sts-quora-sst"),
    },
}
CLAIMS = {
    "smart-original": 2,
    "smart-vs-deberta": 7,
    "bertram": 8,
    "smooth-valleys": 4,
    "smartbert": 3,
    "not-so-smart": 3,
}

BY_SLUG = {suite.slug: suite for suite in SUITES}
ROWS = [(suite, row) for suite in SUITES for row in suite.rows]
CLAIMED = [(suite, claim) for suite in SUITES for claim in suite.claims]


def named(pair: object) -> str:
    return pair.slug if isinstance(pair, Suite) else pair.name if isinstance(pair, Row | Claim | Change) else ""


def table(slug: str) -> Suite:
    return BY_SLUG[slug]


@pytest.mark.parametrize("slug", PRINTED)
def test_a_tables_rows_and_figures_are_the_printed_ones(slug: str) -> None:
    suite = table(slug)
    columns = (*suite.columns, "overall") if len(suite.columns) == 3 else suite.columns
    expected = {
        row: {column: figure for column, figure in zip(columns, figures, strict=True) if figure is not None}
        for row, figures in PRINTED[slug].items()
    }
    printed = {row.name: {key: value for key, value in row.printed.items() if key in columns} for row in suite.rows}
    assert printed == expected
    assert list(printed) == list(expected), "rows keep the paper's order"


def test_printed_times_and_words_are_kept() -> None:
    times = {row.name: row.printed["seconds_per_epoch"] for row in table("smooth-valleys/table2").rows}
    assert times == SECONDS
    words = {row.name: row.printed_words for suite in SUITES for row in suite.rows if row.printed_words}
    assert set(words) == {
        *("bce-logits", "siar-full-quora", "bppo", "amazon", "amazon-bppo", "dropout-0.4", "dropout-0.5"),
        *("multi-1-smart", "multi-1-routing-smart"),
    }
    assert (words["bppo"], words["amazon"], words["multi-1-smart"]) == ("modest", "lower", "tanked")
    assert table("bertram/controls").row("sst-only").printed == {"sst_accuracy": 0.515}


def test_no_paper_is_left_out_and_each_table_names_its_formula_and_split() -> None:
    assert {suite.slug for suite in SUITES if suite.origin == "paper"} == set(PRINTED)
    for suite, row in ROWS:
        assert suite.formula == FORMULAS.get(suite.paper, "normalised")
        if suite.origin == "paper":
            assert (row.split == "test") == (row.name in TEST_ROWS)


def test_printed_overalls_follow_the_formula_except_one_misprint() -> None:
    wrong = {}
    for suite, row in ROWS:
        printed, formula = row.printed.get("overall"), overall(suite.formula, row.printed)
        # three rounded figures and a rounded result
        if printed is not None and formula is not None and abs(printed - formula) > 0.0005 * (5 / 6 + 1):
            wrong[row.name] = (printed, round(formula, 3))
    assert wrong == {"bert-v1": (0.478, 0.545)}


def test_printed_differences_subtract_the_baseline_except_one_misprint() -> None:
    suite, wrong, seen = table("bertram/table1"), {}, 0
    for row in suite.rows:
        for metric, printed in row.printed_deltas.items():
            assert row.delta_from is not None
            real = row.printed[metric] - suite.row(row.delta_from).printed[metric]
            seen += 1
            if abs(printed - real) > 1e-9:
                wrong[row.name, metric] = (printed, round(real, 3))
    assert seen == 13 * 3
    assert wrong == {("12-combined", "quora_accuracy"): (0.169, 0.147)}


@pytest.mark.parametrize("slug", PRINTED)
def test_rows_that_differ_in_the_paper_never_share_a_recipe(slug: str) -> None:
    suite, by_digest = table(slug), defaultdict(list)
    for row in suite.rows:
        by_digest[recipe_digest(suite.recipe(row))].append(row)
    shared = [rows for rows in by_digest.values() if len(rows) > 1]
    assert {(suite.paper, *(row.name for row in rows)) for rows in shared} == {
        group for group in SHARED if group[0] == suite.paper and suite.table == "table1"
    }
    for rows in shared:
        assert len({(row.split, suite.selection_of(row)) for row in rows}) == len(rows)


@pytest.mark.parametrize(("suite", "row"), ROWS, ids=named)
def test_every_change_of_a_row_changes_its_recipe(suite: Suite, row: Row) -> None:
    recipe = suite.base if row.on is None else suite.recipe(suite.row(row.on))
    steps = [recipe]
    for change in row.changes:
        steps.append(change.apply(steps[-1]))
    assert all(recipe_digest(before) != recipe_digest(after) for before, after in pairwise(steps))
    assert steps[-1] == suite.recipe(row)
    assert bool(row.changes) == bool(axes_changed(recipe, steps[-1]))


def test_every_head_fits_its_features_and_every_trained_task_has_weights_to_train() -> None:
    branches = {branch for suite, row in ROWS for branch in suite.recipe(row).branches}
    weights = {branch: sum(part.numel() for part in built(branch).parameters()) for branch in branches}
    for suite, row in ROWS:
        recipe = suite.recipe(row)
        if recipe.trainable == "heads":
            assert all(weights[recipe.branch(task)] for task in recipe.schedule.tasks()), row.name
        assert {branch.task.metric_name for branch in recipe.branches} & set(suite.columns)


def built(branch: Branch) -> nn.Module:
    """The branch's head; a head that its features do not fit raises."""
    outputs = branch.objective.outputs(branch.task)
    return branch.head.build(width=branch.pairing.width(8), outputs=outputs, dropout=0.1, hidden=8, depth=3)


@pytest.mark.parametrize("paper", CONTROLS)
def test_controls_are_ours_and_complete(paper: str) -> None:
    suite, main = table(f"{paper}/controls"), PRINTED.keys()
    assert suite.origin == "ours"
    assert {row.name for row in suite.rows} >= CONTROLS[paper]
    assert [row.name for row in suite.rows if row.origin != "ours"] == (["sst-only"] if paper == "bertram" else [])
    assert suite.extends is not None
    assert suite.extends.slug in main
    names = [row.name for row in suite.extends.rows + suite.rows]
    assert len(set(names)) == len(names)
    assert suite.base == suite.extends.base


@pytest.mark.parametrize(("suite", "claim"), CLAIMED, ids=named)
def test_a_claim_compares_rows_and_figures_that_exist(suite: Suite, claim: Claim) -> None:
    assert claim.contrasts
    assert claim.source
    gaps = {f"{metric.partition('_')[0]}_gap" for metric in suite.columns}
    for contrast in claim.contrasts:
        for name in (contrast.better, contrast.worse):
            slug, _, row = name.rpartition("/")
            owner = BY_SLUG[slug] if slug else suite
            assert row in {each.name for each in owner.rows}
        assert contrast.metric in {*suite.columns, "overall", *gaps}
        assert contrast.metric != "overall" or suite.formula != "none"
        assert contrast.better != contrast.worse


def test_every_claim_of_the_papers_is_there_once() -> None:
    counts: dict[str, int] = defaultdict(int)
    for suite, _ in CLAIMED:
        counts[suite.paper] += 1
    assert counts == CLAIMS
    assert len({(suite.paper, claim.name) for suite, claim in CLAIMED}) == len(CLAIMED)


@pytest.mark.parametrize("suite", SUITES, ids=named)
def test_marks_name_settings_that_some_row_has(suite: Suite) -> None:
    rows = suite.rows + (suite.extends.rows if suite.extends else ())
    paths = {row.name: set(flatten(suite.recipe(row))) for row in rows}
    everywhere = set().union(*paths.values())
    assert {mark for mark in suite.marks if not reaches(mark, everywhere)} == set()
    for row in suite.rows:
        assert {mark for mark in row.marks if not reaches(mark, paths[row.name])} == set()


def reaches(mark: str, paths: set[str]) -> bool:
    return any(path == mark or path.startswith(mark + ".") for path in paths)


def test_a_setting_is_marked_by_who_chose_it() -> None:
    bertram, ours = table("bertram/table1"), table("bertram/controls")
    smart, written = bertram.row("06-smart"), ours.row("06-smart-as-written")
    assert bertram.mark(smart, "smart.radius") == "printed"
    assert bertram.mark(smart, "smart.step_size") == "ours"
    assert bertram.mark(smart, "optimizer.weight_decay") == "starter"
    assert ours.mark(written, "smart.project") == "ours"
    assert ours.mark(written, "smart.radius") == "printed", "the control leaves it alone"
    assert ours.mark(ours.row("08-8000"), "quora.rows") == "ours"
    valleys = table("smooth-valleys/table1")
    assert valleys.mark(valleys.row("finetune-cfimdb"), "batch") == "starter"


SHARED_CHANGES = [value for value in vars(changes).values() if isinstance(value, Change)]


@pytest.mark.parametrize("change", SHARED_CHANGES, ids=named)
def test_a_shared_change_fits_some_row(change: Change) -> None:
    def fits(suite: Suite, row: Row) -> bool:
        try:
            return change.apply(suite.recipe(row)) != suite.recipe(row)
        except SettingError:
            return False

    assert any(fits(suite, row) for suite, row in ROWS)


def test_a_changes_name_has_one_meaning() -> None:
    meanings: dict[str, Change] = {}
    for change in [*SHARED_CHANGES, *(change for _, row in ROWS for change in row.changes)]:
        assert meanings.setdefault(change.name, change) == change


def test_a_second_source_of_data_is_one_axis() -> None:
    suite = table("smart-vs-deberta/table1")
    before, after = (suite.recipe(suite.row(name)) for name in ("siar-full-quora", "amazon"))
    assert axes_changed(before, after) == ("data",)


def test_an_unknown_row_is_an_error() -> None:
    with pytest.raises(RegistryError, match="no row '99'"):
        table("bertram/controls").row("99")


def test_declarations_import_neither_torch_nor_transformers() -> None:
    code = "import sys, experiments.papers, experiments.changes; print({'torch', 'transformers'} & set(sys.modules))"
    root = ROOT
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_new_paper_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "another.py").write_text(
        "import dataclasses\n"
        "from experiments.papers.bertram import TABLE1\n"
        "SUITES = (dataclasses.replace(TABLE1, paper='another'),)\n"
    )
    monkeypatch.setattr(experiments.papers, "__path__", [*experiments.papers.__path__, str(tmp_path)])
    suites = experiments.papers.load_suites()
    monkeypatch.delitem(sys.modules, "experiments.papers.another")
    assert [suite.slug for suite in suites if suite not in SUITES] == ["another/table1"]


def test_two_suites_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "twice.py").write_text("from experiments.papers.bertram import SUITES\n")
    monkeypatch.setattr(experiments.papers, "__path__", [*experiments.papers.__path__, str(tmp_path)])
    with pytest.raises(RegistryError, match=r"bertram/table1.*twice\.py"):
        experiments.papers.load_suites()
    monkeypatch.delitem(sys.modules, "experiments.papers.twice")
