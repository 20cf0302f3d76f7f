"""What is tried next and what is pruned: functions of what was known, and Optuna's own answers to it."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.search_space import Value
from experiments.studies import STUDIES
from harness.cells.trial import State, Trial
from harness.tune.sampling import decide_pruning, distributions, propose, visible_trials
from model.digest import digest
from tests.harness.trials import FULL, few
from tests.harness.tune.journals import dev_scores, random_share

STUDY = STUDIES["baseline"]
EPOCHS = 9  # three brackets
NAMES = st.sampled_from(sorted(STUDIES))


def curve(params: Mapping[str, Value], epochs: int = EPOCHS) -> dict[int, float]:
    scores = {epoch: dev_scores(params, epoch)["sst_accuracy"] for epoch in range(1, epochs + 1)}
    return {epoch: score for epoch, score in scores.items() if score is not None}


def ended(trial: Trial, earlier: Sequence[Trial], reached: Mapping[int, float]) -> Trial | None:
    """The trial after these epochs, if it ends there; every ninth one fails."""
    if random_share(trial.params) < 1 / 9:
        return dataclasses.replace(trial, state="failed", reason="it has to")
    at, rungs = decide_pruning(STUDY, trial.number, earlier, reached, "hyperband", EPOCHS, not trial.number)
    assert at is None or at == max(reached)
    if at is None and len(reached) < EPOCHS:
        return None
    state: State = "pruned" if at else "complete"
    return dataclasses.replace(trial, state=state, value=reached[max(reached)], curve=reached, rungs=rungs)


def carried_out(count: int, at_once: int, jobs: int, chance: random.Random) -> list[Trial]:
    """A study of so many trials: ``jobs`` go on in any order, some of them from the start again."""
    trials: list[Trial] = []
    epochs: dict[int, int] = {}
    while len(trials) < count or epochs:
        earlier = visible_trials(trials, len(trials), at_once)
        if len(epochs) < jobs and len(trials) < count and earlier is not None and chance.random() < 0.7:
            params = propose(STUDY, len(trials), earlier, "tpe", 0)
            epochs[len(trials)] = 0
            trials.append(Trial(number=len(trials), params=params, cell=""))
        elif epochs and chance.random() < 0.02:
            epochs = dict.fromkeys(epochs, 0)
        elif epochs:
            number = chance.choice(sorted(epochs))
            epochs[number] += 1
            trial, before = trials[number], visible_trials(trials, number, at_once)
            assert before is not None
            reached = dict(list(curve(trial.params).items())[: epochs[number]])
            over = ended(trial, before, reached)
            if over is not None:
                trials[number] = over
                del epochs[number]
    return trials


@few(3, 200)
@given(at_once=st.integers(1, 4), seed=st.integers(0, 2**32), data=st.data())
def test_neither_order_nor_number_of_workers_nor_restarts_change_a_study(
    at_once: int, seed: int, data: st.DataObject
) -> None:
    jobs = data.draw(st.integers(1, at_once))
    one = carried_out(20, at_once, 1, random.Random(0))
    assert {trial.state for trial in one} == {"complete", "pruned", "failed"}
    assert carried_out(20, at_once, jobs, random.Random(seed)) == one


def make_trials(count: int, name: str = "baseline") -> list[Trial]:
    """Trials of all states."""
    study, trials = STUDIES[name], list[Trial]()
    for number in range(count):
        params = propose(study, number, trials, "random", 7)
        state: State = ("complete", "pruned", "complete", "failed")[number % 4]
        values = dict(list(curve(params, EPOCHS).items())[: 3 if state == "pruned" else EPOCHS])
        if state == "failed":
            trials.append(Trial(number=number, params=params, cell="", state=state))
        else:
            trials.append(
                Trial(number=number, params=params, cell="", state=state, curve=values, value=list(values.values())[-1])
            )
    return trials


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@few(15, 500)
@given(number=st.integers(0, 16), at_once=st.integers(1, 5), data=st.data())
def test_results_of_trials_that_may_be_in_training_are_never_looked_at(
    sampler: str, number: int, at_once: int, data: st.DataObject
) -> None:
    trials = make_trials(18)
    earlier = visible_trials(trials, number, at_once)
    assert earlier is not None
    assert [trial.number for trial in earlier] == list(range(number))
    assert sum(trial.running for trial in earlier) == min(number, at_once - 1)
    changed = [
        trial
        if trial.number <= number - at_once
        else dataclasses.replace(
            trial, state=data.draw(st.sampled_from(["running", "failed", "complete"])), value=1.0, curve={1: 1.0}
        )
        for trial in data.draw(st.permutations(trials))
    ]
    assert visible_trials(changed, number, at_once) == earlier
    assert propose(STUDY, number, earlier, sampler, 0) == propose(STUDY, number, earlier[::-1], sampler, 0)


def test_a_trial_waits_for_those_that_it_has_to_know() -> None:
    trials = [dataclasses.replace(trial, state="running") if trial.number == 3 else trial for trial in make_trials(9)]
    assert visible_trials(trials, 7, 4) is None
    for number, at_once in ((3, 1), (6, 4), (7, 5)):
        assert visible_trials(trials, number, at_once) is not None


ELSEWHERE = """
import json
from tests.harness.tune.test_sampling import STUDY, make_trials
from harness.tune.sampling import propose
proposals = [propose(STUDY, number, make_trials(number), name, 3) for name in ("tpe", "random") for number in (1, 14)]
print(json.dumps(proposals))
"""


def test_another_process_has_the_same_answers() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ELSEWHERE],
        env=os.environ | {"PYTHONHASHSEED": "5"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = [propose(STUDY, number, make_trials(number), name, 3) for name in ("tpe", "random") for number in (1, 14)]
    assert json.loads(done.stdout) == here


@few(20, 500)
@given(name=NAMES, number=st.integers(0, 40), sampler=st.sampled_from(["tpe", "random"]), seed=st.integers())
def test_every_proposal_lies_in_the_space(name: str, number: int, sampler: str, seed: int) -> None:
    study = STUDIES[name]
    params = propose(study, number, make_trials(number, name), sampler, seed)
    study.changes(params)  # refuses what does not
    for parameter, bounds in study.space().items():
        assert isinstance(params[parameter], int if bounds.whole else float)
    if number < len(study.starts):
        assert params == dict(study.starts[number].params)
        falling = dict.fromkeys(range(1, 5), -1.0)
        at, rungs = decide_pruning(study, number, make_trials(number, name), falling, "hyperband", EPOCHS, True)
        assert at is None
        assert set(rungs.values()) <= {-1.0}  # what others have to compete with


def test_seeds_and_numbers_have_draws_of_their_own() -> None:
    earlier = make_trials(14)
    proposals = [propose(STUDY, 14, earlier, "tpe", seed) for seed in range(5)]
    proposals += [propose(STUDY, number, earlier[:number], "random", 0) for number in range(1, 6)]
    assert len({json.dumps(params) for params in proposals}) == 10


def test_gaussian_processes_are_drawn_from_all_that_is_known() -> None:
    earlier = [dataclasses.replace(trial, state="complete", value=trial.params["dropout"]) for trial in make_trials(12)]
    params = propose(STUDY, 12, earlier, "gp", 0)
    STUDY.changes(params)
    assert propose(STUDY, 12, earlier, "gp", 0) == params != propose(STUDY, 12, earlier, "random", 0)
    assert params["dropout"] > 0.45


@pytest.mark.parametrize("state", ["failed", "complete"])
def test_failed_trials_teach_the_sampler_to_stay_away(state: State) -> None:
    """Above a rate of 1e-5 all trials fail; or are complete, and better than the others."""
    trials = []
    for number in range(40):
        params = propose(STUDY, number, trials, "random", 0)
        high = float(params["lr"]) > 1e-5
        trial = Trial(number=number, params=params, cell="", state="complete", value=0.5 + 0.1 * high)
        trials.append(dataclasses.replace(trial, state="failed", value=None) if high and state == "failed" else trial)
    proposed_high = [float(propose(STUDY, 40, trials, "tpe", seed)["lr"]) > 1e-5 for seed in range(30)]
    assert sum(proposed_high) < 5 if state == "failed" else sum(proposed_high) > 20


def test_prunings_are_those_of_optuna_s_own_hyperband() -> None:
    plain = optuna.create_study(
        study_name=STUDY.name,
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=3),
    )
    earlier: list[Trial] = []
    for number in range(120 if FULL else 40):
        theirs = plain.ask()
        params = STUDY_PARAMS | {"lr": theirs.suggest_float("lr", 1e-6, 1e-4, log=True)}
        values, pruned = curve(params), None
        for epoch, value in values.items():
            theirs.report(value, epoch)
            if epoch < EPOCHS and theirs.should_prune() and number:  # the first is the paper's
                pruned = epoch
                break
        ours, rungs = decide_pruning(STUDY, number, earlier, values, "hyperband", EPOCHS, not number)
        assert ours == pruned, number
        state: State = "pruned" if pruned else "complete"
        plain.tell(theirs, None if pruned else values[EPOCHS], optuna.trial.TrialState[state.upper()])
        attributes = plain.trials[number].system_attrs
        assert rungs == {name: value for name, value in attributes.items() if name.startswith("completed_rung")}
        reached = {epoch: value for epoch, value in values.items() if epoch <= (pruned or EPOCHS)}
        last = reached[max(reached)]
        earlier.append(
            Trial(number=number, params=params, cell="", state=state, value=last, curve=reached, rungs=rungs)
        )
    ends = [max(trial.curve) for trial in earlier]
    assert set(ends) == {1, 3, EPOCHS}


STUDY_PARAMS: dict[str, Any] = {"dropout": 0.3, "weight_decay": 1e-3}


@pytest.mark.parametrize("number", [1, 9, 10, 25])
def test_proposals_are_those_of_optuna_s_own_tpe_on_trials_that_it_has_run(number: int) -> None:
    trials = make_trials(number)
    theirs = optuna.create_study(direction="maximize")
    spread = distributions(STUDY.space())
    for trial in trials:
        theirs.enqueue_trial(dict(trial.params))
        theirs_trial = theirs.ask(spread)
        assert theirs_trial.params == trial.params
        for epoch, value in trial.curve.items():
            theirs_trial.report(value, epoch)
        complete = trial.state == "complete"
        state = optuna.trial.TrialState.COMPLETE if complete else optuna.trial.TrialState.PRUNED
        theirs.tell(theirs_trial, trial.value if complete else None, state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        seed = int(digest([3, number], 8), 16)
        theirs.sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
    assert propose(STUDY, number, trials, "tpe", 3) == theirs.ask(spread).params
