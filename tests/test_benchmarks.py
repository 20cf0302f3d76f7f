"""The benchmarks' statistics, verdicts and files. What they measure is no test's business: nothing here asks how long
something took."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import SUBJECTS, Measure, main, measures
from benchmarks.ratio import Bound, Failed, Figure, Skipped, alternate, interval, ratios
from benchmarks.settings import Settings
from tests import ROOT

AT_MOST = Bound("a step", "a plain step", "at most", 1.5)
AT_LEAST = Bound("items/s", "a peer's", "at least", 1.5)


def measure_giving(bound: Bound, *values: float) -> Measure:
    """A subject that gives these ratios."""

    def run(settings: Settings) -> Sequence[Figure]:
        return [Figure(bound, values)]

    return Measure((bound,), run)


def broken(error: Exception) -> Measure:
    def run(settings: Settings) -> Sequence[Figure]:
        raise error

    return Measure((AT_MOST, AT_LEAST), run)


def results(folder: Path, subjects: dict[str, Measure]) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and results.json of these subjects."""
    code = main(["--out", str(folder / "results.json")], subjects)
    return code, json.loads((folder / "results.json").read_text(encoding="utf-8"))


# k and coverage from the binomial distribution: the table of Conover 1999 and every textbook
@pytest.mark.parametrize(
    ("n", "low", "high", "coverage"),
    [
        (1, 1, 1, 0.0),
        (2, 1, 2, 0.5),
        (5, 1, 5, 0.9375),
        (6, 1, 6, 0.96875),
        (8, 1, 8, 0.9921875),
        (9, 2, 8, 0.9609375),
        (12, 3, 10, 0.96142578125),
        (20, 6, 15, 0.95861053466796875),
    ],
)
def test_the_interval_is_the_narrowest_pair_of_order_statistics(
    n: int, low: float, high: float, coverage: float
) -> None:
    spread = interval([float((7 * i) % n + 1) if n % 7 else float(i + 1) for i in range(n)])  # 1..n, shuffled
    assert (spread.low, spread.high) == (low, high)
    assert spread.coverage == pytest.approx(coverage, abs=1e-12)


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([2.0, 9.0], [1.0, 3.0]) == (2.0, 3.0)
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


def test_rounds_go_forwards_and_backwards_by_turns_and_the_warm_up_is_dropped() -> None:
    calls: list[str] = []

    def contender(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    contenders = {"a": lambda: contender("a"), "b": lambda: contender("b")}
    numbers = alternate(contenders, rounds=2, warm_up=2, report=lambda line: None)
    assert calls == ["a", "b", "b", "a"] * 2
    assert numbers == {"a": [5.0, 8.0], "b": [6.0, 7.0]}


@pytest.mark.parametrize(
    ("bound", "values", "ok"),
    [
        (AT_MOST, (1.0, 1.5, 9.0), True),
        (AT_MOST, (1.0, 1.51, 1.52), False),
        (AT_LEAST, (0.1, 1.5, 2.0), True),
        (AT_LEAST, (1.4, 1.49, 2.0), False),
    ],
)
def test_the_median_is_held_to_the_bound_in_its_sense(bound: Bound, values: tuple[float, ...], ok: bool) -> None:
    assert Figure(bound, values).ok is ok


def test_a_missed_bound_ends_the_command_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, entries = results(tmp_path, {"good": measure_giving(AT_MOST, 1.0), "bad": measure_giving(AT_LEAST, 1.0)})
    assert code == 1
    assert [each["ok"] for each in entries] == [True, False]
    assert "missed" in capsys.readouterr().out


def test_held_and_skipped_bounds_end_it_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, entries = results(
        tmp_path, {"good": measure_giving(AT_LEAST, 2.0), "not here": broken(Skipped("no such CPU"))}
    )
    assert code == 0
    assert [each["ok"] for each in entries] == [True, None, None]
    assert [each["skipped"] for each in entries] == [None, "no such CPU", "no such CPU"]
    assert "skipped: no such CPU" in capsys.readouterr().out


def test_one_round_has_no_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results(tmp_path, {"once": measure_giving(AT_MOST, 1.0), "twice": measure_giving(AT_MOST, 1.0, 1.2)})
    _, once, twice = capsys.readouterr().out.strip().splitlines()[-3:]
    assert "one round" in once
    assert "1.000 to 1.200 (50%)" in twice


def test_a_measure_that_breaks_off_is_told_and_leaves_the_others(tmp_path: Path) -> None:
    code, entries = results(tmp_path, {"broken": broken(Failed("it fell over")), "good": measure_giving(AT_MOST, 1.0)})
    assert code == 1
    assert [(each["ok"], each["ratio"], each["failed"]) for each in entries] == [
        (False, None, "it fell over"),
        (False, None, "it fell over"),
        (True, 1.0, None),
    ]


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["smothness"])
    assert "there is no benchmark smothness; choose from combining, smoothness" in capsys.readouterr().err


def test_every_figure_has_a_name_of_its_own() -> None:
    names = [bound.name for measure in measures(SUBJECTS).values() for bound in measure.bounds]
    assert len(names) == len(set(names))


def test_the_quick_command_writes_every_figure_of_what_was_asked(tmp_path: Path) -> None:
    names = ["smoothness", "frozen", "overhead"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *names, "--quick", "--out", str(tmp_path / "results.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    entries = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in entries] == [
        bound.name for measure in measures(names).values() for bound in measure.bounds
    ]
    assert done.returncode == int(not all(each["ok"] for each in entries)), done.stderr
    for each in entries:
        assert each["failed"] is None and each["skipped"] is None
        low, high = each["interval"]
        assert 0 < low <= each["ratio"] <= high
        assert each["repeats"] == len(each["ratios"])
        assert each["quick"] is True and each["data"] == "embedded"
        assert {"torch", "transformers", "numpy"} <= each["versions"].keys()
        assert each["name"] in done.stdout
