"""A value that cannot be drawn is written in words where it would have stood."""

from __future__ import annotations

import math

from reports.figures.confusion import Confusion, confusion
from reports.figures.estimates import Band, Estimate
from reports.figures.forest import Effect, forest
from reports.figures.generalization_gap import Gap, gap
from reports.figures.gradient_conflict import Conflict, conflict
from reports.figures.learning_curves import Curve, curves
from reports.figures.pareto import Point, pareto
from reports.figures.printed_vs_ours import Printed, printed
from reports.figures.scatter import Pairs, scatter
from tests.reports.figures.drawing import words

NONE, CONST, GOOD = Estimate(None), Estimate(math.nan), Estimate(0.5, 0.4, 0.6)
BAND = Band((1.0, 2.0), (0.4, 0.5), (0.3, 0.4), (0.5, 0.6))
FLAT = Band((1.0, 2.0), (math.nan, math.nan))


def test_forest_says_not_run_const_and_absent() -> None:
    effects = [
        Effect(row="a", metric="x", mean=None),
        Effect(row="b", metric="x", mean=math.nan),
        Effect(row="a", metric="y", mean=0.1, low=0.0, high=0.2),
    ]
    seen = words(forest(effects)[0])
    assert [seen.count(word) for word in ("not run", "const", "absent")] == [1, 1, 1]
    assert ".100" in seen


def test_gap_says_which_value_is_missing_beside_the_other() -> None:
    gaps = [
        Gap(row="a", metric="x", train=NONE, dev=GOOD),
        Gap(row="b", metric="x", train=GOOD, dev=CONST),
        Gap(row="c", metric="x", train=NONE, dev=CONST),
    ]
    seen = words(gap(gaps)[0])
    assert [seen.count(word) for word in ("not run", "const", "not run / const")] == [1, 1, 1]


def test_curves_keep_a_panel_for_rows_without_a_curve() -> None:
    lines = [
        Curve(row="base", dev=BAND),
        Curve(row="later"),
        Curve(row="flat", dev=FLAT),
        Curve(row="half", train=BAND),
    ]
    seen = words(curves("m", lines, base="base")[0])
    assert {"later", "flat", "half", "not run", "const", "dev not run"} <= set(seen)


def test_conflict_is_none_where_no_row_has_a_signal() -> None:
    assert conflict([Conflict(row="a"), Conflict(row="b")]) is None


def test_conflict_says_absent_for_a_row_without_a_signal() -> None:
    (figure,) = conflict([Conflict(row="a"), Conflict(row="b", share=BAND, cosine=FLAT)]) or []
    seen = words(figure)
    assert (seen.count("absent"), seen.count("const")) == (2, 1)


def test_pareto_lists_rows_it_cannot_place() -> None:
    few = [Point(row="a", x=GOOD, y=GOOD), Point(row="b", x=GOOD, y=NONE)]
    assert {"a", "b: not run"} <= set(words(pareto(few, "x", "y")))
    many = [Point(row=f"row-{i}", x=GOOD, y=GOOD if i else CONST) for i in range(9)]
    seen = words(pareto(many, "x", "y"))
    assert "row-0 (const)" in seen
    assert seen.count("1") == 1  # in the key alone


def test_pareto_without_a_point_says_so() -> None:
    assert "no row has both scores" in words(pareto([Point(row="a", x=NONE, y=GOOD)], "x", "y"))


def test_printed_lists_rows_it_cannot_place() -> None:
    cells = [
        Printed(row="a", metric="m", printed=0.5, ours=GOOD),
        Printed(row="b", metric="m", printed=None, ours=GOOD),
        Printed(row="c", metric="m", printed=0.5, ours=NONE),
        Printed(row="d", metric="m", printed=0.5, ours=CONST),
    ]
    seen = " ".join(words(printed(cells)[0])).replace("\u00a0", " ")
    assert "not printed: 2; not run: 3; const: 4" in seen


def test_confusion_hatches_a_class_without_items() -> None:
    figure = confusion(Confusion(row="a", task="t", classes=("no", "yes"), counts=((0, 0), (1, 3))))
    seen = words(figure)
    assert {"no items", ".250", ".750"} <= set(seen)
    assert sum(patch.get_hatch() is not None for patch in figure.axes[0].patches) == 2


def test_scatter_counts_pairs_left_out_and_names_a_missing_r() -> None:
    seen = words(scatter(Pairs(row="a", gold=(1.0, 2.0), predicted=(1.0, math.nan), r=math.nan)))
    assert "a   r = const" in seen
    assert any("1 not finite, left out" in text for text in seen)
    assert "no pairs" in words(scatter(Pairs(row="a", gold=(), predicted=())))
