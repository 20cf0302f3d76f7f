"""Studies read back from the tracking store: the same numbers, each study and each set-up apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cells.trial import Trial, best_trial, total_cost
from harness.tracking import trial_payload
from harness.tracking.from_cells import ResultsFolder
from harness.tracking.queries import StoredResults
from harness.tracking.store import Store
from harness.tracking.studies import read_studies
from harness.tracking.sync import Delivery
from harness.tune import run
from harness.tune.importances import with_importances
from harness.tune.study_run import Method
from model.errors import InputError
from reports.tuning.results import Trial as StoredTrial
from tests.harness.homes import TAGS, empty
from tests.harness.tune.journals import make_study_run
from tests.harness.tune.test_delivery import Delivered, deliver, delivered, run_noted_study

__all__ = ["delivered"]  # a fixture


@pytest.fixture(autouse=True)
def fast_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases are copies of one."""
    empty()
    monkeypatch.setattr("harness.tracking.database.migrate_database", lambda file: file.write_bytes(empty()))


def check(stored: StoredTrial, trial: Trial) -> None:
    assert (stored.number, stored.state, stored.start, stored.reason) == (
        *(trial.number, trial.state, trial.start, trial.reason),
    )
    assert (stored.params, stored.value, stored.scores) == (trial.params, trial.value, trial.scores)
    assert [type(value) for value in stored.params.values()] == [type(value) for value in trial.params.values()]
    assert (stored.epochs, stored.cost, stored.reused) == (len(trial.curve), trial.cost, trial.reused)
    assert (stored.health.get("loss/sst"), stored.health.get("gap/sst_accuracy")) == (
        (1 / len(trial.curve), 0.0) if trial.curve else (None, None)
    )


def test_a_study_reads_back_with_the_same_numbers(delivered: Delivered) -> None:
    (home, trials, _), study_run = delivered, make_study_run()
    (study,) = read_studies(ResultsFolder(home))
    assert read_studies(StoredResults(Store(home))) == [study]
    assert (study.name, study.arm, study.study, study.row) == (
        study_run.id,
        study_run.repeats,
        "baseline",
        study_run.study.row,
    )
    assert (study.sampler, study.pruner, study.seed, study.metric) == ("tpe", "hyperband", 0, "overall")
    assert (study.epochs, study.unit, study.setup) == (study_run.epochs, "CPU-seconds", "s1")
    assert study.space == study_run.study.space()
    assert study.facts == {name: TAGS[name] for name in ("profile", "data", "data_source", "encoder", "variant")}
    assert [trial.number for trial in study.trials] == list(range(8))
    for each, trial in zip(study.trials, trials, strict=True):
        check(each, trial)
    assert study.spent == total_cost(trials)
    top, winner = study.best, best_trial(trials)
    assert top is not None
    assert winner is not None
    assert (top.number, top.value) == (winner.number, winner.value)


def test_studies_and_set_ups_are_told_apart_and_in_order(tmp_path: Path) -> None:
    study_runs = [
        make_study_run("heads"),
        *(make_study_run("baseline", Method(sampler="random", seed=seed)) for seed in (10, 2)),
    ]
    run_noted_study(tmp_path, study_runs[0], 2)
    for study_run in study_runs[1:]:
        for trial in run_noted_study(tmp_path, study_run, 2):
            trial_payload.write_trial(
                tmp_path, run.trial_record(study_run, "CPU-seconds", trial, TAGS | {"setup": "s2", "profile": "small"})
            )
    deliver(tmp_path)
    every = read_studies(StoredResults(Store(tmp_path)))
    assert [(each.study, each.seed, each.setup) for each in every] == [
        *(("baseline", 2, "s1"), ("baseline", 10, "s1"), ("baseline", 2, "s2"), ("baseline", 10, "s2")),
        ("heads", 0, "s1"),
    ]
    assert [len(each.trials) for each in every] == [2] * 5
    assert len({each.arm for each in every}) == 2  # repetitions of the baseline share theirs
    assert len({each.name for each in every}) == 3
    assert [type(value) for value in every[-1].trials[1].params.values()] == [int, float, float]
    assert [each.setup for each in read_studies(StoredResults(Store(tmp_path)), "s2")] == ["s2", "s2"]
    assert read_studies(StoredResults(Store(tmp_path)), "s3") == []


def test_a_trial_that_was_made_again_is_read_once_and_as_it_ended_last(tmp_path: Path) -> None:
    study_run = make_study_run()
    trials = run_noted_study(tmp_path, study_run, 3)
    deliver(tmp_path)
    (tmp_path / "studies" / "optuna.log").unlink()
    run_noted_study(tmp_path, study_run, 3)
    deliver(tmp_path)
    (study,) = read_studies(StoredResults(Store(tmp_path)))
    assert [trial.number for trial in study.trials] == [0, 1, 2]
    assert [trial.value for trial in study.trials] == [trial.value for trial in trials]
    assert [trial.reused for trial in study.trials] == [True] * 3


def test_few_trials_have_no_importances(delivered: Delivered) -> None:
    (study,) = read_studies(StoredResults(Store(delivered[0])))
    assert with_importances(study) == study


def test_a_store_that_cannot_be_read_is_explained(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("no database\n" * 99)
    with pytest.raises(InputError, match="cannot be read"):
        read_studies(StoredResults(Store(tmp_path, f"sqlite:///{tmp_path / 'notes.db'}")))
    with Delivery(Store(tmp_path / "home"), print):
        assert read_studies(StoredResults(Store(tmp_path / "home"))) == []
