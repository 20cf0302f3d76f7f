"""Comparisons against the same figures by hand; what cannot be compared is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from experiments.papers import SUITES
from reports.comparison import compare
from reports.results import Runs, SetUp, frame
from reports.statistics.correlation import pearson, pseudo_values
from reports.suite.effects import agreement, best, costs, effects
from reports.suite.warnings import alarms
from tests.reports.results_data import Floats, Kept, measured, right, setup
from tests.reports.statistics.experiments import estimate_of

SUITE = next(suite for suite in SUITES if suite.slug == "bertram/table1")
ONE, OTHER = "bertram/table1/06-smart", "bertram/table1/04-all-three"
COUNTS = {"sst": 200, "quora": 300, "sts": 80}


def labels() -> dict[str, Floats]:
    drawn = np.random.default_rng(5)
    return {task: drawn.integers(0, 2 if task != "sts" else 6, count).astype(float) for task, count in COUNTS.items()}


def row(name: str, reader: Kept, *, seeds: int = 4, share: float = 0.6, cell: str = "") -> Runs:
    drawn, gold = np.random.default_rng(len(name)), labels()
    by_seed = {}
    for seed in range(seeds):
        answers = {
            task: right(gold[task], (drawn.random(COUNTS[task]) < share).astype(float)) for task in ("sst", "quora")
        }
        answers["sts"] = gold["sts"] + drawn.normal(0, 2, COUNTS["sts"])
        by_seed[seed] = {task: (answers[task], gold[task]) for task in COUNTS}
    runs = measured(SUITE, SUITE.row(name), by_seed, reader, cell)
    runs.seeds = [
        dataclasses.replace(
            seed,
            scores={**seed.scores, "overall": whole(seed.scores)},
        )
        for seed in runs.seeds
    ]
    return runs


def whole(scores: object) -> float:
    assert isinstance(scores, dict)
    return float((scores["sst_accuracy"] + scores["quora_accuracy"] + (scores["sts_pearson"] + 1) / 2) / 3)


@pytest.fixture
def reader() -> Kept:
    return Kept()


@pytest.fixture
def both(reader: Kept) -> SetUp:
    return setup([row("06-smart", reader, share=0.7), row("04-all-three", reader)])


def answers(reader: Kept, slug: str, task: str) -> list[Floats]:
    tables = [reader.tables[f"{slug}#{seed}"] for seed in range(4)]
    return [table[table["task"] == task]["answer"].to_numpy(float) for table in tables]


def test_an_accuracy_is_compared_item_by_item(both: SetUp, reader: Kept) -> None:
    gold = labels()["sst"]
    ours, theirs = (np.stack([each == gold for each in answers(reader, slug, "sst")]) for slug in (ONE, OTHER))
    difference = ours.astype(float) - theirs
    comparison = compare(both, ONE, OTHER, "sst_accuracy")
    expected = estimate_of([difference], most=(1.0,))
    assert comparison.estimate is not None
    assert (comparison.estimate.mean, comparison.estimate.p) == pytest.approx((difference.mean(), expected.p))
    assert comparison.estimate.components == expected.components
    assert (
        comparison.items == {"sst": 200} and comparison.seeds == (0, 1, 2, 3) and comparison.axes == ("regularizers",)
    )


def test_a_correlation_is_compared_by_pseudo_values_around_its_own_difference(both: SetUp, reader: Kept) -> None:
    gold = labels()["sts"]
    ours, theirs = answers(reader, ONE, "sts"), answers(reader, OTHER, "sts")
    blocks = [pseudo_values(a, gold) - pseudo_values(b, gold) for a, b in zip(ours, theirs, strict=True)]
    centre = np.mean([pearson(a, gold) - pearson(b, gold) for a, b in zip(ours, theirs, strict=True)])
    estimate = compare(both, ONE, OTHER, "sts_pearson").estimate
    expected = estimate_of([np.stack(blocks)], mean=float(centre))
    assert estimate is not None
    assert estimate.mean == pytest.approx(expected.mean) and estimate.error == pytest.approx(expected.error)


def test_overall_weighs_its_tasks_as_the_formula_does(both: SetUp) -> None:
    parts = {
        name: compare(both, ONE, OTHER, name).estimate for name in ("sst_accuracy", "quora_accuracy", "sts_pearson")
    }
    comparison = compare(both, ONE, OTHER, "overall")
    sst, quora, sts = (part.mean if part else 0.0 for part in parts.values())
    assert comparison.estimate is not None
    assert comparison.estimate.mean == pytest.approx(sst / 3 + quora / 3 + sts / 6)
    assert [each.weight for each in comparison.estimate.components] == [1 / 3, 1 / 3, 1 / 6]


def test_a_comparison_turned_round_has_the_other_sign(both: SetUp) -> None:
    one, other = compare(both, ONE, OTHER, "overall").estimate, compare(both, OTHER, ONE, "overall").estimate
    assert one is not None and other is not None
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))


def test_a_gap_is_compared_by_seed_alone(both: SetUp) -> None:
    comparison = compare(both, ONE, OTHER, "sst_gap")
    assert comparison.items == {} and comparison.estimate is None  # train is dev here: a gap of 0 in every seed
    assert comparison.reason == "every seed differs by the same, so there is no interval"


def test_rows_of_two_splits_are_refused(reader: Kept) -> None:
    evidence = setup([row("13-combined-test", reader), row("12-combined", reader)])
    comparison = compare(evidence, "bertram/table1/13-combined-test", "bertram/table1/12-combined", "sst_accuracy")
    assert comparison.estimate is None and comparison.reason == "different items: test against dev"


@pytest.mark.parametrize("kind", ["fewer items", "other labels", "other order", "no answers", "other data"])
def test_what_was_scored_on_other_items_is_refused(both: SetUp, reader: Kept, kind: str) -> None:
    for seed in range(4):
        run = f"{ONE}#{seed}"
        table = reader.tables[run]
        if kind == "fewer items":
            table = table[table["id"] != "sst3"]
        elif kind == "other labels":
            table = table.assign(label=table["label"].where(table["id"] != "sst3", 9.0))
        elif kind == "other order":
            table = table.iloc[::-1]
        elif kind == "no answers":
            table = table.iloc[:0]
        reader.tables[run] = table
    if kind == "other data":
        runs = both.rows[ONE]
        runs.seeds = [dataclasses.replace(seed, data={"sst": "f2"}) for seed in runs.seeds]
    comparison = compare(both, ONE, OTHER, "sst_accuracy")
    assert comparison.estimate is None
    assert any(words in comparison.reason for words in ("did not score the same", "no answers", "different sst data"))


def test_constant_answers_have_no_correlation_to_compare(both: SetUp, reader: Kept) -> None:
    for seed in range(4):
        table = reader.tables[f"{ONE}#{seed}"]
        reader.tables[f"{ONE}#{seed}"] = table.assign(answer=table["answer"].where(table["task"] != "sts", 1.0))
    runs = both.rows[ONE]
    runs.seeds = [
        dataclasses.replace(
            seed, scores={name: value for name, value in seed.scores.items() if name[:3] in ("sst", "quo")}
        )
        for seed in runs.seeds
    ]
    comparison = compare(both, ONE, OTHER, "sts_pearson")
    assert comparison.estimate is None and "no Pearson r" in comparison.reason


def test_one_seed_gives_an_interval_over_items_that_decides_nothing(reader: Kept) -> None:
    evidence = setup([row("06-smart", reader, seeds=1, share=0.9), row("04-all-three", reader, seeds=1)])
    comparison = compare(evidence, ONE, OTHER, "sst_accuracy")
    assert comparison.estimate is not None and comparison.estimate.low > 0 and not comparison.measured
    assert not any(effect.supported for effect in effects(evidence, SUITE))


def test_effects_are_against_the_row_each_stands_on(both: SetUp) -> None:
    row_effects = effects(both, SUITE)
    assert {effect.base for effect in row_effects if effect.row.name == "06-smart"} == {OTHER}
    (sts,) = (effect for effect in row_effects if effect.row.name == "06-smart" and effect.metric == "sts_pearson")
    assert sts.printed == pytest.approx(0.548 - 0.534)


def test_the_best_row_is_named_only_where_that_is_supported(reader: Kept) -> None:
    clear = setup([row("06-smart", reader, seeds=6, share=0.95), row("04-all-three", reader, seeds=6, share=0.5)])
    assert best(clear, SUITE, "sst_accuracy") == "06-smart"
    close = setup([row("06-smart", Kept(), seeds=6), row("04-all-three", Kept(), seeds=6)])
    assert best(close, SUITE, "sst_accuracy") is None


def test_rank_agreement_needs_three_printed_rows(both: SetUp, reader: Kept) -> None:
    assert agreement(both, SUITE, "sst_accuracy") is None
    more = setup([*both.rows.values(), row("05-cosine-embedding", reader, share=0.3)])
    ranks = agreement(more, SUITE, "sst_accuracy")
    assert ranks is not None and ranks.rows == 3 and -1 <= ranks.low <= ranks.tau <= ranks.high <= 1


def test_costs_are_means_over_seeds(both: SetUp) -> None:
    (first, _) = costs(list(both.rows.values()))
    assert (first.seconds, first.items_per_second, first.seeds) == (10.0, 100.0, 4)


def test_a_change_that_did_nothing_raises_an_alarm(reader: Kept) -> None:
    evidence = setup([row("06-smart", reader), row("04-all-three", reader)])
    assert not any("exactly as" in alarm for alarm in alarms(evidence, SUITE))
    for seed in range(4):
        reader.tables[f"{ONE}#{seed}"] = reader.tables[f"{OTHER}#{seed}"]
    same = setup([Runs(SUITE, each.row, each.seeds, reader) for each in evidence.rows.values()])
    (text,) = (alarm for alarm in alarms(same, SUITE) if "exactly as" in alarm)
    assert "04-all-three" in text and "06-smart" in text and "4 seeds" in text


def test_rows_that_share_their_trainings_raise_none(reader: Kept) -> None:
    evidence = setup([row("06-smart", reader, cell="c"), row("04-all-three", reader, cell="c")])
    for seed in range(4):
        reader.tables[f"{ONE}#{seed}"] = reader.tables[f"{OTHER}#{seed}"]
    assert not any("exactly as" in alarm for alarm in alarms(evidence, SUITE))


def test_inert_penalties_collapse_and_unlike_pairs_raise_alarms(both: SetUp) -> None:
    runs = both.rows[ONE]
    health = {"smart_gradient/sst": 1e-7, "proximal_gradient/sst": 0.4}
    about = {"threads": "2", "device": "cpu", "torch": "2", "alarm": "one answer for everything: quora"}
    runs.seeds = [dataclasses.replace(seed, health=health, about=about) for seed in runs.seeds]
    text = "\n".join(alarms(both, SUITE))
    assert "06-smart: inert: smart on sst, at most 1e-07 of the loss's gradient" in text
    assert "06-smart: one answer for everything: quora (4 seeds of 4)" in text
    assert "06-smart: not paired exactly with the row it stands on: threads 2 against 1" in text


def test_a_failed_seed_is_in_the_frame_without_a_figure(both: SetUp) -> None:
    runs = both.rows[ONE]
    runs.seeds = [
        *runs.seeds[:3],
        dataclasses.replace(runs.seeds[3], done=False, scores={}, train={}, reason="no memory"),
    ]
    table = frame([runs])
    failed = table[table["status"] == "failed"]
    assert list(failed["reason"]) == ["no memory"] and failed["value"].isna().all()
    assert compare(both, ONE, OTHER, "sst_accuracy").seeds == (0, 1, 2)


def pair_of(correct: Floats, other: Floats) -> SetUp:
    """Two rows' right answers, each [seeds, items]."""
    reader, gold, rows = Kept(), np.arange(correct.shape[1]) % 2.0, []
    for name, right_ones in (("06-smart", correct), ("04-all-three", other)):
        by_seed = {seed: {"quora": (right(gold, each), gold)} for seed, each in enumerate(right_ones)}
        rows.append(measured(SUITE, SUITE.row(name), by_seed, reader))
    return setup(rows)


def test_a_single_item_is_a_reason_and_no_traceback() -> None:
    comparison = compare(pair_of(np.ones((3, 1)), np.zeros((3, 1))), ONE, OTHER, "quora_accuracy", bootstrap=True)
    assert comparison.estimate is None and comparison.reason.startswith("one item: quora has a single scored row")


@pytest.mark.parametrize("items", [2, 50])
def test_two_rows_of_which_no_item_differs_have_no_interval(items: int) -> None:
    comparison = compare(
        pair_of(np.ones((3, items)), np.ones((3, items))), ONE, OTHER, "quora_accuracy", bootstrap=True
    )
    assert comparison.estimate is None and comparison.alike is not None and comparison.alike.mean == 0
    assert comparison.reason == "no item differs in any seed, so there is no interval"


def test_a_row_that_collapsed_in_some_seed_is_known() -> None:
    pair = pair_of(np.ones((3, 8)), np.eye(8)[:3])
    assert not compare(pair, ONE, OTHER, "quora_accuracy").collapsed
    row = pair.rows[OTHER]
    row.seeds = [dataclasses.replace(each, about={**each.about, "alarm": "one answer: quora"}) for each in row.seeds]
    assert compare(pair, ONE, OTHER, "quora_accuracy").collapsed
