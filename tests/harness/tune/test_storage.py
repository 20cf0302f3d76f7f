"""A study in Optuna's storage: every number comes back to the bit, whatever happens to the file or its writer."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.search_space import Value
from harness.cells.trial import Trial
from harness.tune.storage import Storage
from tests.harness.trials import few
from tests.harness.tune.journals import make_study_run

STUDY_RUN = make_study_run("heads")  # it has a whole number among its parameters
FLOATS = st.floats(allow_infinity=False)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=40)
NAMES = st.sampled_from(["overall", "sst_accuracy", "sts_pearson"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def opened(home: Path, url_or_file: str | None = None, at_once: int = 4) -> Storage:
    return Storage(home, url_or_file, STUDY_RUN, at_once, lambda text: None)


def params(draw: st.DrawFn) -> dict[str, Value]:
    return {
        name: draw(
            st.integers(int(within.low), int(within.high)) if within.whole else st.floats(within.low, within.high)
        )
        for name, within in STUDY_RUN.study.space().items()
    }


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    """A trial, as it ends or still running; its value is that of its last epoch."""
    create_running = Trial(
        number=0,
        params=params(draw),
        cell=draw(TEXTS),
        start=draw(TEXTS),
        reused=draw(st.booleans()),
    )
    state = draw(st.sampled_from(["running", "complete", "pruned", "failed"]))
    if state == "running":
        return create_running
    curve = dict(enumerate(draw(st.lists(FLOATS, max_size=5)), 1))
    if state == "complete":
        curve[len(curve) + 1] = draw(FINITE)
    last = curve.get(len(curve), math.nan)
    return dataclasses.replace(
        create_running,
        state=state,
        value=None if state == "failed" or math.isnan(last) else last,
        curve=curve,
        scores=draw(st.dictionaries(NAMES, FINITE)),
        rungs=draw(st.dictionaries(st.sampled_from(["completed_rung_0", "completed_rung_1"]), FLOATS)),
        epoch=draw(st.integers(0, 99)),
        cost=draw(st.floats(0, 1e12)),
        reason=draw(TEXTS),
        ended="2026-01-01T00:00:00.000+00:00",
    )


def bits(trial: Trial) -> str:
    """All fields with their types; what is equal to the last bit has the same."""
    fields = dataclasses.asdict(trial)
    fields["curve"] = sorted(fields["curve"].items())
    return repr([(name, type(value), value) for name, value in fields.items()])


@few(6, 1000)
@given(wanted=st.lists(trials(), min_size=1, max_size=4))
def test_every_field_comes_back_to_the_bit(tmp_path_factory: pytest.TempPathFactory, wanted: list[Trial]) -> None:
    home = tmp_path_factory.mktemp("trials")
    storage = opened(home)
    numbered = [dataclasses.replace(trial, number=number) for number, trial in enumerate(wanted)]
    for trial in numbered:
        storage.create(trial)
    for trial in reversed(numbered):
        if not trial.running:
            storage.end(trial)
    for stored in (storage.trials(), opened(home).trials()):
        assert list(map(bits, stored)) == list(map(bits, numbered))


@few(1, 100)
@given(trial=trials())
def test_every_field_comes_back_from_a_database(tmp_path_factory: pytest.TempPathFactory, trial: Trial) -> None:
    home = tmp_path_factory.mktemp("trials")
    url = f"sqlite:///{home}/trials.db"
    storage = opened(home, url)
    storage.create(trial)
    if not trial.running:
        storage.end(trial)
    assert bits(opened(home, url).trials()[0]) == bits(trial)


def create_running(storage: Storage, number: int = 0) -> Trial:
    layers: Mapping[str, Value] = {"layers": 2, "dropout": 0.25, "lr": 1e-5}
    trial = Trial(number=number, params=layers, cell="abc")
    storage.create(trial)
    return trial


def completed(trial: Trial) -> Trial:
    return dataclasses.replace(
        trial,
        state="complete",
        value=0.5,
        curve={1: 0.25, 2: math.nan, 3: 0.5},
        scores={"overall": 0.5},
        epoch=3,
        cost=12.5,
        ended="2026",
    )


def test_a_trial_that_has_ended_stays_as_it_is(home: Path) -> None:
    storage = opened(home)
    ended = completed(create_running(storage))
    storage.end(ended)
    file = home / "studies" / "optuna.log"
    content = file.read_bytes()
    storage.end(ended)
    storage.end(dataclasses.replace(ended, state="failed", value=None, reason="no"))
    opened(home).end(ended)
    assert list(map(bits, storage.trials())) == [bits(ended)]
    assert written(file) == content


def written(file: Path) -> bytes:
    """The file without what Optuna adds when it is opened again."""
    first, *rest = file.read_bytes().splitlines(keepends=True)
    return first + b"".join(line for line in rest if b"study_name" not in line)


class Killed(BaseException):
    """The process ended here."""


def dying(monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """Have the process end after so many writes."""
    append = optuna.storages.journal.JournalFileBackend.append_logs
    left = iter(range(writes))

    def write(self: Any, logs: list[dict[str, Any]]) -> None:
        if next(left, None) is None:
            raise Killed
        append(self, logs)

    monkeypatch.setattr(optuna.storages.journal.JournalFileBackend, "append_logs", write)


@pytest.mark.parametrize("writes", range(0, 13, 4))
def test_an_end_that_was_half_written_is_finished_later(
    home: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    storage = opened(home)
    ended = completed(create_running(storage))
    dying(monkeypatch, writes)
    with pytest.raises(Killed):
        storage.end(ended)
    monkeypatch.undo()
    (trial,) = opened(home).trials()
    assert trial.running
    opened(home).end(ended)
    assert list(map(bits, opened(home).trials())) == [bits(ended)]


@pytest.mark.parametrize("writes", range(4))
def test_a_study_whose_making_was_ended_is_made_whole(home: Path, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    dying(monkeypatch, writes)
    with pytest.raises(Killed):
        opened(home)
    monkeypatch.undo()
    assert opened(home).at_once == 4
    create_running(opened(home))
