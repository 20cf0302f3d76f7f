import dataclasses
import math
from statistics import fmean
from typing import Any

import pandas
import pytest

from experiments.suite import overall
from reports.suite_table.build import build
from reports.suite_table.model import Entry, Line, Table
from tests.reports import example


def table(*records: list[dict[str, Any]], states: dict[tuple[str, str], str] | None = None) -> Table:
    frame = pandas.DataFrame([record for group in records for record in group])
    return build(example.SUITE, frame, states or {}, example.references(), example.HEADER)


def line(suite_table: Table, name: str) -> Line:
    return next(line for line in suite_table.lines if line.name == name)


def entry(suite_table: Table, name: str, key: str) -> Entry:
    at = [column.key for column in suite_table.columns].index(key)
    return line(suite_table, name).entries[at]


ALL_THREE = "04-all-three"
ON_TEST = "16-test"


def test_rows_keep_the_order_of_the_suite_whatever_the_order_of_the_results() -> None:
    shuffled = example.results().sample(frac=1.0, random_state=0)
    suite_table = build(example.SUITE, shuffled, example.STATES, example.references(), example.HEADER)
    assert [line.name for line in suite_table.lines] == [row.name for row in example.SUITE.rows]
    assert suite_table == example.table()


def test_overall_is_computed_for_each_seed_and_then_averaged() -> None:
    seeds = [(0.6, 0.7, 0.5), (0.5, 0.8, 0.1), (0.4, 0.7, 0.3)]
    got = entry(table(example.records(ALL_THREE, *seeds)), ALL_THREE, "overall")
    by_seed = [overall("normalised", dict(zip(example.METRICS, scores, strict=True))) or 0.0 for scores in seeds]
    assert got.mean == pytest.approx(fmean(by_seed))
    spread = math.sqrt(sum((value - fmean(by_seed)) ** 2 for value in by_seed) / 2 / 3)
    assert got.half == pytest.approx(4.30265 * spread, rel=1e-4)


def test_overall_leaves_out_the_seeds_that_lack_a_task() -> None:
    got = entry(table(example.records(ALL_THREE, (0.6, 0.7, 0.5), (0.5, 0.8, math.nan))), ALL_THREE, "overall")
    assert (got.n, got.mean) == (1, pytest.approx((0.6 + 0.7 + 0.75) / 3))
    assert "fewer-seeds" in got.marks


@pytest.mark.parametrize(("score", "marked"), [(0.39, True), (0.4, True), (0.41, False)])
def test_a_result_not_above_the_majority_class_is_marked(score: float, marked: bool) -> None:
    got = entry(table(example.records(ALL_THREE, (score, 0.7, 0.5))), ALL_THREE, "sst_accuracy")
    assert ("not-above-majority" in got.marks) == marked


def test_a_single_seed_has_a_mark_and_no_interval() -> None:
    got = entry(table(example.records(ALL_THREE, (0.6, 0.7, 0.5))), ALL_THREE, "sst_accuracy")
    assert (got.n, got.half, got.marks) == (1, None, ("single-seed",))


def test_a_constant_prediction_is_undefined_and_not_a_number() -> None:
    got = entry(table(example.records(ALL_THREE, (0.6, 0.7, math.nan))), ALL_THREE, "sts_pearson")
    assert (got.state, got.mean) == ("undefined", None)


def test_collapsed_predictions_are_marked_where_they_are_told() -> None:
    suite_table = table(example.records(ALL_THREE, (0.6, 0.7, 0.5), constant=True))
    assert "collapsed" in entry(suite_table, ALL_THREE, "quora_accuracy").marks


def test_a_head_that_is_never_trained_is_marked() -> None:
    suite_table = table(example.records("02-sst-only", (0.6, 0.7, 0.5)))
    untrained = [key for key in example.METRICS if "untrained" in entry(suite_table, "02-sst-only", key).marks]
    assert untrained == ["quora_accuracy", "sts_pearson"]


def test_rows_that_change_several_axes_or_the_data_size_are_marked() -> None:
    suite_table = example.table()
    assert {line.name: line.axes for line in suite_table.lines if line.axes} == {"08-pcgrad": ("combiner", "data")}
    sizes = dataclasses.replace(example.SUITE.row("10-running"), changes=(example.MORE,))
    suite = dataclasses.replace(example.SUITE, rows=(sizes,))
    assert build(suite, pandas.DataFrame(), {}, [], example.HEADER).lines[0].axes == ("data",)


def test_two_changes_of_which_one_is_the_split_are_confounded() -> None:
    row = dataclasses.replace(example.SUITE.row(ON_TEST), changes=(example.SURGERY,))
    suite = dataclasses.replace(example.SUITE, rows=(example.SUITE.row(ALL_THREE), row))
    assert build(suite, pandas.DataFrame(), {}, [], example.HEADER).lines[1].axes == ("combiner", "split")


def test_dev_never_stands_in_for_test() -> None:
    suite_table = table(example.records(ON_TEST, (0.6, 0.7, 0.5)), states={("made/up", ON_TEST): "not run"})
    assert {entry.state for entry in line(suite_table, ON_TEST).entries} == {"no test labels"}
    scored = table(example.records(ON_TEST, (0.6, 0.7, 0.5)), example.records(ON_TEST, (0.1, 0.2, 0.3), split="test"))
    assert entry(scored, ON_TEST, "sst_accuracy").mean == 0.1


def test_a_test_row_without_test_labels_says_so_even_if_only_its_training_scores_are_given() -> None:
    train = example.records(ON_TEST, (0.6, 0.7, 0.5), split="train")
    suite_table = table(train)
    assert {entry.state for entry in line(suite_table, ON_TEST).entries} == {"no test labels"}
    partly = table(train, [example.record(ON_TEST, 0, "sst_accuracy", 0.4, split="test")])
    assert entry(partly, ON_TEST, "sst_accuracy").mean == 0.4
    assert entry(partly, ON_TEST, "sts_pearson").state == "no test labels"


def test_reference_lines_of_a_split_that_no_row_uses_are_left_out() -> None:
    dev_only = dataclasses.replace(example.SUITE, rows=example.SUITE.rows[:2])
    elsewhere = [dataclasses.replace(line, split="test") for line in example.references()]
    assert build(dev_only, pandas.DataFrame(), {}, elsewhere, example.HEADER).references == ()


def test_every_kind_of_missing_row_has_its_own_state() -> None:
    states = {line.name: line.state for line in example.table().lines[4:11]}
    assert states == {
        "10-running": "running",
        "11-idle": "not run",
        "12-unwritten": "not built",
        "13-broken": "failed",
        "14-too-big": "unavailable",
        "15-old": "stale",
        "16-test": "not run",
    }


def test_no_results_at_all_still_make_a_table() -> None:
    suite_table = table()
    assert {line.state for line in suite_table.lines} == {"not run"}
    assert dict(suite_table.facts)["cells"] == "0 of 36 done"


def test_a_seed_counts_once_and_its_retry_replaces_its_failure() -> None:
    once = example.records(ALL_THREE, (0.6, 0.7, 0.5))
    failure = [example.record(ALL_THREE, 0, None, None, status="failed", reason="lost power")]
    got = line(table(failure, once, once), ALL_THREE)
    assert (got.n, got.failed, got.entries[0].n) == (1, 0, 1)


def test_results_of_two_cells_are_never_mixed() -> None:
    other = example.records(ALL_THREE, (0.1, 0.1, 0.1), cell="another")
    with pytest.raises(ValueError, match="made/up/04-all-three seed 0 has results of two cells"):
        table(example.records(ALL_THREE, (0.6, 0.7, 0.5)), other)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="the results have no column epoch"):
        build(example.SUITE, example.results().drop(columns="epoch"), {}, [], example.HEADER)


def test_a_selection_of_rows_still_finds_the_rows_they_stand_on() -> None:
    suite_table = build(example.SUITE, example.results(), example.STATES, [], example.HEADER, rows={ON_TEST})
    assert [line.name for line in suite_table.lines] == [ON_TEST]


def test_a_suite_without_a_formula_has_no_overall_column() -> None:
    rows = (example.SUITE.row("02-sst-only"),)
    bare = dataclasses.replace(example.SUITE, formula="none", rows=rows)
    suite_table = build(bare, pandas.DataFrame(), {}, [], example.HEADER)
    assert [column.key for column in suite_table.columns] == list(example.METRICS)


def test_train_scores_are_kept_beside_the_split() -> None:
    assert entry(example.table(), ALL_THREE, "sst_accuracy").train == 0.7
    assert entry(example.table(), "09-in-words", "sst_accuracy").train is None


def test_footnotes_say_why_rows_are_missing() -> None:
    notes = example.table().footnotes
    assert "13-broken failed: loss is not finite at step 12" in notes
    assert "14-too-big unavailable: the demo has no such encoder" in notes
    assert "02-sst-only: seed 2 failed (out of memory)" in notes
    assert "11-idle: the paper says \u201cabove .3; the best\u201d" in notes
    assert not any("modest" in note for note in notes)  # it stands in its cell
    assert "dev rows that also stand in train: SST-5 2, STS-B 16" in notes
