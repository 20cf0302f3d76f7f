"""Designs are the textbooks', keep to what is possible, and say truly what they cannot tell apart."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.design_choice import choose, d_optimal, exchange_runs
from experiments.factorial_designs import (
    FRACTIONS,
    Design,
    DesignError,
    Run,
    add_one,
    columns,
    efficiency,
    every_effect,
    fraction,
    fractions,
    full,
    leave_one_out,
    possible,
)
from tests import ROOT

LETTERS = "ABCDEFGHJKL"
NONE: Run = frozenset()


def names(count: int) -> tuple[str, ...]:
    return tuple(LETTERS[:count])


def tabled(count: int, runs: int) -> Design:
    return next(each for each in fractions(names(count), runs) if len(each.runs) == runs)


def lengths(words: Iterable[Sequence[str]]) -> dict[int, int]:
    """How many words there are of each length."""
    return dict(Counter(map(len, words)))


# Montgomery, Design and Analysis of Experiments, table 8.14 and appendix: generators, resolution, defining words,
# alias chains of main effects and two-factor interactions
TEXTBOOK: dict[str, tuple[str, int, str, tuple[str, ...]]] = {
    "2^(4-1)": ("ABC", 4, "ABCD", ("A", "B", "C", "D", "A:B + C:D", "A:C + B:D", "A:D + B:C")),
    "2^(5-2)": (
        "AB AC",
        3,
        "ABD ACE BCDE",
        ("A + B:D + C:E", "B + A:D", "C + A:E", "D + A:B", "E + A:C", "B:C + D:E", "B:E + C:D"),
    ),
    "2^(6-2)": (
        "ABC BCD",
        4,
        "ABCE BCDF ADEF",
        (
            *("A", "B", "C", "D", "E", "F", "A:B + C:E", "A:C + B:E", "A:D + E:F", "A:E + B:C + D:F", "A:F + D:E"),
            *("B:D + C:F", "B:F + C:D"),
        ),
    ),
    "2^(7-4)": (
        "AB AC BC ABC",
        3,
        "ABD ACE BCF DEF AFG BEG CDG BCDE ACDF ABEF ABCG BDFG CEFG ADEG ABCDEFG",
        (
            *("A + B:D + C:E + F:G", "B + A:D + C:F + E:G", "C + A:E + B:F + D:G", "D + A:B + C:G + E:F"),
            *("E + A:C + B:G + D:F", "F + A:G + B:C + D:E", "G + A:F + B:E + C:D"),
        ),
    ),
    "2^(8-4)": (
        "BCD ACD ABC ABD",
        4,
        "BCDE ACDF ABCG ABDH ABEF ADEG ACEH BDFG BCFH CDGH CEFG DEFH AFGH BEGH ABCDEFGH",
        (
            *("A", "B", "C", "D", "E", "F", "G", "H", "A:B + C:G + D:H + E:F", "A:C + B:G + D:F + E:H"),
            *("A:D + B:H + C:F + E:G", "A:E + B:F + C:H + D:G", "A:F + B:E + C:D + G:H", "A:G + B:C + D:E + F:H"),
            "A:H + B:D + C:E + F:G",
        ),
    ),
}


@pytest.mark.parametrize("label", TEXTBOOK)
def test_a_fraction_has_the_textbooks_aliases(label: str) -> None:
    generators, resolution, words, aliases = TEXTBOOK[label]
    count, fewer = int(label[3]), int(label[5])
    result = fraction(
        names(count), dict(zip(names(count)[count - fewer :], map(tuple, generators.split()), strict=True))
    )
    assert len(result.runs) == 2 ** (count - fewer)
    assert result.resolution == resolution
    assert {"".join(word) for word in result.words} == set(words.split())
    assert result.aliases() == aliases
    assert result.clear() == tuple(each for each in aliases if " " not in each)
    assert result == tabled(count, len(result.runs))


# Montgomery's table 8.14: (factors, runs)
RESOLUTIONS = dict(
    zip(
        [
            *((3, 4), (4, 8), (5, 8), (5, 16), (6, 8), (6, 16), (6, 32), (7, 8), (7, 16), (7, 32), (7, 64)),
            *((8, 16), (8, 32), (8, 64), (9, 16), (9, 32), (9, 64), (10, 16), (10, 32), (11, 16), (11, 32)),
        ],
        (3, 4, 3, 5, 3, 4, 6, 3, 4, 4, 7, 4, 4, 5, 3, 4, 4, 3, 4, 3, 4),
        strict=True,
    )
)


def test_the_table_has_the_textbooks_resolutions() -> None:
    tabled_designs = {(count, len(each.runs)): each for count in FRACTIONS for each in fractions(names(count), 64)}
    assert {size: each.resolution for size, each in tabled_designs.items()} == RESOLUTIONS


@pytest.mark.parametrize(("count", "runs"), [size for size in RESOLUTIONS if size[1] <= 16])
def test_a_tabled_fraction_has_the_least_aberration_of_all(count: int, runs: int) -> None:
    def pattern(chosen: Sequence[int]) -> list[int]:
        """How many defining words there are of length 1, 2, ...; a word is factors whose columns cancel."""
        sums = [(0, 0)]  # of every set of columns: their product, how many they are
        for column in chosen:
            sums += [(total ^ column, size + 1) for total, size in sums]
        counts = Counter(size for total, size in sums if not total)
        return [counts[size] for size in range(1, count + 1)]

    base = [1 << place for place in range(runs.bit_length() - 1)]
    rest = [mask for mask in range(1, runs) if mask not in base]
    best = min(pattern([*base, *some]) for some in itertools.combinations(rest, count - len(base)))
    words = lengths(tabled(count, runs).words)
    assert [words.get(size, 0) for size in range(1, count + 1)] == best


@pytest.mark.parametrize(("count", "runs"), RESOLUTIONS)
def test_a_fraction_is_orthogonal_and_has_a_run_with_all_factors_on(count: int, runs: int) -> None:
    result = tabled(count, runs)
    model = columns(result, every_effect(result.names, 1))
    assert (model.T @ model == runs * np.eye(count + 1)).all()
    assert result.efficiency == pytest.approx(1)
    assert frozenset(result.names) in result.runs
    assert len(set(result.runs)) == runs


def test_a_fraction_that_loses_a_main_effect_is_refused() -> None:
    with pytest.raises(DesignError, match="A D has one value in all runs"):
        fraction(names(4), {"D": ("A",)})


def test_a_full_factorial_tells_everything_apart() -> None:
    result = full(names(4))
    assert result.rows[0] == (0, 0, 0, 0)
    assert result.rows == tuple(itertools.product((0, 1), repeat=4))
    assert result.clear(4) == result.aliases(4) == tuple(":".join(e) for e in every_effect(names(4), 4))[1:]
    assert result.words == ()


def test_one_at_a_time_holds_the_interactions_with_what_is_on() -> None:
    assert leave_one_out(names(3)).aliases() == ("A + A:B + A:C", "B + A:B + B:C", "C + A:C + B:C")
    assert add_one(names(3)).aliases() == ("A - A:B - A:C", "B - A:B - B:C", "C - A:C - B:C")
    assert leave_one_out(names(3)).rows == ((0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1))
    assert add_one(names(3)).rows == ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0))


@given(st.integers(2, 5), st.data())
def test_aliases_are_what_a_fit_of_the_main_effects_would_hold(count: int, data: st.DataObject) -> None:
    every = possible(names(count))
    size = data.draw(st.integers(count + 1, len(every)))
    result = d_optimal(names(count), size)
    pair = data.draw(st.sampled_from(list(itertools.combinations(names(count), 2))))
    answer = columns(result, [pair])[:, 0]  # nothing but one interaction
    fitted = np.linalg.lstsq(columns(result, result.model()), answer, rcond=None)[0][1:]
    for effect, line, share in zip(result.model()[1:], result.aliases(), fitted, strict=True):
        if effect == pair:  # enough runs to tell it apart
            assert (line, share) == (":".join(pair), pytest.approx(1))
            continue
        terms = re.findall(r"([+-]) (?:([\d.]+) )?(\S+)", line)
        shares = {other: float(f"{sign}{part or 1}") for sign, part, other in terms}
        assert shares.get(":".join(pair), 0) == pytest.approx(share, abs=0.006)


def brute(count: int, size: int, impossible: Sequence[Run], kept: Sequence[Run]) -> float:
    """The best efficiency of all choices of runs."""
    runs = [*kept, *(run for run in possible(names(count), impossible) if run not in kept)]
    model = np.array([[1, *(1 if name in run else -1 for name in names(count))] for run in runs])
    free = itertools.combinations(range(len(kept), len(runs)), size - len(kept))
    chosen = model[np.array([[*range(len(kept)), *some] for some in free])]  # [choices, size, effects]
    return float(np.linalg.det(chosen.transpose(0, 2, 1) @ chosen).max() ** (1 / (count + 1)) / size)


LONE = [run for run in possible(names(4)) if "D" in run and "C" not in run]  # D needs C
CASES: list[tuple[int, int, list[Run], list[Run]]] = [
    *((3, size, [], []) for size in range(4, 9)),
    *((4, size, [], []) for size in (5, 6, 7, 8, 9)),
    *((4, size, LONE, []) for size in (5, 6, 7, 8)),
    *((4, size, LONE, [NONE, frozenset("ABCD")]) for size in (5, 7, 9)),
    *((5, size, [], [NONE, frozenset("ABCDE")]) for size in (6, 7)),
]


@pytest.mark.parametrize(("count", "size", "impossible", "kept"), CASES)
def test_no_choice_of_runs_is_better_than_the_d_optimal_one(
    count: int, size: int, impossible: list[Run], kept: list[Run]
) -> None:
    result = d_optimal(names(count), size, impossible, kept)
    assert len(set(result.runs)) == size
    assert not set(result.runs) & set(impossible)
    assert set(result.runs) >= set(kept)
    assert result.efficiency == pytest.approx(brute(count, size, impossible, kept), abs=1e-9)


@pytest.mark.parametrize(("count", "runs"), [(3, 4), (5, 8), (6, 8), (7, 8), (6, 16)])
def test_the_exchange_finds_an_orthogonal_design_where_there_is_one(count: int, runs: int) -> None:
    assert d_optimal(names(count), runs).efficiency == pytest.approx(1)


@pytest.mark.parametrize("start", range(8))
def test_an_exchange_stops_where_no_other_one_helps(start: int) -> None:
    model = columns(full(names(5)), every_effect(names(5), 1))
    ends = exchange_runs(model, np.random.default_rng(start).permutation(32)[:9], 0)
    others = np.setdiff1d(np.arange(32), ends)
    swaps = [np.where(ends == out, new, ends) for out in ends for new in others]
    assert max(efficiency(model[swap]) for swap in swaps) <= efficiency(model[ends]) * (1 + 1e-4)


@pytest.mark.parametrize("size", [3, 17])
def test_a_number_of_runs_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(DesignError, match=f"{size} "):
        d_optimal(names(4), size)


def test_a_run_that_is_to_be_kept_must_be_possible() -> None:
    with pytest.raises(DesignError, match="cannot be chosen, 1 of them kept"):
        d_optimal(names(4), 6, LONE, [LONE[0]])


def test_main_effects_that_never_part_are_refused() -> None:
    apart = [run for run in possible(names(3)) if ("A" in run) != ("B" in run)]
    with pytest.raises(DesignError, match="no 4 possible runs tell 3 main effects apart"):
        d_optimal(names(3), 4, apart)


@pytest.mark.parametrize(
    ("count", "budget", "impossible", "kind", "runs", "why"),
    [
        (4, 16, [], "full", 16, "all 16 combinations fit 16 cells a seed"),
        (4, 15, [], "fraction", 8, "16 combinations do not fit 15 cells a seed: the regular fraction of 8 runs, "),
        (5, 16, [], "fraction", 16, "resolution V"),
        (5, 15, [], "fraction", 8, "resolution III"),
        (6, 32, [], "fraction", 32, "resolution VI"),
        (4, 7, [], "D-optimal", 7, "the 7 runs that tell the main effects apart best, 94% of an orthogonal design"),
        (4, 12, LONE, "full", 12, "; 4 of 16 combinations are impossible"),
        (4, 11, LONE, "D-optimal", 11, "and no regular fraction does"),
        (4, 8, [frozenset("ABCD")], "fraction", 8, "resolution IV"),
    ],
)
def test_the_budget_chooses_the_design(
    count: int, budget: int, impossible: list[Run], kind: str, runs: int, why: str
) -> None:
    result = choose(names(count), impossible, budget)
    assert (result.kind, len(result.runs)) == (kind, runs)
    assert why in result.why
    assert "not told apart" not in result.why
    assert not set(result.runs) & set(impossible)


def test_a_d_optimal_choice_has_both_ends() -> None:
    assert {NONE, frozenset(names(6))} <= set(choose(names(6), (), 7).runs)


def test_factors_that_never_part_leave_each_one_out_and_are_named() -> None:
    apart = [run for run in possible(names(4)) if ("A" in run) != ("B" in run)]
    result = choose(names(4), apart, 5)
    assert result.kind == "leave one out"
    assert "no 5 possible runs tell 4 main effects apart" in result.why
    assert result.why.endswith("not told apart: mean + A + B")
    assert not set(result.runs) & set(apart)
    assert choose(names(4), apart, 8).why.endswith("; not told apart: A + B")
    few = [run for run in possible(names(5)) if ("A" in run) != ("B" in run) or len(run) > 3]
    with pytest.raises(DesignError, match="no 6 possible runs tell 5 main effects apart"):
        choose(names(5), few, 6)


def test_a_budget_below_one_run_more_than_factors_is_refused() -> None:
    with pytest.raises(DesignError, match="6 factors take 7 cells a seed or more and the budget is 6; raise it"):
        choose(names(6), (), 6)
    assert choose(names(1), (), 2).kind == "full"
    assert choose((), (), 1).runs == (NONE,)


@given(st.integers(1, 5), st.integers(2, 40), st.data())
def test_a_choice_keeps_to_the_budget_and_to_what_is_possible(count: int, budget: int, data: st.DataObject) -> None:
    every = possible(names(count))
    impossible = data.draw(st.sets(st.sampled_from(every), max_size=len(every) - 1))
    try:
        result = choose(names(count), impossible, budget)
    except DesignError:
        assert budget <= count
        return
    assert 0 < len(result.runs) <= budget
    assert not set(result.runs) & impossible
    assert len(set(result.runs)) == len(result.runs)
    apart = result.efficiency > 0
    assert apart == ("not told apart" not in result.why)


def test_a_choice_is_the_same_in_every_process() -> None:
    code = (
        "from experiments.design_choice import choose\n"
        "from experiments.factorial_designs import possible\n"
        "lone = [run for run in possible('ABCDEF') if 'D' in run and 'C' not in run]\n"
        "print([choose(tuple('ABCDEF'), lone, size).rows for size in (7, 9, 13)])"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].count("((") == 3
