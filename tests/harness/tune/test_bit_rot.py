"""One bit of what a study is made of: the same command comes to the same trials and the same winner, or says what was
hurt; a report of it, too."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cells.trial import Trial, best_trial
from harness.registry import tuned_settings
from harness.registry.tuned_settings import TunedError
from harness.tracking import trial_payload
from harness.tracking.from_cells import ResultsFolder
from harness.tracking.studies import read_studies
from harness.tune import run
from harness.tune.agreement import check_agreement
from model.errors import InputError
from tests.experiments.test_tuned_suites import BASELINE, winner
from tests.harness.homes import TAGS
from tests.harness.processes import FULL
from tests.harness.rot import count, turn
from tests.harness.tune.journals import ManualPool, make_study_run
from tests.harness.tune.test_delivery import run_noted_study

FLIPS = 400 if FULL else 25
TRIALS = 12


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "home"
    trials = run_noted_study(folder, make_study_run(), TRIALS)
    assert best_trial(trials) is not None and {trial.state for trial in trials} == {"complete", "pruned", "failed"}
    return folder


def carried_on(home: Path) -> tuple[list[Any], list[str]]:
    """The trials that the same command comes to, but for when they ended, and what it says or trains."""
    pool, said = ManualPool(home), list[str]()
    study_run = make_study_run()
    queue = pool.make_queue(
        study_run,
        TRIALS,
        2,
        lambda trial: trial_payload.write_trial(home, run.trial_record(study_run, "s", trial, TAGS)),
        said.append,
    )
    check_agreement(study_run, queue.storage.trials(), home, TAGS["setup"], "the storage")
    while pool.step(queue):
        pass
    trials = queue.storage.trials()
    check_agreement(study_run, trials, home, TAGS["setup"], "the storage")
    return [of(trial) for trial in trials] + [queue.storage.at_once], said + queue.remarks + pool.trained


def of(trial: Trial) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(trial)))
    return {name: value for name, value in record.items() if name != "ended"}


def hurt(home: Path, folder: Path, kind: str) -> Iterator[tuple[Path, Path, int]]:
    chance = random.Random(kind)
    for at in range(FLIPS):
        copy = Path(shutil.copytree(home, folder / str(at)))
        path = chance.choice(sorted(copy.glob(kind)))
        yield copy, path, turn(path, chance)
        shutil.rmtree(copy)


def test_a_bit_of_a_storage_makes_no_other_winner(home: Path, tmp_path: Path) -> None:
    before, said = carried_on(Path(shutil.copytree(home, tmp_path / "whole")))
    assert said == []
    for copy, path, bit in hurt(home, tmp_path, "studies/optuna.log"):
        try:
            after, said = carried_on(copy)
        except InputError:
            outcome = "noticed"
        else:
            outcome = ("mended" if said else "harmless") if after == before else "noticed" if said else "silent"
        assert count("studies/optuna.log", outcome) != "silent", (path, bit)


@pytest.mark.parametrize("kind", ["readers/*", "cells/*/journal.jsonl", "cells/*/cell.json"])
def test_a_trial_that_a_report_leaves_out_is_named(home: Path, tmp_path: Path, kind: str) -> None:
    for copy, path, bit in hurt(home, tmp_path, kind):
        evidence = ResultsFolder(copy)
        (study,) = read_studies(evidence)
        list(evidence.setups([]))
        assert len(study.trials) < TRIALS and str(path) in str(evidence.faults()), (path, bit)
        count(f"of a trial: {kind}", "noticed")


def test_a_trial_whose_cell_is_gone_is_named(home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(home, tmp_path / "home"))
    shutil.rmtree(next(copy.glob("cells/*/predictions.npz")).parent)
    evidence = ResultsFolder(copy)
    assert len(read_studies(evidence)[0].trials) == TRIALS - 1
    (fault,) = evidence.faults()
    assert fault.endswith("its trial is not shown, and harness tune trains it again once studies/optuna.log is deleted")


def test_a_bit_of_a_file_of_winners(tmp_path: Path) -> None:
    path, winners, chance = tmp_path / "smart.toml", (winner(), BASELINE), random.Random(0)
    for _ in range(FLIPS):
        tuned_settings.write_winners(path, winners)
        turn(path, chance)
        try:
            same = tuned_settings.read_winners(path) == winners
        except TunedError:
            count("tuned/*.toml", "noticed")
        else:
            assert count("tuned/*.toml", "harmless" if same else "silent") == "harmless"


@pytest.mark.parametrize(
    ("pattern", "lie", "sentence"),
    [
        (r'("at_once": ?)2', r"\g<1>3", "it has at_once 3, and did not begin with it"),
        (r'("cost": ?)3.5', r"\g<1>1.5", "it has cost 1.5, and 3.5 was kept when it ended"),
        (r'(?s)(.*"start": ?)""', r'\g<1>"bertram"', "it has the start bertram, and its parameters are not those"),
        (r'(?s)(.*"cell": ?"[0-9a-f]{23})[0-9a-f]', r"\g<1>x", "and it names [0-9a-f]{23}x"),
    ],
)
def test_what_is_not_so_is_said_of_what_was_written_last(
    home: Path, tmp_path: Path, pattern: str, lie: str, sentence: str
) -> None:
    copy = Path(shutil.copytree(home, tmp_path / "home"))
    file = copy / "studies" / "optuna.log"
    changed, times = re.subn(pattern, lie, file.read_text(), count=1)
    assert times == 1
    file.write_text(changed)
    with pytest.raises(InputError, match=f"{sentence}; the storage was changed or damaged"):
        carried_on(copy)
