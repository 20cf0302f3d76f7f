"""A study's pages: every number is one of the trials', and what flatters or does nothing is said."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from experiments.study import Range
from reports.document.blocks import Block, Grid, Heading, Words
from reports.document.html import page
from reports.document.table_files import comma_separated
from reports.document.typst import pdf
from reports.tuning.blocks import FLATTERS, ordinal, study_chapter
from reports.tuning.figures import pictures
from reports.tuning.results import Importance, StudyResults, Trial
from reports.tuning.trial_table import format_brief
from tests.reports.tuning.study_data import STARTS, example, trial, tuned


def grid(blocks: list[Block], ending: str) -> Grid:
    (match,) = [block for block in blocks if isinstance(block, Grid) and block.name.endswith(ending)]
    return match


def sentences(blocks: list[Block]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Words)]


def pulled(number: int, value: float | None, epsilon: float, sst: float, **changed: object) -> Trial:
    """A trial with this epsilon, whose SMART pulls so much on SST and twice as much on STS."""
    health = {"smart_gradient/sst": sst, "smart_gradient/sts": 2 * sst, "smart/sst": 9.0}
    return trial(number, value, params={"epsilon": epsilon}, health=health, **changed)


def five() -> StudyResults:
    return tuned(
        [
            pulled(0, 0.51, 1e-5, 2e-7, start="smooth-valleys", reused=True),
            pulled(1, 0.62, 1e-2, 0.2),
            pulled(2, 0.62, 2e-2, 0.5, cost=7.5),
            pulled(3, 0.66, 1e-4, 6e-4, state="pruned", start="bertram", epochs=1, cost=2.5),  # share: .0009
            trial(4, None, params={"epsilon": 0.1}, state="failed", start="mt-dnn", reason="out of memory", cost=1.0),
        ]
    )


def test_there_is_no_chapter_without_a_study() -> None:
    assert study_chapter([]) == []


def test_the_chapter_begins_with_a_warning() -> None:
    first, second, third, *_ = study_chapter([five(), dataclasses.replace(five(), name="2b2b2b")])
    assert first == Heading(1, "Tuning")
    assert second == Words(FLATTERS, "warning")
    assert third == Heading(2, "smart: tpe, seed 0, demo profile")


def test_facts_count_the_trials_and_add_up_the_costs() -> None:
    (facts,) = [text for text in sentences(study_chapter([five()])) if text.startswith("row:")]
    assert "trials: 3 complete, 1 pruned, 1 failed" in facts
    assert "spent: 31 CPU-seconds" in facts  # 10 + 10 + 7.5 + 2.5 + 1
    assert "cells that were there before: 1 of 5" in facts
    assert "sampler: tpe; pruner: median; seed: 0" in facts
    assert "data: made data, fingerprint d1f0; encoder: tiny" in facts


def test_the_best_come_first_and_the_papers_settings_after_them() -> None:
    table = grid(study_chapter([five()]), "-trials")
    assert [row[0].text for row in table.body] == ["1", "2", "0", "3", "4"]
    assert [row[0].below for row in table.body] == ["", "", "smooth-valleys", "bertram, pruned", "mt-dnn, failed"]
    assert [row[0].strong for row in table.body] == [True, False, False, False, False]
    assert [cell.text for cell in table.head[0]] == ["trial", "epsilon", "overall", "epochs", "cost", "smart share"]
    assert [cell.text for cell in table.body[2]] == ["0", "1e-5", ".510", "4", "10", "3e-7"]
    assert [cell.text for cell in table.body[4]] == ["4", ".1", "·", "4", "1", "·"]
    assert [row[5].tone for row in table.body] == ["", "", "warning", "warning", ""]


def test_at_most_ten_of_the_best_are_listed_and_all_trials_are_data() -> None:
    study = tuned([trial(at, at / 100, params={"epsilon": 1e-3}) for at in range(30)])
    table = grid(study_chapter([study]), "-trials")
    assert [row[0].text for row in table.body] == [str(at) for at in range(29, 19, -1)]
    assert [record["value"] for record in table.records] == [at / 100 for at in range(30)]


def test_records_are_unrounded_and_alike() -> None:
    table = grid(study_chapter([example()]), "-trials")
    study = example()
    assert len({tuple(record) for record in table.records}) == 1
    for record, each in zip(table.records, study.trials, strict=True):
        assert (record["trial"], record["state"], record["value"]) == (each.number, each.state, each.value)
        assert record["param_epsilon"] == each.params["epsilon"]
        assert record["score_sts_pearson"] == each.scores.get("sts_pearson")
        assert (record["cost"], record["epochs"], record["reason"]) == (each.cost, each.epochs, each.reason)
    assert len(comma_separated(table).splitlines()) == 41


def test_a_share_is_the_mean_of_the_tasks() -> None:
    table = grid(study_chapter([five()]), "-trials")
    *shares, failed = [record["gradient_share_smart"] for record in table.records]
    assert shares == pytest.approx([3e-7, 0.3, 0.75, 9e-4], rel=1e-12)
    assert failed is None


def test_many_parameters_share_a_column() -> None:
    space = {f"p{at}": Range(0, 1) for at in range(9)}
    study = tuned([trial(0, 0.5, params=dict.fromkeys(space, 0.25))], space=space)
    table = grid(study_chapter([study]), "-trials")
    assert table.head[0][1].text == "parameters"
    assert table.body[0][1].text == ", ".join(f"p{at} 0.25" for at in range(9))
    assert [record["param_p8"] for record in table.records] == [0.25]


def test_the_papers_settings_are_placed_among_complete_trials() -> None:
    assert (
        "The papers' settings among the complete trials with a value: smooth-valleys is 3rd of 3 (.510); "
        "bertram was pruned after epoch 1; mt-dnn failed (out of memory)."
    ) in sentences(study_chapter([five()]))


def test_equals_share_the_better_place() -> None:
    trials = [trial(0, 0.5), trial(1, 0.7, start="a"), trial(2, 0.7, start="b"), trial(3, None, start="c")]
    (sentence,) = [text for text in sentences(study_chapter([tuned(trials)])) if text.startswith("The papers'")]
    assert sentence.endswith("a is 1st of 3 (.700); b is 1st of 3 (.700); c has no value.")


def test_ordinals() -> None:
    assert [ordinal(place) for place in (1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111)] == [
        *("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th")
    ]


def test_inert_regularizers_are_named_with_their_trials_and_their_parameter() -> None:
    assert (
        "The gradient of smart is below 0.001 of the loss's in 2 of the 4 trials that measured it (0, 3): "
        "there epsilon is 1e-5 to 1e-4, in the others .01 to .02."
    ) in sentences(study_chapter([five()]))


def test_a_regularizer_that_always_pulls_is_said_to() -> None:
    study = tuned([pulled(0, 0.5, 1e-2, 0.1)])
    assert "The gradient of smart is below 0.001 of the loss's in 0 of the 1 trials that measured it." in sentences(
        study_chapter([study])
    )


def test_a_share_that_is_not_finite_is_not_measured() -> None:
    study = tuned([trial(0, 0.5, health={"smart_gradient/sst": float("inf"), "smart_gradient/sts": float("nan")})])
    assert not any("The gradient" in text for text in sentences(study_chapter([study])))


def test_proximal_points_are_told_by_mu() -> None:
    health = {"momentum_proximal_gradient/sst": 1e-4}
    study = tuned([trial(0, 0.5, params={"mu": 0.02}, health=health)], space={"mu": Range(0.01, 10, log=True)})
    (text,) = [text for text in sentences(study_chapter([study])) if "momentum proximal" in text]
    assert text.endswith("in 1 of the 1 trials that measured it (0): there mu is .02.")


def test_importances_are_sorted_and_say_what_they_are_of() -> None:
    importances = {"epsilon": Importance(mean=0.25, low=0.1, high=0.5), "mu": Importance(mean=0.6, low=0.2, high=0.9)}
    table = grid(study_chapter([dataclasses.replace(five(), importances=importances)]), "-importances")
    assert [[cell.text for cell in row] for row in table.body] == [
        ["mu", "", ".600", "[.200, .900]"],
        ["epsilon", "1e-7 to .1, log", ".250", "[.100, .500]"],
    ]
    assert table.notes[0] == "from 3 complete trials, intervals over resampled trials: with few trials they are wide"
    assert "not of the technique" in table.notes[1]


def cheap() -> StudyResults:
    trials = [trial(0, 0.5, cost=10.0), trial(1, None, state="failed", cost=2.0), trial(2, 0.7, cost=13.0)]
    return tuned(trials, name="b0b0b0", study="plain", arm="plain")  # 25 in all


def test_arms_are_compared_on_the_smaller_budget() -> None:
    dear = tuned([trial(at, value, cost=9.0) for at, value in enumerate((0.4, 0.6, 0.55, 0.9))])  # two cost 18
    table = grid(study_chapter([dear, cheap()]), "-budget")
    assert [[cell.text for cell in row] for row in table.body] == [
        ["smart, tpe", "4", "36", ".900", "2", ".600"],
        ["plain, tpe", "3", "25", ".700", "3", ".700"],
    ]
    assert [(each["budget"], each["trials_within"], each["best_within"]) for each in table.records] == [
        (25.0, 2, 0.6),
        (25.0, 3, 0.7),
    ]


def test_a_comparison_begins_with_what_only_one_arm_could_seek() -> None:
    weight = Range(0.1, 10.0, log=True)
    rate, wider = Range(1e-6, 1e-4, log=True), Range(1e-6, 1e-3, log=True)
    dear = tuned([trial(0, 0.4)], space={"mu": weight, "quora_weight": weight, "lr": rate})
    other = dataclasses.replace(cheap(), space={"lr": wider})
    blocks = study_chapter([dear, other])
    at = next(at for at, block in enumerate(blocks) if isinstance(block, Heading) and "on one budget" in block.text)
    first = blocks[at + 1]
    assert isinstance(first, Words)
    assert first.text == "Only smart, tpe seeks mu, quora weight; both seek lr; in other ranges: lr."


def test_repetitions_are_one_arm() -> None:
    one, two = (tuned([trial(0, value), trial(1, 0.1)], name=name) for name, value in (("a1", 0.4), ("a2", 0.5)))
    table = grid(study_chapter([one, two, cheap()]), "-budget")
    assert table.body[0][0].below == "2 studies"
    assert [cell.text for cell in table.body[0]] == ["smart, tpe", "2", "20", ".450", "2", ".450"]
    assert table.body[0][3].below == ".400 to .500"
    assert [cell.text for cell in table.body[1]] == ["plain, tpe", "3", "25", ".700", "2", ".500"]


@pytest.mark.parametrize("field", ["setup", "row", "metric", "unit"])
def test_studies_that_differ_in_more_are_not_compared(field: str) -> None:
    other = dataclasses.replace(cheap(), **{field: "another"})
    assert not any(
        block.name.endswith("-budget") for block in study_chapter([five(), other]) if isinstance(block, Grid)
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.995, ".995"), (0.9996, ".9996"), (2.9996, "2.9996"), (0.0123, ".012"), (-0.25, "-.25"), (0.1, ".1")),
        *((1e-5, "1e-5"), (1.234e-4, "1.2e-4"), (0.0, "0"), (3, "3"), (20.0, "20"), (10.5, "10.5"), (2.5, "2.5")),
        *((3.14159, "3.14"), (100.25, "100.25"), (12345.6, "12,346"), (0.99999999, "1")),
    ],
)
def test_parameters_are_brief(value: float, text: str) -> None:
    assert format_brief(value) == text


def studies() -> list[StudyResults]:
    bare = tuned([], name="000000")
    failed = tuned([trial(0, None, state="failed", reason="=1+1 <b>")], name="f0f0f0", setup="other")
    drawn = example(12, 1, name="1e1e1e", sampler="random", arm="r", study="plain")
    return [example(), drawn, bare, failed]


def test_the_chapter_becomes_a_page_and_a_pdf(tmp_path: Path) -> None:
    results = studies()
    blocks = [*study_chapter(results), *pictures(results, tmp_path / "figures")]
    text = page(blocks, "T", tmp_path)
    assert pdf(blocks, "T", tmp_path).startswith(b"%PDF")
    assert "&lt;b&gt;" not in text.replace("=1+1 &lt;b&gt;", "")
    assert all(name in text for name, _ in STARTS)


def test_every_table_has_a_name_of_its_own() -> None:
    grids = [block for block in study_chapter(studies()) if isinstance(block, Grid)]
    assert len({block.name for block in grids}) == len(grids)
    for block in grids:
        assert all(sum(cell.span for cell in row) == len(block.widths) for row in (*block.head, *block.body))
