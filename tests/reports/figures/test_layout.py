"""No figure clips a text, writes one over another, or outgrows its page, whatever it is given."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.figures import style
from reports.figures.confusion import Confusion, confusion
from reports.figures.forest import Effect, forest
from reports.figures.generalization_gap import Gap, gap
from reports.figures.gradient_conflict import Conflict, conflict
from reports.figures.learning_curves import Curve, curves
from reports.figures.pareto import NAMED, Point, pareto
from reports.figures.printed_vs_ours import Printed, Tau, printed
from reports.figures.scatter import Pairs, scatter
from tests.reports.figures.drawing import METRICS, all_faults, bands, estimates, faults, row_names, words

counts = st.integers(1, 32)
few = settings(max_examples=8, deadline=None, derandomize=True)


@few
@given(st.data(), counts, st.integers(1, 6))
def test_forest(data: st.DataObject, count: int, metrics: int) -> None:
    effects = []
    for name in row_names(count):
        for metric in (*METRICS, "Quora F1", "SST macro F1")[:metrics]:
            value = data.draw(estimates(-0.1, 0.1))
            printed = data.draw(st.one_of(st.none(), st.floats(-0.1, 0.1)))
            effect = Effect(
                row=name,
                metric=metric,
                mean=value.mean,
                low=value.low,
                high=value.high,
                supported=data.draw(st.booleans()),
                printed=printed,
                confounded=data.draw(st.booleans()),
            )
            effects.append(effect)
    assert all_faults(forest(effects)) == []


@few
@given(st.data(), counts, st.integers(1, 5))
def test_gap(data: st.DataObject, count: int, metrics: int) -> None:
    gaps = [
        Gap(row=name, metric=metric, train=data.draw(estimates()), dev=data.draw(estimates()))
        for name in row_names(count)
        for metric in (*METRICS, "Quora F1")[:metrics]
    ]
    assert all_faults(gap(gaps)) == []


@few
@given(st.data(), counts)
def test_curves(data: st.DataObject, count: int) -> None:
    names = row_names(count)
    lines = [Curve(row=name, dev=data.draw(bands()), train=data.draw(bands()), selected=(1.0, 3.0)) for name in names]
    assert all_faults(curves("SST accuracy", lines, base=names[0])) == []


@few
@given(st.data(), counts)
def test_conflict(data: st.DataObject, count: int) -> None:
    lines = [Conflict(row=n, share=data.draw(bands()), cosine=data.draw(bands())) for n in row_names(count)]
    assert all_faults(conflict(lines) or []) == []


@few
@given(st.data(), counts)
def test_pareto(data: st.DataObject, count: int) -> None:
    points = [Point(row=n, x=data.draw(estimates()), y=data.draw(estimates())) for n in row_names(count)]
    figure = pareto(points, "SST accuracy", "STS Pearson r")
    assert faults(figure) == []
    if count > NAMED:
        drawn = sum(not point.missing for point in points)
        assert sum(text.isdecimal() for text in words(figure)) >= count + drawn  # in the key, and at the points


@few
@given(st.data(), counts, st.integers(1, 5))
def test_printed(data: st.DataObject, count: int, metrics: int) -> None:
    scores = st.one_of(st.none(), st.just(0.5), st.floats(-0.1, 1.0))
    cells = [
        Printed(row=name, metric=metric, printed=data.draw(scores), ours=data.draw(estimates()))
        for name in row_names(count)
        for metric in (*METRICS, "Quora F1")[:metrics]
    ]
    taus = {"SST accuracy": Tau(value=0.61, low=-0.2, high=0.93)}
    assert all_faults(printed(cells, taus)) == []


@few
@given(st.data(), st.integers(2, 7), st.booleans())
def test_confusion(data: st.DataObject, count: int, long: bool) -> None:
    line = st.tuples(*[st.one_of(st.just(0), st.integers(0, 40_000))] * count)
    counts = tuple(data.draw(line) for _ in range(count))
    classes = tuple(f"somewhat more than {i}" if long else str(i) for i in range(count))
    matrix = Confusion(row=row_names(4)[3], task="SST", classes=classes, counts=counts)
    assert faults(confusion(matrix)) == []


@few
@given(st.lists(st.tuples(st.floats(0, 5), st.one_of(st.floats(-3, 8), st.just(float("nan")))), max_size=20))
def test_scatter(values: list[tuple[float, float]]) -> None:
    gold, predicted = tuple(v[0] for v in values), tuple(v[1] for v in values)
    assert faults(scatter(Pairs(row=row_names(4)[3], gold=gold, predicted=predicted, r=0.873))) == []


def test_faults_are_found() -> None:
    figure = style.sheet(2, 1)
    for x, word in ((0.5, "one"), (0.55, "two"), (1.95, "three")):
        style.write(figure, x, 0.5, word)
    assert faults(figure) == ["'three' is cut off", "'one' over 'two'"]
    assert faults(style.sheet(1, 9)) == ["9.00 in high"]


def test_forty_rows_and_more_are_split_over_pages_of_like_length() -> None:
    effects = [Effect(row=f"row-{i}", metric="SST accuracy", mean=0.01, low=0.0, high=0.02) for i in range(80)]
    figures = forest(effects)
    heights = [float(figure.get_size_inches()[1]) for figure in figures]
    assert len(figures) == 3
    assert max(heights) - min(heights) < 0.25
