"""A study's orders: the same study whoever trains its cells, in whatever order and however often it is killed."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.search_space import Value
from harness.cells.record import read_journal
from harness.cells.trial import Trial, best_trial, total_cost, within_budget
from harness.tune import scheduler as searching
from harness.tune.scheduler import Limit
from harness.tune.study_run import Method
from tests.harness.trials import FULL
from tests.harness.tune.journals import (
    SECONDS,
    THREADS,
    ManualPool,
    dev_scores,
    expected,
    make_study_run,
    run_trials,
    train,
    train_to_end,
)

EPOCH = THREADS * (SECONDS + SECONDS / 6)  # what one costs
SETTINGS = {"lr": 2e-5, "dropout": 0.25, "weight_decay": 1e-3}


def without_clock(trials: list[Trial]) -> list[dict[str, Any]]:
    """All but the clock's."""
    return [dataclasses.asdict(trial) | {"ended": ""} for trial in trials]


@pytest.mark.parametrize(
    ("at_once", "jobs", "chance"),
    [(at_once, jobs, chance) for at_once in (1, 3, 4) for jobs in (1, 2, 3) for chance in range(20)]
    if FULL
    else [(3, 3, 2), (1, 2, 3)],
)
def test_the_study_is_the_same_whatever_ends_first_and_whenever_it_is_killed(
    tmp_path: Path, at_once: int, jobs: int, chance: int
) -> None:
    study_run = make_study_run()
    alone = run_trials(study_run, ManualPool(tmp_path / "alone"), 16, at_once)
    assert {trial.state for trial in alone} == {"complete", "pruned"}
    pool = ManualPool(tmp_path / "home", jobs, chance)
    queue = pool.make_queue(study_run, 16, at_once)
    while pool.step(queue):
        if pool.chance.random() < 0.1:
            pool.killed()
            queue = pool.make_queue(study_run, 16, at_once)
    trials = queue.storage.trials()
    assert without_clock(trials) == without_clock(alone)
    assert [trial.number for trial in trials] == list(range(16))


def test_a_trial_has_what_its_epochs_came_to(tmp_path: Path) -> None:
    study_run = make_study_run()
    trials = run_trials(study_run, ManualPool(tmp_path), 16, 2)
    for trial in trials:
        last = len(trial.curve)
        assert trial.curve == {epoch: expected(trial.params, epoch)[1] for epoch in range(1, last + 1)}
        assert (trial.epoch, trial.value) == expected(trial.params, last)
        assert trial.scores == {**dev_scores(trial.params, trial.epoch), "overall": trial.value}
        assert trial.cost == pytest.approx(last * EPOCH)
        assert last == study_run.epochs if trial.state == "complete" else 0 < last < study_run.epochs
        assert trial.cell == study_run.cell(trial.params).id
    assert [trial.start for trial in trials] == ["bertram"] + 15 * [""]
    top = best_trial(trials)
    assert top is not None
    assert top.value == max(trial.value or 0 for trial in trials if trial.state == "complete")


def test_cells_that_are_there_are_not_trained_but_cut_and_charged_as_if_they_were(tmp_path: Path) -> None:
    """Random draws do not depend on results, so that both studies try the same."""
    unpruned, pruned = (make_study_run(method=Method(sampler="random", pruner=name)) for name in ("none", "hyperband"))
    assert all(trial.state == "complete" for trial in run_trials(unpruned, ManualPool(tmp_path / "home"), 12))
    pool = ManualPool(tmp_path / "home")
    again = run_trials(pruned, pool, 12)
    assert pool.trained == []
    fresh = run_trials(pruned, ManualPool(tmp_path / "fresh"), 12)
    assert without_clock(again) == [each | {"reused": True} for each in without_clock(fresh)]
    assert not any(trial.reused for trial in fresh)
    assert any(trial.state == "pruned" and trial.cost < 4 * EPOCH for trial in again)


def test_a_pruned_cell_that_was_trained_to_its_end_is_charged_for_the_epochs_that_count(tmp_path: Path) -> None:
    study_run = make_study_run()
    first = run_trials(study_run, ManualPool(tmp_path), 12)
    cut = next(trial for trial in first if trial.state == "pruned")
    assert len(read_journal(tmp_path / "cells" / cut.cell / "journal.jsonl")) == len(cut.curve) < study_run.epochs
    train_to_end(tmp_path, study_run.cell(cut.params), cut.params, study_run.epochs)
    (tmp_path / "studies" / "optuna.log").unlink()
    later = run_trials(study_run, ManualPool(tmp_path), 12)
    assert [each | {"reused": False} for each in without_clock(later)] == without_clock(first)


def test_two_trials_on_one_cell_train_it_once_and_both_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def same(study: object, number: int, *more: object) -> dict[str, Value]:
        return SETTINGS | {"dropout": 0.1 * min(number, 2)}

    monkeypatch.setattr(searching, "propose", same)
    pool = ManualPool(tmp_path, jobs=4)
    queue = pool.make_queue(make_study_run(), 4, 4)
    assert len(queue.next_jobs(4)) == 3
    assert [trial.reused for trial in queue.trials] == [False, False, False, True]
    assert [job.cell.id for job in queue.next_jobs(4)] == list(dict.fromkeys(trial.cell for trial in queue.trials))
    while pool.step(queue):
        pass
    ended = queue.storage.trials()
    assert sorted(pool.trained) == sorted({trial.cell for trial in ended})
    first, second = ended[2:]
    assert first.cell == second.cell
    assert first.cost == second.cost > 0
    assert (first.value, first.curve) == (second.value, second.curve)


def test_a_cell_whose_trial_was_found_over_before_its_worker_asked_does_not_go_on(tmp_path: Path) -> None:
    """Its journal may be read between its last line and its question."""
    study_run, pool = make_study_run(), ManualPool(tmp_path)
    cut = next(trial for trial in run_trials(study_run, ManualPool(tmp_path / "alone"), 16) if trial.state == "pruned")
    queue = pool.make_queue(study_run, cut.number + 1, 1)
    while cut.number not in {trial.number for trial in queue.trials}:
        assert pool.step(queue)
    cell = queue.cell(queue.trials[cut.number])
    while len(epochs := train(tmp_path, cell, cut.params, study_run.epochs)) < len(cut.curve):
        assert queue.should_continue(cell, epochs)
    assert queue.next_jobs(0) == []
    assert not queue.should_continue(cell, epochs)


def test_a_failed_cell_fails_its_trial_for_the_same_reason_and_the_study_goes_on(tmp_path: Path) -> None:
    pool = ManualPool(tmp_path)
    queue = pool.make_queue(make_study_run(), 3, 1)
    (job,) = queue.next_jobs(1)
    train(tmp_path, job.cell, SETTINGS, 4)
    pool.fail(job.cell, "the loss of sst is nan")
    while pool.step(queue):
        pass
    failed, *others = queue.storage.trials()
    assert (failed.state, failed.reason, failed.value) == ("failed", "the loss of sst is nan", None)
    assert failed.cost == pytest.approx(EPOCH)
    assert {trial.state for trial in others} <= {"complete", "pruned"}
    assert best_trial([failed]) is None


def test_a_budget_is_given_up_where_every_trial_fails_at_no_cost(tmp_path: Path) -> None:
    pool = ManualPool(tmp_path)
    queue = pool.make_queue(make_study_run(method=Method(sampler="random")), 0, 1)
    queue.limit = Limit(None, 100.0)
    for _ in range(50):
        jobs = queue.next_jobs(1)
        for job in jobs:
            pool.fail(job.cell, "out of memory")
        if not jobs:
            break
    assert {trial.state for trial in queue.trials} == {"failed"}
    assert len(queue.trials) == 10


@pytest.mark.parametrize("undefined", [None, math.nan])
def test_a_trial_without_an_overall_fails_and_says_why(tmp_path: Path, undefined: float | None) -> None:
    def constant(params: object, epoch: int) -> dict[str, float | None]:
        return {"sst_accuracy": 0.2 + 0.1 * epoch, "quora_accuracy": 0.5, "sts_pearson": undefined}

    study_run = make_study_run()
    first, *_ = run_trials(study_run, ManualPool(tmp_path, scores=constant), 1)
    assert first.state == "failed"
    assert first.reason == "no overall: a task has one answer for everything"
    assert first.value is None
    assert "overall" not in first.scores
    assert first.cost == pytest.approx(4 * EPOCH)
    assert best_trial([first]) is None


@pytest.mark.parametrize("at", range(1, 4))
def test_a_study_that_is_killed_before_an_ended_trial_is_stored_ends_it_again(tmp_path: Path, at: int) -> None:
    study_run, noted = make_study_run(), list[Trial]()

    def dying(trial: Trial) -> None:
        noted.append(trial)
        if len(noted) == at:
            raise KeyboardInterrupt

    pool = ManualPool(tmp_path / "home")
    queue = pool.make_queue(study_run, 5, 1, dying)
    with pytest.raises(KeyboardInterrupt):
        while pool.step(queue):
            pass
    queue = pool.make_queue(study_run, 5, 1, noted.append)
    while pool.step(queue):
        pass
    assert without_clock(queue.storage.trials()) == without_clock(
        run_trials(study_run, ManualPool(tmp_path / "alone"), 5)
    )
    assert [trial.number for trial in noted] == [*range(at), *range(at - 1, 5)]
    assert without_clock(noted[at - 1 : at]) == without_clock(noted[at : at + 1])


def test_no_more_trials_are_begun_than_workers_are_idle_or_the_limit_allows(tmp_path: Path) -> None:
    pool = ManualPool(tmp_path, jobs=2)
    queue = pool.make_queue(make_study_run(), 3, 4)
    assert len(queue.next_jobs(0)) == 0
    assert len(queue.next_jobs(2)) == 2
    assert len(queue.next_jobs(2)) == 2
    for job in queue.next_jobs(0):
        train_to_end(tmp_path, job.cell, SETTINGS, 4)
    assert len(queue.next_jobs(2)) == 1
    assert len(queue.storage.trials()) == 3
    assert [trial.number for trial in queue.take_ended()] == [0, 1]
    assert queue.take_ended() == []


COSTS = st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["complete", "pruned", "failed", "running"])), max_size=9)


@given(costs=COSTS, budget=st.none() | st.floats(0, 500))
def test_within_a_budget_is_the_longest_run_of_ended_trials_that_it_pays_for(
    costs: list[tuple[float, Any]], budget: float | None
) -> None:
    trials = [
        Trial(number=at, params={}, cell="", cost=0.0 if state == "running" else cost, state=state)
        for at, (cost, state) in enumerate(costs)
    ]
    paid = within_budget(trials[::-1], budget)
    assert paid == trials[: len(paid)]
    assert not any(trial.running for trial in paid)
    assert budget is None or total_cost(paid) <= budget
    if len(paid) < len(trials):
        longer = trials[: len(paid) + 1]
        assert longer[-1].running or (budget is not None and total_cost(longer) > budget)
    assert within_budget(trials, total_cost(paid)) == paid or any(trial.cost == 0 for trial in trials)


@given(costs=COSTS, budget=st.floats(0, 500))
def test_a_limit_is_reached_by_trials_or_by_what_they_cost(costs: list[tuple[float, Any]], budget: float) -> None:
    trials = [Trial(number=at, params={}, cell="", cost=cost, state=state) for at, (cost, state) in enumerate(costs)]
    assert Limit(None, budget).reached(trials) == (total_cost(trials) >= budget)
    assert Limit(5).reached(trials) == (len(trials) >= 5)
