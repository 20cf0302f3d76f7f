"""Several commands on one results folder carry out one study, the one that a single worker would have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.processes import FULL, kill, until, workers
from tests.harness.tune.journals import ManualPool, make_study_run, train
from tests.harness.tune.quick import TRIALS, cells, finish, same, settled, start, trainings, words


@pytest.mark.parametrize("commands", [2, 3] if FULL else [2])
def test_commands_share_the_trials_of_a_study(commands: int, home: Path, encoder: Path, reference: Path) -> None:
    command = words(home, encoder, TRIALS, "--jobs", 1)
    running = [start(*command) for _ in range(commands)]
    outputs = [run.communicate()[0] for run in running]
    assert [run.returncode for run in running] == [0] * commands, outputs
    assert "Traceback" not in "".join(outputs)
    assert set(trainings(home)) == set(cells(home))
    same(home, reference)


@pytest.mark.skipif(not FULL, reason="two workers are killed and sequences drawn at random elsewhere: in make test-all")
@pytest.mark.parametrize("jobs", [2, 3])
def test_a_study_does_not_depend_on_the_number_of_workers(
    jobs: int, home: Path, encoder: Path, reference: Path
) -> None:
    finish(*words(home, encoder, TRIALS, "--jobs", jobs))
    assert set(trainings(home)) == set(cells(home))
    same(home, reference)


@pytest.mark.skipif(not FULL, reason="of two commands one is killed: in make test-all")
def test_what_a_killed_command_left_is_taken_over(home: Path, encoder: Path, reference: Path) -> None:
    command = words(home, encoder, TRIALS, "--jobs", 1)
    running = [start(*command) for _ in range(2)]
    until(lambda: len(settled(home)) > 1, 180)
    for number in (running[0].pid, *workers(running[0].pid)):
        kill(number)
    outputs = [run.communicate()[0] for run in running]
    assert running[1].returncode == 0, outputs
    assert "Traceback" not in "".join(outputs)
    same(home, reference)


def test_a_trial_that_was_ended_before_its_worker_asks_is_trained_no_further(tmp_path: Path) -> None:
    """As another command does that reads the journal first, or this one by its next look at all trials."""
    study_run, pool = make_study_run(), ManualPool(tmp_path)
    queue, pruned = pool.make_queue(study_run, 14, 1), 0
    while jobs := queue.next_jobs(1):
        cell, trial = jobs[0].cell, queue.trials[-1]
        epochs = train(tmp_path, cell, trial.params, study_run.epochs)
        queue.next_jobs(0)
        assert len(epochs) == study_run.epochs or queue.should_continue(cell, epochs) == queue.trials[-1].running
        if queue.trials[-1].state == "pruned":
            pruned += 1
            assert all(
                queue.should_continue(cell, epochs[:at]) for at in range(1, len(epochs))
            )  # begun again, it comes as far
    assert pruned > 2
