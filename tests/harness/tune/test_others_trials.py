"""What others put into a study's storage (Optuna's dashboard, a notebook) is tried, or passed over in a sentence; it
never stops the study."""

from __future__ import annotations

import dataclasses
import os
import threading
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState, create_trial

from harness.cells.trial import Trial
from harness.tune.file import OURS, Lock
from harness.tune.scheduler import TrialQueue
from model.errors import InputError
from tests.harness.tune.journals import ManualPool, make_study_run, run_trials

STUDY_RUN = make_study_run()
WISH = {"lr": 2e-5, "dropout": 0.1, "weight_decay": 1e-3}
START = dict(STUDY_RUN.study.starts[0].params)


def shared(home: Path, **more: Any) -> optuna.Study:
    """The results folder's study as another program opens it."""
    (home / "studies").mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(home / "studies" / "optuna.log")))
    return optuna.create_study(study_name=STUDY_RUN.name, storage=storage, load_if_exists=True, **more)


def continue_study(home: Path, trials: int, at_once: int = 1) -> tuple[list[Trial], str]:
    """The study carried on to so many trials of its own, and what was said."""
    pool = ManualPool(home)
    queue = pool.make_queue(STUDY_RUN, trials, at_once)
    while pool.step(queue):
        pass
    return queue.storage.trials(), "\n".join(queue.remarks)


def test_other_programs_write_at_once_and_wait_for_nothing(tmp_path: Path) -> None:
    """Optuna's own lock is a file that exists; one that stays there holds up its programs for half a minute a write."""
    run_trials(STUDY_RUN, ManualPool(tmp_path), 1)
    assert not (tmp_path / "studies" / "optuna.log.lock").exists()


@pytest.mark.parametrize("left", ["link", "ours", "file"])
def test_a_lock_that_a_killed_program_left_is_no_lock(tmp_path: Path, left: str) -> None:
    run_trials(STUDY_RUN, ManualPool(tmp_path), 1)
    lock = tmp_path / "studies" / "optuna.log.lock"
    if left == "link":
        lock.symlink_to(tmp_path / "studies" / "optuna.log")
    else:
        lock.write_bytes(OURS if left == "ours" else b"")
    if left != "ours":
        os.utime(lock, (0, 0), follow_symlinks=False)
    assert len(continue_study(tmp_path, 2)[0]) == 2
    assert not lock.exists()


def test_the_lock_of_another_program_is_waited_for(tmp_path: Path) -> None:
    from optuna.storages.journal import JournalFileSymlinkLock

    run_trials(STUDY_RUN, ManualPool(tmp_path), 1)
    file = tmp_path / "studies" / "optuna.log"
    theirs, ours, order = JournalFileSymlinkLock(str(file)), Lock(file), list[str]()

    def wait() -> None:
        ours.acquire()
        order.append("ours")
        ours.release()

    theirs.acquire()
    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.2)
    order.append("theirs")
    theirs.release()
    waiting.join()
    assert order == ["theirs", "ours"]


def test_an_enqueued_trial_is_tried_next(tmp_path: Path) -> None:
    run_trials(STUDY_RUN, ManualPool(tmp_path), 2)
    shared(tmp_path).enqueue_trial(WISH)
    trials, remarks = continue_study(tmp_path, 4)
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert trials[2].params == WISH
    assert all(trial.state in ("complete", "pruned") for trial in trials)
    assert trials[2].cell == STUDY_RUN.cell(WISH).id
    assert remarks == "trial 2 was enqueued: weight_decay 0.001, lr 2e-5, dropout 0.1"
    assert shared(tmp_path).trials[2].state in (TrialState.COMPLETE, TrialState.PRUNED)


def test_the_sampler_chooses_what_an_enqueued_trial_leaves_open(tmp_path: Path) -> None:
    run_trials(STUDY_RUN, ManualPool(tmp_path), 2)
    shared(tmp_path).enqueue_trial({"dropout": 0.125})
    trials, remarks = continue_study(tmp_path, 3)
    assert trials[2].params["dropout"] == 0.125
    STUDY_RUN.study.changes(trials[2].params)
    assert remarks.endswith("; tpe chose weight_decay, lr")


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (WISH | {"lr": 0.5}, "lr is 0.5; the study seeks a number in 1e-06 to 0.0001"),
        (WISH | {"mu": 1.0}, "the study baseline has no parameter 'mu'; it seeks weight_decay, lr, dropout"),
        (WISH | {"dropout": "much"}, "dropout must be a number in 0 to 0.6"),
        (WISH | {"dropout": None}, "dropout must be a number in 0 to 0.6"),
    ],
)
def test_what_cannot_be_tried_is_passed_over_in_a_sentence(tmp_path: Path, wish: dict[str, Any], why: str) -> None:
    run_trials(STUDY_RUN, ManualPool(tmp_path), 2)
    shared(tmp_path).enqueue_trial(wish)
    trials, remarks = continue_study(tmp_path, 3)
    assert remarks == f"trial 2 is passed over and does not count: {why}"
    assert [trial.ours for trial in trials] == [True, True, False, True]
    assert shared(tmp_path).trials[2].state == TrialState.FAIL
    assert continue_study(tmp_path, 3)[0] == trials


def others(study: optuna.Study, state: TrialState) -> None:
    """A trial of another program: parameters of its own, or those of the study; a value that no cell has."""
    values = {"value": 0.99} if state == TrialState.COMPLETE else {}
    spread = {"x": optuna.distributions.FloatDistribution(0, 1)}
    study.add_trial(create_trial(state=state, params={"x": 0.5}, distributions=spread, **values))


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING])
def test_trials_of_other_programs_count_for_nothing(tmp_path: Path, state: TrialState, at_once: int) -> None:
    run_trials(STUDY_RUN, ManualPool(tmp_path), 3, at_once)
    others(shared(tmp_path), state)
    trials, remarks = continue_study(tmp_path, 12, at_once)
    assert remarks.count("\n") == 0
    assert remarks.startswith("trial 3 is passed over and does not count: another program began it")
    mine = [trial for trial in trials if trial.ours]
    assert len(mine) == 12
    assert [trial.number for trial in trials] == list(range(13))
    assert "running" not in {trial.state for trial in trials}


def test_a_study_that_others_began_has_the_papers_settings_all_the_same(tmp_path: Path) -> None:
    shared(tmp_path, direction="maximize").enqueue_trial(WISH)
    trials, _ = continue_study(tmp_path, 2)
    assert [dict(trial.params) for trial in trials] == [WISH, START]
    assert [trial.start for trial in trials] == ["", "bertram"]
    assert trials[1].state == "complete"  # never pruned


def test_a_trial_enqueued_while_another_begins_is_tried_after_it(tmp_path: Path) -> None:
    """The other then has the higher number, and its end waits for what it may look at."""
    run_trials(STUDY_RUN, ManualPool(tmp_path), 2)
    pool = ManualPool(tmp_path, jobs=2)
    queue = pool.make_queue(STUDY_RUN, 5, 1)
    create = queue.storage.create

    def late(trial: Trial) -> None:
        if trial.number == 2:
            shared(tmp_path).enqueue_trial(WISH)
        create(dataclasses.replace(trial))

    queue.storage.create = late  # type: ignore[method-assign]
    while pool.step(queue):
        pass
    trials = queue.storage.trials()
    assert [trial.state in ("complete", "pruned") for trial in trials] == [True] * 5
    assert dict(trials[2].params) == WISH


def begin_in_part(queue: TrialQueue, writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the process end after so many writes of the next beginning."""

    class Killed(BaseException):
        pass

    append, left = JournalFileBackend.append_logs, iter(range(writes))

    def write(self: Any, logs: list[dict[str, Any]]) -> None:
        if next(left, None) is None:
            raise Killed
        append(self, logs)

    monkeypatch.setattr(JournalFileBackend, "append_logs", write)
    with pytest.raises(Killed):
        queue.next_jobs(1)
    monkeypatch.undo()


@pytest.mark.parametrize("writes", range(7))
def test_an_enqueued_trial_that_was_half_begun_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    run_trials(STUDY_RUN, ManualPool(tmp_path), 2)
    shared(tmp_path).enqueue_trial(WISH)
    begin_in_part(ManualPool(tmp_path).make_queue(STUDY_RUN, 3, 1), writes, monkeypatch)
    trials, _ = continue_study(tmp_path, 3)
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert dict(trials[2].params) == WISH
    assert trials[2].state in ("complete", "pruned")


@pytest.mark.parametrize("directions", [["minimize"], ["maximize", "maximize"]])
def test_a_study_of_the_name_with_another_direction_is_refused(tmp_path: Path, directions: list[str]) -> None:
    shared(tmp_path, directions=directions)
    with pytest.raises(
        InputError, match=f"the study {STUDY_RUN.name} in .* does not maximise one value.*--sampler-seed"
    ):
        ManualPool(tmp_path).make_queue(STUDY_RUN, 1, 1)
