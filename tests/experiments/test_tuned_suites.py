"""Winners become rows that stand beside what they have to beat, and claims that get a verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from experiments.papers import SUITES
from experiments.search_space import Value
from experiments.studies import STUDIES
from experiments.suite import RegistryError, Suite, axes_changed, overall
from experiments.tuned_suites import Winner, suite
from model.declaration import SettingError
from model.recipe import recipe_digest
from model.selection import LastEpoch
from reports.claim_verdicts import ClaimVerdict, Verdict, judge
from reports.results import SetUp
from tests.reports.made import Kept, measured, right, setup

ROWS = {f"{each.slug}/{row.name}": (each, row) for each in SUITES for row in each.rows}
SMART_ROW = STUDIES["smart"].row
SMART_FOUND = {"lambda_s": 3.0, "mu": 0.25, "epsilon": 1e-2, "eta": 1e-2, "sigma": 1e-4, "lr": 2.5e-5}


def winner(study: str = "smart", params: Mapping[str, Value] | None = None, row: str = SMART_ROW) -> Winner:
    """A made one."""
    values = params or (SMART_FOUND if study == "smart" else STUDIES[study].starts[0].params)
    return Winner(
        study=study,
        row=row,
        trial=17,
        trials=40,
        metric="overall",
        value=0.5123456789012345,
        sampler="tpe",
        sampler_seed=3,
        pruner="median",
        seed=0,
        profile="demo",
        data="0123456789abcdef",
        encoder="tiny",
        cost=1234.5,
        unit="CPU-seconds",
        version="0.1.0",
        revision="abc1234",
        date="2026-01-31",
        params=values,
    )


BASELINE = winner("baseline", {"lr": 5e-5, "dropout": 0.1, "weight_decay": 0.01})
TUNED = suite("smart", ROWS[SMART_ROW], [winner(), BASELINE])


def test_rows_are_the_untouched_one_the_starts_and_the_winners() -> None:
    home, row = ROWS[SMART_ROW]
    assert TUNED.slug == "tuned/smart"
    assert [each.name for each in TUNED.rows] == ["untuned", "smooth-valleys", "bertram", "tuned", "tuned-baseline"]
    assert {TUNED.origin, *(each.origin for each in TUNED.rows)} == {"ours"}
    assert TUNED.recipe(TUNED.row("untuned")) == home.recipe(row)
    assert (TUNED.columns, TUNED.formula, TUNED.selection) == (home.columns, home.formula, home.selection)
    tuned = TUNED.recipe(TUNED.row("tuned"))
    assert {part.slug: part.weight for part in tuned.regularizers} == {"smart": 3.0, "momentum_proximal": 0.25}
    assert tuned.optimizer.rate == 2.5e-5
    baseline = TUNED.recipe(TUNED.row("tuned-baseline"))
    assert (baseline.optimizer.weight_decay, baseline.regularizers) == (0.01, ())


def test_a_row_of_another_selection_and_split_keeps_them() -> None:
    home, row = ROWS["bertram/table1/13-combined-test"]
    row = dataclasses.replace(row, selection=LastEpoch(), fixes_encoder=True)
    tuned = suite("baseline", (home, row), [BASELINE])
    assert {(each.split, tuned.selection_of(each), each.fixes_encoder) for each in tuned.rows} == {
        ("test", LastEpoch(), True)
    }


def test_notes_tell_how_a_winner_was_found_and_where_a_start_is_printed() -> None:
    (note,) = TUNED.row("tuned").notes
    for text in (
        "Trial 17 of 40",
        "tpe with seed 3",
        "median",
        "overall 0.512",
        "seed 0",
        "demo",
        "1,234 CPU-seconds",
    ):
        assert text in note
    assert note.endswith("2026-01-31.")
    assert TUNED.row("bertram").notes == (STUDIES["smart"].starts[1].says,)


def test_a_setting_of_the_row_keeps_its_mark_and_a_tuned_one_is_ours() -> None:
    home, row = ROWS[SMART_ROW]
    tuned = TUNED.row("tuned")
    for path in ("quora.rows", "dropout", "optimizer.weight_decay", "schedule.order"):
        assert TUNED.mark(tuned, path) == home.mark(row, path)
    assert {home.mark(row, path) for path in ("quora.rows", "optimizer.weight_decay")} == {"printed", "starter"}
    assert TUNED.mark(TUNED.row("untuned"), "optimizer.rate") == home.mark(row, "optimizer.rate") == "printed"
    for path in ("optimizer.rate", "smart.radius", "momentum_proximal.weight"):
        assert TUNED.mark(tuned, path) == "ours"


def test_changes_are_named_apart_and_none_is_idle() -> None:
    rows = [row for each in (TUNED, suite("baseline", ROWS[SMART_ROW], [BASELINE])) for row in each.rows]
    changes = [change for row in rows for change in row.changes]
    assert len({change.name for change in changes}) == len(changes)
    assert [change.name for change in TUNED.row("bertram").changes] == ["smart-bertram-smart", "smart-bertram-bppo"]
    for row in TUNED.rows[1:]:
        recipe = TUNED.base
        for change in row.changes:
            before, recipe = recipe, change.apply(recipe)
            assert recipe_digest(before) != recipe_digest(recipe)


def test_parameters_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RegistryError, match="the study seeks"):
        suite("smart", ROWS[SMART_ROW], [winner(params=SMART_FOUND | {"mu": 1e9})])
    with pytest.raises(SettingError, match="no setting 'quora'"):
        suite("pcgrad", ROWS["smooth-valleys/table1/finetune-sst"], [winner("pcgrad")])


def test_claims_set_the_winner_against_each_start_and_each_other_winner() -> None:
    assert [(each.contrasts[0].better, each.contrasts[0].worse) for each in TUNED.claims] == [
        *(("tuned", "smooth-valleys"), ("tuned", "bertram"), ("tuned", "tuned-baseline")),
    ]
    assert {each.contrasts[0].metric for each in TUNED.claims} == {"overall"}
    single = suite("baseline", ROWS["smooth-valleys/table1/finetune-sst"], [BASELINE])
    assert {contrast.metric for claim in single.claims for contrast in claim.contrasts} == {"sst_accuracy"}


def evidence(tuned: Suite, shares: Sequence[float], seeds: int = 6) -> SetUp:
    """Rows right on these shares of the items, in the order of the suite."""
    drawn, reader = np.random.default_rng(0), Kept()
    labels = {name: drawn.integers(0, 2, 600).astype(float) for name in ("sst", "quora")}
    gold = drawn.uniform(0, 5, 600)

    def answers(share: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        labelled = {name: (right(own, (drawn.random(600) < share).astype(float)), own) for name, own in labels.items()}
        return labelled | {"sts": (gold + drawn.normal(0, 4 * (1 - share), 600), gold)}

    rows = []
    for row, share in zip(tuned.rows, shares, strict=True):
        runs = measured(tuned, row, {seed: answers(share) for seed in range(seeds)}, reader)
        scored = [dataclasses.replace(seed, scores=with_overall(seed.scores)) for seed in runs.seeds]
        rows.append(dataclasses.replace(runs, seeds=scored))
    return setup(rows)


def with_overall(scores: Mapping[str, float]) -> dict[str, float]:
    total = overall(TUNED.formula, scores)
    assert total is not None
    return dict(scores) | {"overall": total}


def judged(shares: Sequence[float], tuned: Suite = TUNED) -> list[ClaimVerdict]:
    return judge(evidence(tuned, shares), [tuned])


@pytest.mark.parametrize(
    ("tuned", "others", "expected"), [(0.8, 0.5, "reproduced"), (0.5, 0.8, "contradicted"), (0.6, 0.6, "underpowered")]
)
def test_rows_compared_as_wholes_get_a_verdict(tuned: float, others: float, expected: Verdict) -> None:
    verdicts = judged([others, others, others, tuned, others])
    several = axes_changed(TUNED.recipe(TUNED.row("tuned")), TUNED.recipe(TUNED.row("tuned-baseline")))
    assert len(several) > 1
    assert {each.verdict for each in verdicts} == {expected}
    assert {tested.printed for each in verdicts for tested in each.tested} == {None}


def test_the_same_rows_not_as_wholes_are_confounded() -> None:
    claims = tuple(dataclasses.replace(claim, as_wholes=False) for claim in TUNED.claims)
    verdicts = judged([0.5, 0.5, 0.5, 0.8, 0.5], dataclasses.replace(TUNED, claims=claims))
    assert [each.verdict for each in verdicts] == ["confounded"] * 3


def test_a_winner_that_is_a_start_is_not_above_it() -> None:
    tuned = suite("smart", ROWS[SMART_ROW], [winner(params=STUDIES["smart"].starts[1].params)])
    assert tuned.recipe(tuned.row("tuned")) == tuned.recipe(tuned.row("bertram"))
    equal = evidence(tuned, [0.5, 0.5, 0.6, 0.6])
    start = equal.rows["tuned/smart/bertram"]
    same = dataclasses.replace(start, row=tuned.row("tuned"))
    verdicts = judge(dataclasses.replace(equal, rows={**equal.rows, "tuned/smart/tuned": same}), [tuned])
    assert verdicts[1].tested[0].outcome == "below margin"
