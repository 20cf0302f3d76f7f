"""``python -m tests.harness.tune.quick tune ...``: the command with a profile of cells that take a moment, a place to
die at on demand, and a log of what its workers trained. Beside it what the tests of studies share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.profiles import PROFILES, Profile
from harness.cells.lease import is_leased
from harness.cells.record import read_journal
from tests import ROOT

QUICK = Profile(
    name="quick",
    says="a moment a cell: for tests of what happens to a study",
    data="embedded",
    encoder="tiny",
    rows=((6040, 24), (9000, 36)),
    full={"sst": 24, "quora": 24, "sts": 24},
    epochs=((10, 4),),  # two brackets of Hyperband
    batch=((8, 8),),
    rate_multiplier=60.0,
    dev={"sst": 24, "quora": 24, "sts": 24},
    training_sample=8,
)
STUDY = "baseline"
TRIALS = 14 if os.environ.get("HARNESS_TEST_COUNTS") == "full" else 12
EXIT, LOG = "HARNESS_TEST_EXIT", "HARNESS_TEST_TRAININGS"
DEAD = 9  # exit code at a chosen place


def words(home: Path, encoder: Path, trials: int, *more: object) -> list[object]:
    """A study of some trials, without a report."""
    fixed = ["tune", "--study", STUDY, "--profile", "quick", "--encoder", encoder, "--home", home, "--device", "cpu"]
    return [*fixed, "--no-report", "--trials", trials, *more]


def start(*words: object, dying: str = "") -> subprocess.Popen[str]:
    """This module's command in a process group of its own, its output in a pipe. ``dying``: PLACE:COUNT."""
    home = Path(str(words[words.index("--home") + 1]))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.harness.tune.quick", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "120", EXIT: dying, LOG: str(log(home))},
        start_new_session=True,
    )


def finish(*words: object, code: int = 0, dying: str = "") -> str:
    """Run to the end; the output."""
    with start(*words, dying=dying) as run:
        assert run.stdout is not None
        output = run.stdout.read()
    assert run.returncode == code, output
    assert "Traceback" not in output, output
    return output


def log(home: Path) -> Path:
    return home.with_name(f"{home.name}.trainings")


def trainings(home: Path) -> Counter[str]:
    """How often each cell was trained as far as it was to be, by whichever process."""
    return Counter(line.split()[0] for line in log(home).read_text().splitlines()) if log(home).exists() else Counter()


def active_workers(home: Path, command: int) -> set[str]:
    """Pids of the command's workers that have trained something."""
    lines = [line.split() for line in log(home).read_text().splitlines()] if log(home).exists() else []
    return {worker for _, parent, worker, _ in lines if parent == str(command)}


def study(home: Path, storage: str = "") -> Any:
    """The only one in an Optuna storage: the results folder's file, or a database."""
    import optuna
    from optuna.storages.journal import JournalFileBackend
    from sqlalchemy.pool import NullPool

    opened: Any = (
        optuna.storages.RDBStorage(storage, engine_kwargs={"poolclass": NullPool})
        if storage
        else optuna.storages.JournalStorage(JournalFileBackend(str(home / "studies" / "optuna.log")))
    )
    (name,) = optuna.get_all_study_names(opened)
    return optuna.load_study(study_name=name, storage=opened)


def sequence(home: Path, storage: str = "") -> list[tuple[Any, ...]]:
    """Number, parameters, state, value and curve of all trials; the curve as text, for it may hold NaN."""
    return [
        (each.number, each.params, each.state.name, each.value if each.values else None, repr(curve(each)))
        for each in study(home, storage).trials
    ]


def curve(trial: Any) -> dict[int, float]:
    """Databases have no order."""
    return dict(sorted(trial.intermediate_values.items()))


def cells(home: Path, storage: str = "") -> list[str]:
    """Of the trials, by number."""
    return [str(each.user_attrs["cell"]) for each in study(home, storage).trials]


def settled(home: Path) -> dict[str, bytes]:
    """What tells a later training from the one there is, of each cell that has ended or was pruned."""
    trained = trainings(home)  # first: an orphan may end another in the meantime
    outcomes = {path.parent.name: path.read_bytes() for path in home.glob("cells/*/outcome.json")}
    pruned = [cell for cell in trained if cell not in outcomes]
    return outcomes | {cell: (home / "cells" / cell / "journal.jsonl").read_bytes() for cell in pruned}


def tracked(home: Path) -> tuple[list[str], list[tuple[int, str, float | None]]]:
    """The parents in the tracking store, and number, state and value of the trials under them."""
    from harness.tracking.store import Store

    client = Store(home).client
    experiment = client.get_experiment_by_name(f"tuning/{STUDY}")
    assert experiment is not None
    every = client.search_runs([experiment.experiment_id], max_results=1000)
    runs = [run for run in every if run.data.tags.get("superseded") != "true"]
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED", "FAILED"}  # none left in the middle
    parents = [run.info.run_id for run in runs if run.data.tags["kind"] == "row"]
    trials = [run for run in runs if run.data.tags["kind"] == "trial"]
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == set(parents)
    ended = [
        (int(run.data.tags["trial"]), run.data.tags["state"].upper(), run.data.metrics.get("reported/overall"))
        for run in trials
    ]
    return parents, sorted(ended)


def same(home: Path, reference: Path, storage: str = "") -> None:
    """Assert that a study came to what another did, in Optuna's storage and in the tracking store, and that no cell was
    trained twice or further than it was judged worth."""
    trials = sequence(home, storage)
    assert trials == sequence(reference)
    assert [number for number, *_ in trials] == list(range(len(trials)))
    assert set(trainings(home).values()) <= {1}
    counted = [len(curve(each)) for each in study(home, storage).trials]
    assert [len(read_journal(home / "cells" / cell / "journal.jsonl")) for cell in cells(home, storage)] == counted
    parents, shown = tracked(home)
    assert len(parents) == 1
    assert shown == [(number, state, value) for number, _, state, value, _ in trials]
    assert not any(is_leased(folder) for folder in (home / "cells").iterdir())


def dies(before: Callable[..., Any], count: int, after: bool) -> Callable[..., Any]:
    """The function, dying at the ``count``-th call."""
    calls = iter(range(1, count + 1))

    def called(*values: Any, **named: Any) -> Any:
        last = next(calls) == count
        if last and not after:
            os._exit(DEAD)
        result = before(*values, **named)
        if last:
            os._exit(DEAD)
        return result

    return called


def die_at(place: str, count: int) -> None:
    """Have this process die there."""
    import optuna

    from harness.tracking import store
    from harness.tune.storage import Storage

    if place == "created":  # a trial that nobody has been told to train
        Storage.create = dies(Storage.create, count, True)  # type: ignore[method-assign]
    if place == "noted":  # kept in the results folder, unknown to the storage
        Storage.end = dies(Storage.end, count, False)  # type: ignore[method-assign]
    if place == "reported":  # half written
        optuna.Study.tell = dies(optuna.Study.tell, count, False)  # type: ignore[method-assign]
    if place == "ended":  # in the storage, not in the tracking store
        Storage.end = dies(Storage.end, count, True)  # type: ignore[method-assign]
    if place == "sent":  # half a run in the tracking store
        store.log_data = dies(store.log_data, count, True)


def counting() -> None:
    """Have this worker keep a log of the cells that it trained as far as they were to be."""
    from harness.execution import worker as serve
    from harness.execution.events import Cut

    train = serve.train

    def logged(worker: Any, connection: Any, job: Any, lease: Any) -> None:
        how = "whole"
        try:
            train(worker, connection, job, lease)
        except Cut:
            how = "cut"
            raise
        finally:
            if sys.exception() is None or how == "cut":
                with open(os.environ[LOG], "a", encoding="utf-8") as stream:
                    stream.write(f"{job.cell.id} {os.getppid()} {os.getpid()} {how}\n")

    serve.train = logged


def main(words: Sequence[str]) -> None:
    from harness.cli.main import main as command

    PROFILES["quick"] = QUICK
    place, _, count = os.environ.get(EXIT, "").partition(":")
    if place:
        die_at(place, int(count))
    command(list(words))


if __name__ == "__main__":
    main(sys.argv[1:])
if __name__ == "__mp_main__":  # a worker of its
    counting()
