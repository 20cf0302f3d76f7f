"""A row against itself, from training to verdict: the same row under two names and on two sets of seeds is hardly ever
called different, and a difference that was planted is found."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from experiments.profiles import DEMO, PROFILES
from experiments.suite import Claim, Contrast, Row, Suite
from harness.registry.selectors import find
from harness.tracking.from_cells import ResultsFolder
from reports.claim_verdicts import judge
from reports.results import Runs, Seed, SetUp
from reports.suite.effects import effects
from tests.harness.conftest import Invoke
from tests.harness.homes import empty

REPEATS = 100 if os.environ.get("HARNESS_TEST_COUNTS") == "full" else 3
SEEDS = 3  # of each of the two
ROW = "bertram/table1/03-sst-quora"
TINY = ("--set", "epochs=1", "--set", "sst.rows=16", "--set", "quora.rows=16", "--set", "max_tokens=16")
MORE = ("--set", "epochs=4", "--set", "sst.rows=400", "--set", "quora.rows=16", "--set", "max_tokens=16")
MOMENT = dataclasses.replace(DEMO, name="moment", dev={"sst": 100, "quora": 100}, training_sample=8)
METRICS = ("sst_accuracy", "quora_accuracy")


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that scores few rows, and a database that is made at once."""
    empty()
    monkeypatch.setattr("harness.tracking.database.migrate_database", lambda file: file.write_bytes(empty()))
    monkeypatch.setitem(PROFILES, MOMENT.name, MOMENT)


def trained(invoke: Invoke, home: Path, encoder: Path, seeds: int, words: Sequence[str]) -> tuple[SetUp, Runs]:
    """The row as it was trained with so many seeds."""
    common = ("--profile", MOMENT.name, "--data", "embedded", "--jobs", 2, "--no-report", "--device", "cpu")
    options = (*common, "--seeds", seeds, "--encoder", encoder, "--home", home)
    result = invoke("run", ROW, *words, *options)
    assert result.exit_code == 0, result.output
    (setup,) = ResultsFolder(home).setups([find(ROW)])
    row = setup.rows[ROW]
    assert len(row.done) == seeds
    return setup, row


def named(row: Runs, name: str, on: str | None, seeds: Sequence[Seed]) -> Runs:
    """Some of a row's seeds, numbered from 0, under another name."""
    numbered = [dataclasses.replace(seed, seed=at) for at, seed in enumerate(seeds)]
    return Runs(row.suite, dataclasses.replace(row.row, name=name, on=on, changes=()), numbered, row.reader)


def compared(setup: SetUp, first: Runs, second: Runs) -> tuple[list[str], bool]:
    """The verdicts on the two, and whether a table's effects call one of them different."""
    claims = tuple(
        Claim(
            name=metric,
            says="One is better.",
            contrasts=(Contrast(better="one", worse="other", metric=metric),),
        )
        for metric in METRICS
    )
    rows: tuple[Row, ...] = (second.row, first.row)
    suite: Suite = dataclasses.replace(
        first.suite, paper="a", table="against", rows=rows, claims=claims, statements=(), extends=None, columns=METRICS
    )
    both = [dataclasses.replace(runs, suite=suite) for runs in (second, first)]
    pair = dataclasses.replace(setup, rows={runs.slug: runs for runs in both})
    verdicts = [each.verdict for each in judge(pair, [suite])]
    return verdicts, any(effect.supported for effect in effects(pair, suite))


def test_the_same_row_is_hardly_ever_called_different(invoke: Invoke, tmp_path: Path, encoder: Path) -> None:
    setup, row = trained(invoke, tmp_path / "home", encoder, 2 * SEEDS * REPEATS, TINY)
    different = 0
    for at in range(REPEATS):
        mine = row.seeds[2 * SEEDS * at : 2 * SEEDS * (at + 1)]
        one, other = named(row, "one", "other", mine[:SEEDS]), named(row, "other", None, mine[SEEDS:])
        verdicts, supported = compared(setup, one, other)
        different += supported or bool({*verdicts} & {"reproduced", "contradicted"})
    print(f"{different} of {REPEATS} pairs of equals were called different")
    assert different <= max(1, REPEATS * 0.05)


def test_a_difference_that_was_planted_is_found(invoke: Invoke, tmp_path: Path, encoder: Path) -> None:
    setup, few = trained(invoke, tmp_path / "few", encoder, 6, TINY)
    _, many = trained(invoke, tmp_path / "many", encoder, 6, MORE)
    one, other = named(many, "one", "other", many.seeds), named(few, "other", None, few.seeds)
    verdicts, supported = compared(setup, one, other)
    assert verdicts[0] == "reproduced"
    assert supported
