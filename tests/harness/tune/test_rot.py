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

from harness import tuned
from harness.measured import Home
from harness.tune import told
from harness.tune.agreement import agree
from harness.tune.kept import studies
from harness.tune.trial import Trial, best
from harness.tuned import TunedError
from model.errors import InputError
from tests.experiments.test_tuned import BASELINE, winner
from tests.harness.homes import TAGS
from tests.harness.processes import FULL
from tests.harness.rot import count, turn
from tests.harness.tune.journals import Hands, arm
from tests.harness.tune.test_told import sought

FLIPS = 400 if FULL else 25
TRIALS = 12


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "home"
    trials = sought(folder, arm(), TRIALS)
    assert best(trials) is not None and {trial.state for trial in trials} == {"complete", "pruned", "failed"}
    return folder


def carried_on(home: Path) -> tuple[list[Any], list[str]]:
    """The trials that the same command comes to, but for when they ended, and what it says or trains."""
    hands, said = Hands(home), list[str]()
    search = hands.search(
        arm(), TRIALS, 2, lambda trial: told.note(home, told.noted(arm(), "s", trial, TAGS)), said.append
    )
    agree(arm(), search.storage.trials(), home, TAGS["setup"], "the storage")
    while hands.step(search):
        pass
    found = search.storage.trials()
    agree(arm(), found, home, TAGS["setup"], "the storage")
    return [of(trial) for trial in found] + [search.storage.at_once], said + search.remarks + hands.trained


def of(trial: Trial) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(trial)))
    return {name: value for name, value in known.items() if name != "ended"}


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
        evidence = Home(copy)
        (found,) = studies(evidence)
        list(evidence.setups([]))
        assert len(found.trials) < TRIALS and str(path) in str(evidence.faults()), (path, bit)
        count(f"of a trial: {kind}", "noticed")


def test_a_trial_whose_cell_is_gone_is_named(home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(home, tmp_path / "home"))
    shutil.rmtree(next(copy.glob("cells/*/predictions.npz")).parent)
    evidence = Home(copy)
    assert len(studies(evidence)[0].trials) == TRIALS - 1
    (fault,) = evidence.faults()
    assert fault.endswith("its trial is not shown, and harness tune trains it again once studies/optuna.log is deleted")


def test_a_bit_of_a_file_of_winners(tmp_path: Path) -> None:
    path, winners, chance = tmp_path / "smart.toml", (winner(), BASELINE), random.Random(0)
    for _ in range(FLIPS):
        tuned.write(path, winners)
        turn(path, chance)
        try:
            same = tuned.read(path) == winners
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
