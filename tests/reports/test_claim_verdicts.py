"""Verdicts: the truth is known, and under the null hardly any claim is decided."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.papers import SUITES
from experiments.suite import Claim, Contrast, Row, Suite
from reports.claim_verdicts import ClaimVerdict, Verdict, alone, judge
from reports.results import Items, Runs, SetUp
from reports.statistics.correlation import pseudo_values
from tests.reports.results_data import Kept, example_seed, measured, right, setup

FULL = os.environ.get("HARNESS_TEST_COUNTS") == "full"
BERTRAM = next(suite for suite in SUITES if suite.slug == "bertram/table1")
BASE, CHANGED = BERTRAM.row("04-all-three"), BERTRAM.row("06-smart")
ITEMS = 1500


def suite_of(*contrasts: Contrast, margin: float = 0.05) -> Suite:
    return dataclasses.replace(BERTRAM, claims=(Claim(name="c", says="It helps.", contrasts=contrasts, margin=margin),))


def sst(sign: int = 1, better: str = "06-smart", worse: str = "04-all-three") -> Contrast:
    return Contrast(better=better, worse=worse, metric="sst_accuracy", sign=sign)  # type: ignore[arg-type]


def answers(drawn: np.random.Generator, labels: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    correct = (drawn.random(len(labels)) < share).astype(float)
    return right(labels, correct)


def make_evidence(shares: Mapping[str, float], seeds: int, suite: Suite = BERTRAM) -> SetUp:
    """Rows whose seeds are right on this share of the items, apart from chance."""
    drawn, reader = np.random.default_rng(0), Kept()
    labels = drawn.integers(0, 2, ITEMS).astype(float)
    rows = [
        measured(
            suite,
            suite.row(name),
            {seed: {"sst": (answers(drawn, labels, share), labels)} for seed in range(seeds)},
            reader,
        )
        for name, share in shares.items()
    ]
    return setup(rows)


def verdict(evidence: SetUp, *contrasts: Contrast, margin: float = 0.05) -> ClaimVerdict:
    (judged,) = judge(evidence, [suite_of(*contrasts, margin=margin)])
    return judged


@pytest.mark.parametrize(
    ("shares", "seeds", "sign", "expected"),
    [
        ((0.8, 0.5), 6, 1, "reproduced"),
        ((0.5, 0.8), 6, 1, "contradicted"),
        ((0.5, 0.8), 6, -1, "reproduced"),
        ((0.6, 0.6), 6, 1, "equivalent"),
        ((0.6, 0.6), 6, 0, "reproduced"),
        ((0.8, 0.5), 6, 0, "contradicted"),
        ((0.6, 0.6), 2, 1, "underpowered"),
        ((0.8, 0.5), 1, 1, "underpowered"),
    ],
)
def test_a_known_truth_gets_its_verdict(shares: tuple[float, float], seeds: int, sign: int, expected: Verdict) -> None:
    evidence = make_evidence(dict(zip(("06-smart", "04-all-three"), shares, strict=True)), seeds)
    assert verdict(evidence, sst(sign)).verdict == expected


def test_a_claim_needs_all_of_its_contrasts() -> None:
    shares = {"06-smart": 0.8, "04-all-three": 0.5, "05-cosine-embedding": 0.8}
    evidence = make_evidence(shares, 6)
    against = Contrast(better="05-cosine-embedding", worse="04-all-three", metric="sst_accuracy", sign=-1)
    assert verdict(evidence, sst()).verdict == "reproduced"
    assert verdict(evidence, sst(), against).verdict == "contradicted"
    absent = sst(better="11-mse", worse="10-20-epochs")
    assert verdict(evidence, sst(), absent).verdict == "not run"
    assert verdict(evidence, absent).verdict == "not run"


def test_rows_that_differ_on_several_axes_credit_no_change() -> None:
    evidence = make_evidence({"12-combined": 0.8, "11-mse": 0.5, "06-smart": 0.8, "04-all-three": 0.5}, 6)
    mixed = sst(better="12-combined", worse="11-mse")
    assert verdict(evidence, mixed).verdict == "confounded"
    assert verdict(evidence, mixed, sst()).verdict == "reproduced"  # decided by the clean contrast
    (tested,) = verdict(evidence, mixed).tested
    assert tested.comparison.estimate is not None and tested.comparison.axes


def test_an_undecided_contrast_says_how_many_seeds_it_would_take() -> None:
    judged = verdict(make_evidence({"06-smart": 0.62, "04-all-three": 0.6}, 3), sst(), margin=0.01)
    (tested,) = judged.tested
    assert judged.verdict == "underpowered"
    assert tested.needed is None or tested.needed > 3
    assert "seeds" in judged.why


def test_items_that_are_not_the_same_decide_nothing() -> None:
    evidence = make_evidence({"06-smart": 0.8, "04-all-three": 0.5}, 6)
    reader = evidence.rows[f"{BERTRAM.slug}/06-smart"].reader
    assert isinstance(reader, Kept)
    for run, table in list(reader.tables.items()):
        if "06-smart" in run:
            reader.tables[run] = table.iloc[:-1]
    judged = verdict(evidence, sst())
    assert judged.verdict == "not run"
    assert "did not score the same" in judged.tested[0].comparison.reason


@pytest.mark.parametrize(
    ("agree", "differ", "same", "expected"),
    [
        (0.01, 1.0, 1.0, "as claimed"),
        (0.01, 1.0, 0.01, "as claimed"),
        (1.0, 0.01, 0.01, "other way round"),
        (0.5, 1.0, 0.01, "below margin"),
        (0.5, 1.0, 0.5, "undecided"),
    ],
)
def test_what_a_contrast_says_alone(agree: float, differ: float, same: float, expected: str) -> None:
    assert alone(agree, differ, same) == expected


def test_claims_of_one_paper_are_corrected_together() -> None:
    evidence = make_evidence({"06-smart": 0.63, "04-all-three": 0.6}, 4)
    one = Claim(name="a", says="It helps.", contrasts=(sst(),), margin=0.001)
    others = tuple(dataclasses.replace(one, name=name, contrasts=(sst(worse="05-cosine-embedding"),)) for name in "bcd")
    (alone_,) = judge(evidence, [dataclasses.replace(BERTRAM, claims=(one,))])
    first, *_ = judge(evidence, [dataclasses.replace(BERTRAM, claims=(one, *others))])
    assert alone_.p is not None and first.p == pytest.approx(min(1.0, 4 * alone_.p))


class Null:
    """Rows of a paper that are all the same but for chance: seed luck, item difficulty, and the rest."""

    def __init__(self, seed: int) -> None:
        self.drawn = np.random.default_rng(seed)

    def rows(self, rows: Sequence[tuple[Suite, Row]], seeds: int, luck: float, difficulty: float) -> SetUp:
        """``luck`` and ``difficulty`` are standard deviations of a row's hidden skill by seed and by item, beside 1."""
        noise = {"sst": 400, "quora": 600, "sts": 250}
        gold = self.drawn.uniform(0, 5, noise["sts"])
        return setup([self.row(suite, row, seeds, luck, difficulty, noise, gold) for suite, row in rows])

    def row(
        self,
        suite: Suite,
        row: Row,
        seeds: int,
        luck: float,
        difficulty: float,
        counts: Mapping[str, int],
        gold: NDArray[np.float64],
    ) -> Runs:
        items: dict[str, Items] = {}
        for task, count in counts.items():
            hidden = self.drawn.normal(0, luck, (seeds, 1)) + self.drawn.normal(0, difficulty, (1, count))
            hidden = hidden + self.drawn.normal(0, 1, (seeds, count))
            if task == "sts":
                values = np.stack([pseudo_values(gold + 2 * each, gold) for each in hidden])
            else:
                values = (hidden > 0).astype(float)
            names = tuple(map(str, range(count)))
            items[task] = Items(tuple(range(seeds)), names, np.zeros(count), values)
        sst, quora, sts = (items[task].values.mean(axis=1) for task in counts)
        records = [
            example_seed(
                seed,
                f"{row.name}{seed}",
                f"{row.name}{seed}",
                {"sst_accuracy": sst[seed], "quora_accuracy": quora[seed], "sts_pearson": sts[seed]}
                | {"overall": (sst[seed] + quora[seed] + (sts[seed] + 1) / 2) / 3},
                (),
            )
            for seed in range(seeds)
        ]
        runs = Runs(suite, row, records, Kept())
        runs.__dict__["_read"] = (items, {})
        return runs


@pytest.mark.parametrize("seeds", [2, 3, 6])
@pytest.mark.parametrize(("luck", "difficulty"), [(0.3, 0.3), (0.05, 0.6), (0.0, 0.0)])
def test_under_the_null_at_most_one_paper_in_twenty_has_a_decided_claim(
    seeds: int, luck: float, difficulty: float
) -> None:
    claims = [contrast for claim in BERTRAM.claims for contrast in claim.contrasts if contrast.sign]
    names = {name if "/" in name else f"{BERTRAM.slug}/{name}" for each in claims for name in (each.better, each.worse)}
    rows = [(suite, row) for suite in SUITES for row in suite.rows if f"{suite.slug}/{row.name}" in names]
    rows = [(suite, row) for suite, row in rows if row.split == "dev"]
    papers, null = 400 if FULL else 20, Null(int(seeds * 1000 + luck * 100))
    wrong = 0
    for _ in range(papers):
        judged = judge(null.rows(rows, seeds, luck, difficulty), [BERTRAM])
        wrong += any(each.verdict in ("reproduced", "contradicted") for each in judged)
    assert wrong <= (0.05 * papers + 2 * (0.05 * 0.95 * papers) ** 0.5 if FULL else 4)


def test_a_stated_effect_is_found_with_the_stated_power() -> None:
    """.1 of accuracy on 1,000 items with six seeds that are .02 apart: decided in most experiments."""
    drawn, count, papers = np.random.default_rng(1), 0, 200 if FULL else 40
    for _ in range(papers):
        reader, labels = Kept(), drawn.integers(0, 2, 1000).astype(float)
        rows = [
            measured(
                BERTRAM,
                row,
                {seed: {"sst": (answers(drawn, labels, share + drawn.normal(0, 0.02)), labels)} for seed in range(6)},
                reader,
            )
            for row, share in ((CHANGED, 0.6), (BASE, 0.5))
        ]
        count += verdict(setup(rows), sst()).verdict == "reproduced"
    assert count >= 0.9 * papers


@pytest.mark.parametrize(
    ("seeds", "items", "words"), [(2, 400, "2 seeds are too few"), (6, 5, "5 items of sst are too")]
)
def test_too_few_seeds_or_items_decide_nothing_and_say_so(seeds: int, items: int, words: str) -> None:
    labels = np.arange(items) % 2.0
    drawn = np.random.default_rng(3)
    rows = []
    reader = Kept()
    for name, share in (("06-smart", 1.0), ("04-all-three", 0.1)):
        by_seed = {seed: {"sst": (answers(drawn, labels, share), labels)} for seed in range(seeds)}
        rows.append(measured(BERTRAM, BERTRAM.row(name), by_seed, reader))
    judged = verdict(setup(rows), sst())
    assert judged.verdict == "underpowered" and words in judged.why


@pytest.mark.parametrize(("items", "expected"), [(2, "underpowered"), (50, "underpowered"), (400, "equivalent")])
def test_rows_of_which_no_item_differs_are_equivalent_from_enough_items_on(items: int, expected: Verdict) -> None:
    labels = np.arange(items) % 2.0
    reader = Kept()
    rows = [
        measured(BERTRAM, BERTRAM.row(name), {seed: {"sst": (labels, labels)} for seed in range(3)}, reader)
        for name in ("06-smart", "04-all-three")
    ]
    judged = verdict(setup(rows), sst(), margin=0.01)
    assert judged.verdict == expected and judged.tested[0].agree == 1.0
