"""Studies read back from the tracking store: the same numbers, each study and each set-up apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cells.trial import Trial, best, spent
from harness.reporting.studies import read_studies, with_importances
from harness.tracking import store as storing
from harness.tracking import trial_payload
from harness.tracking.from_cells import Home
from harness.tracking.queries import Stored
from harness.tracking.store import Store
from harness.tracking.sync import Delivery
from harness.tune import run
from harness.tune.study_run import Method
from model.errors import InputError
from reports.tuning.results import Trial as Told
from tests.harness.homes import TAGS, empty
from tests.harness.tune.journals import arm
from tests.harness.tune.test_told import Delivered, deliver, delivered, sought

__all__ = ["delivered"]  # a fixture


@pytest.fixture(autouse=True)
def quickly_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases are copies of one."""
    empty()
    monkeypatch.setattr(storing, "migrate", lambda file: file.write_bytes(empty()))


def check(found: Told, trial: Trial) -> None:
    assert (found.number, found.state, found.start, found.reason) == (
        *(trial.number, trial.state, trial.start, trial.reason),
    )
    assert (found.params, found.value, found.scores) == (trial.params, trial.value, trial.scores)
    assert [type(value) for value in found.params.values()] == [type(value) for value in trial.params.values()]
    assert (found.epochs, found.cost, found.reused) == (len(trial.curve), trial.cost, trial.reused)
    assert (found.health.get("loss/sst"), found.health.get("gap/sst_accuracy")) == (
        (1 / len(trial.curve), 0.0) if trial.curve else (None, None)
    )


def test_a_study_reads_back_with_the_same_numbers(delivered: Delivered) -> None:
    (home, trials, _), of = delivered, arm()
    (found,) = read_studies(Home(home))
    assert read_studies(Stored(Store(home))) == [found]
    assert (found.name, found.arm, found.study, found.row) == (of.id, of.repeats, "baseline", of.study.row)
    assert (found.sampler, found.pruner, found.seed, found.metric) == ("tpe", "hyperband", 0, "overall")
    assert (found.epochs, found.unit, found.setup) == (of.epochs, "CPU-seconds", "s1")
    assert found.space == of.study.space()
    assert found.facts == {name: TAGS[name] for name in ("profile", "data", "data_source", "encoder", "variant")}
    assert [trial.number for trial in found.trials] == list(range(8))
    for each, trial in zip(found.trials, trials, strict=True):
        check(each, trial)
    assert found.spent == spent(trials)
    top, winner = found.best, best(trials)
    assert top is not None
    assert winner is not None
    assert (top.number, top.value) == (winner.number, winner.value)


def test_studies_and_set_ups_are_told_apart_and_in_order(tmp_path: Path) -> None:
    arms = [arm("heads"), *(arm("baseline", Method(sampler="random", seed=seed)) for seed in (10, 2))]
    sought(tmp_path, arms[0], 2)
    for of in arms[1:]:
        for trial in sought(tmp_path, of, 2):
            trial_payload.note(
                tmp_path, run.trial_record(of, "CPU-seconds", trial, TAGS | {"setup": "s2", "profile": "small"})
            )
    deliver(tmp_path)
    found = read_studies(Stored(Store(tmp_path)))
    assert [(each.study, each.seed, each.setup) for each in found] == [
        *(("baseline", 2, "s1"), ("baseline", 10, "s1"), ("baseline", 2, "s2"), ("baseline", 10, "s2")),
        ("heads", 0, "s1"),
    ]
    assert [len(each.trials) for each in found] == [2] * 5
    assert len({each.arm for each in found}) == 2  # repetitions of the baseline share theirs
    assert len({each.name for each in found}) == 3
    assert [type(value) for value in found[-1].trials[1].params.values()] == [int, float, float]
    assert [each.setup for each in read_studies(Stored(Store(tmp_path)), "s2")] == ["s2", "s2"]
    assert read_studies(Stored(Store(tmp_path)), "s3") == []


def test_a_trial_that_was_made_again_is_read_once_and_as_it_ended_last(tmp_path: Path) -> None:
    of = arm()
    trials = sought(tmp_path, of, 3)
    deliver(tmp_path)
    (tmp_path / "studies" / "optuna.log").unlink()
    sought(tmp_path, of, 3)
    deliver(tmp_path)
    (found,) = read_studies(Stored(Store(tmp_path)))
    assert [trial.number for trial in found.trials] == [0, 1, 2]
    assert [trial.value for trial in found.trials] == [trial.value for trial in trials]
    assert [trial.reused for trial in found.trials] == [True] * 3


def test_few_trials_have_no_importances(delivered: Delivered) -> None:
    (found,) = read_studies(Stored(Store(delivered[0])))
    assert with_importances(found) == found


def test_a_store_that_cannot_be_read_is_explained(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("no database\n" * 99)
    with pytest.raises(InputError, match="cannot be read"):
        read_studies(Stored(Store(tmp_path, f"sqlite:///{tmp_path / 'notes.db'}")))
    with Delivery(Store(tmp_path / "home"), print):
        assert read_studies(Stored(Store(tmp_path / "home"))) == []
