"""What the report says of seeds that were added until something was decided."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from experiments.papers import SUITES
from experiments.suite import Claim, Contrast
from reports.anytime_valid import LEVEL, Anytime, anytime_decision, decide_quickly, family, least
from reports.claim_verdicts import judge
from reports.comparison import Differences
from reports.overview import ANYTIME, of_paper
from reports.results import Runs, SetUp
from reports.statistics.crossed_effects import crossed
from reports.statistics.sequential import Comparison, Items, decide, first_possible, items_of
from tests.reports.results_data import Kept, measured, right, setup
from tests.reports.statistics.experiments import normal

BERTRAM = next(suite for suite in SUITES if suite.slug == "bertram/table1")
BETTER, WORSE, OTHER = "06-smart", "04-all-three", "05-cosine-embedding"


def differences(by_seed: NDArray[np.float64], seeds: tuple[int, ...] = (), blocks: bool = False) -> Differences:
    """Differences [seeds], or of items [seeds, items], on seeds from 0 or on these."""
    values = by_seed.mean(axis=1) if blocks else by_seed
    return Differences(
        seeds or tuple(range(len(values))),
        (by_seed,) if blocks else (),
        (1.0,) if blocks else (),
        tuple(float(value) for value in values),
        {"sst": by_seed.shape[1]} if blocks else {},
    )


@given(seed=st.integers(0, 10_000), margin=st.floats(0.1, 2), items=st.floats(0, 0.5), centre=st.floats(-2, 2))
def test_a_quick_look_finds_what_the_rule_decides(seed: int, margin: float, items: float, centre: float) -> None:
    data = np.random.default_rng(seed).normal(centre, 1, 14)
    for n in (5, 8, 11, 14):
        comparison = Comparison(differences=tuple(map(float, data[:n])), margin=margin, items=Items(items, 99))
        assert decide_quickly(comparison, 3) == decide(comparison, family=3)


@given(seed=st.integers(0, 10_000), centre=st.floats(-0.4, 0.4))
def test_it_is_the_first_decision_over_all_seeds_in_order(seed: int, centre: float) -> None:
    block = normal(np.random.default_rng(seed), (14, 60), 0.01, 0.02, 0.5) + centre
    looks = [
        decide(
            Comparison(
                differences=tuple(map(float, block[:n].mean(axis=1))),
                margin=0.2,
                items=items_of(crossed([block[:n]], most=(1.0,))),
            ),
            family=2,
        )
        for n in range(1, 15)
    ]
    assert anytime_decision(differences(block, blocks=True), 0.2, 2) == next(filter(None, looks), "undecided")


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ((0, 1, 2, 3, 4, 5), "higher"),
        ((0, 1, 2, 3, 4, 5, 7, 8), "higher"),  # decided before the gap
        ((0, 1, 2, 3, 4), ""),  # too few
        ((1, 2, 3, 4, 5, 6, 7), ""),
        ((0, 1, 2, 4, 5, 6, 7, 8), ""),
    ],
)
def test_seeds_count_from_0_to_the_first_that_is_missing(seeds: tuple[int, ...], expected: Anytime) -> None:
    assert anytime_decision(differences(1 + 0.01 * np.arange(len(seeds)), seeds), 0.01, 1) == expected


def test_a_gap_before_a_decision_leaves_nothing_to_say() -> None:
    values = np.random.default_rng(0).normal(0, 1, 9)
    assert anytime_decision(differences(values), 0.01, 1) == "undecided"
    assert anytime_decision(differences(values, (0, 1, 2, 3, 4, 5, 6, 7, 9)), 0.01, 1) == ""


@pytest.mark.parametrize(("items", "of"), [(False, 1), (True, 1), (False, 8), (True, 30)])
def test_the_fewest_seeds_are_those_of_the_seeds_share_of_the_error(items: bool, of: int) -> None:
    assert least(items, of) == first_possible((1 - LEVEL) * (0.8 if items else 1) / of)


def evidence(seeds: int, **shares: float) -> SetUp:
    drawn, reader = np.random.default_rng(0), Kept()
    labels = drawn.integers(0, 2, 1500).astype(float)

    def row(name: str, share: float) -> Runs:
        answers = {
            seed: {"sst": (right(labels, (drawn.random(1500) < share).astype(float)), labels)} for seed in range(seeds)
        }
        return measured(BERTRAM, BERTRAM.row(name), answers, reader)

    return setup([row(name.replace("_", "-")[1:], share) for name, share in shares.items()])


def claim(*pairs: tuple[str, str], as_wholes: bool = False) -> Claim:
    contrasts = tuple(Contrast(better=better, worse=worse, metric="sst_accuracy") for better, worse in pairs)
    return Claim(name="c", says="It helps.", contrasts=contrasts, margin=0.05, as_wholes=as_wholes)


def test_the_family_is_the_clean_contrasts_that_were_run_each_once() -> None:
    rows = evidence(1, _06_smart=0.6, _04_all_three=0.6, _05_cosine_embedding=0.6, _12_combined=0.6).rows
    pairs = [(BETTER, WORSE), (WORSE, BETTER), (OTHER, WORSE), ("12-combined", WORSE), ("11-mse", WORSE)]
    assert family(rows, [(BERTRAM, claim(*pairs)), (BERTRAM, claim((BETTER, WORSE)))]) == 2
    assert family(rows, [(BERTRAM, claim(("12-combined", WORSE), as_wholes=True))]) == 1


def test_the_report_has_it_as_a_word_a_column_and_one_sentence() -> None:
    judged = {}
    for seeds in (3, 9):
        suite = dataclasses.replace(BERTRAM, claims=(claim((BETTER, WORSE), (OTHER, WORSE), ("12-combined", OTHER)),))
        shares = {"_06_smart": 0.8, "_04_all_three": 0.5, "_05_cosine_embedding": 0.5, "_12_combined": 0.8}
        results = evidence(seeds, **shares)
        judged[seeds] = of_paper(results, "bertram", judge(results, [suite]))
    few, many = ([record["anytime"] for record in judged[seeds].records] for seeds in (3, 9))
    assert few == ["", "", ""]  # too few seeds to decide anything
    assert many == ["higher", "equivalent", ""]  # the last is confounded
    higher, equivalent, confounded = (row[1].below for row in judged[9].body[1:])
    assert "anytime: higher" in higher and "anytime: equivalent" in equivalent and "anytime" not in confounded
    assert all(grid.notes.count(ANYTIME) == 1 for grid in judged.values())
