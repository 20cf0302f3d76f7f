"""A report is written again whenever anything that its bytes depend on is another: what is declared, to the last field,
what was measured, and the code that draws."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from experiments.profiles import PROFILES, Profile
from experiments.statements import ConstantAnswer
from experiments.suite import Change, Claim, Contrast, Row, Suite
from harness.reporting import input_digest
from harness.reporting.input_digest import digest_inputs
from harness.tracking.from_cells import ResultsFolder
from model.selection import LastEpoch
from model.task import SST, Task
from reports.results import Seed, SetUp
from tests.harness.planning.test_matching import suite
from tests.harness.report_homes import furnish, seeds

FIRST = suite()
OTHERS: dict[type, dict[str, Any]] = {
    Suite: {
        "paper": "another",
        "table": "table8",
        "title": "Another",
        "source": "table 8",
        "base": dataclasses.replace(FIRST.base, epochs=3),
        "columns": FIRST.columns[:1],
        "formula": "normalised" if FIRST.formula == "plain" else "plain",
        "rows": FIRST.rows[:1],
        "claims": (),
        "notes": ("another",),
        "marks": {"optimizer": "ours"},
        "selection": LastEpoch(),
        "origin": "ours" if FIRST.origin == "paper" else "paper",
        "extends": dataclasses.replace(FIRST, table="table7"),
        "statements": (ConstantAnswer(row="row", metric="sst_accuracy", answer=1, source="p. 2"),),
    },
    Row: {
        "name": "rename",
        "title": "Another",
        "on": None,
        "changes": (),
        "split": "test",
        "selection": LastEpoch(),
        "printed": {"sst_accuracy": 0.1},
        "printed_words": "modest",
        "printed_deltas": {"sst_accuracy": 0.1},
        "delta_from": "base",
        "notes": ("another",),
        "origin": "ours",
        "fixes_encoder": True,
        "marks": {"optimizer": "ours"},
        "levels": {"smart": True},
    },
    Claim: {
        "name": "another",
        "says": "Another.",
        "contrasts": (Contrast(better="base", worse="row", metric="sst_accuracy"),),
        "margin": 0.02,
        "source": "p. 3",
        "biggest": True,
        "as_wholes": True,
    },
    Contrast: {"better": "base", "worse": "row", "metric": "overall", "split": "test", "sign": 0},
    Change: {"name": "another", "says": "another", "edits": (("optimizer.rate", 2e-5),)},
    Task: {
        "name": "another",
        "title": "Another",
        "sentences": 2,
        "classes": 7,
        "low": -0.5,
        "high": 7.0,
        "metric": "pearson",
        "file": Path("folder/of/a/file.csv"),
    },
}


def with_row(**changes: Any) -> Suite:
    return dataclasses.replace(FIRST, rows=(FIRST.rows[0], dataclasses.replace(FIRST.rows[1], **changes)))


def with_claim(**changes: Any) -> Suite:
    return dataclasses.replace(FIRST, claims=(dataclasses.replace(FIRST.claims[0], **changes),))


def with_task(**changes: Any) -> Suite:
    task = unchecked(SST, **changes)
    branches = tuple(unchecked(branch, task=task) if branch.key == "sst" else branch for branch in FIRST.base.branches)
    return dataclasses.replace(FIRST, base=unchecked(FIRST.base, branches=branches))


def unchecked(of: Any, **changes: Any) -> Any:
    """A declaration with other values, some of which no run could use."""
    instance = object.__new__(type(of))
    for field in dataclasses.fields(of):
        object.__setattr__(instance, field.name, changes.get(field.name, getattr(of, field.name)))
    return instance


def edited(kind: type, name: str, value: Any) -> Suite:
    if kind is Suite:
        return dataclasses.replace(FIRST, **{name: value})
    if kind is Row:
        return with_row(**{name: value})
    if kind is Claim:
        return with_claim(**{name: value})
    if kind is Contrast:
        return with_claim(contrasts=(dataclasses.replace(FIRST.claims[0].contrasts[0], **{name: value}),))
    if kind is Change:
        return with_row(changes=(dataclasses.replace(FIRST.rows[1].changes[0], **{name: value}),))
    return with_task(**{name: value})


def key(of: Suite = FIRST, setup: SetUp | None = None) -> str:
    rows = frozenset(row.name for row in FIRST.rows)
    return digest_inputs([setup] if setup else [], [(FIRST, rows)], [of], [], [])


FIELDS = [
    pytest.param(kind, field.name, id=f"{kind.__name__}.{field.name}")
    for kind in OTHERS
    for field in dataclasses.fields(kind)
]


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_every_field_of_a_declaration_counts(kind: type, name: str) -> None:
    if kind is Task and name not in OTHERS[Task]:
        pytest.fail(f"the new field Task.{name} has no other value here")
    assert key(edited(kind, name, OTHERS[kind][name])) != key()


def test_the_folder_of_a_tasks_file_does_not_count() -> None:
    """A report shows its name, and cells know its content: what was moved is what it was."""
    one, other = (with_task(file=Path(folder) / "file.csv") for folder in ("one", "other"))
    assert key(one) == key(other)


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> SetUp:
    home = tmp_path_factory.mktemp("inputs") / "home"
    furnish(home, seeds("smartbert/table1/baseline", 2))
    from harness.registry.selectors import select

    (setup,) = ResultsFolder(home).setups(select(("smartbert/table1",)))
    return setup


MEASURED: dict[str, Any] = {
    "seed": 5,
    "cell": "f" * 24,
    "done": False,
    "content": "another",
    "reason": "another",
    "epoch": 7,
    "scores": {"sst_accuracy": 0.123},
    "train": {"sst_accuracy": 0.123},
    "totals": {"seconds": 1.0},
    "health": {"conflict": 1.0},
    "about": {"device": "another"},
    "data": {"sst": "another"},
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Seed)])
def test_every_field_of_a_measurement_counts_but_for_what_one_store_calls_it(setup: SetUp, name: str) -> None:
    slug, row = next(iter(setup.rows.items()))
    seed = dataclasses.replace(row.seeds[0], **{name: MEASURED.get(name, "another")})
    other = dataclasses.replace(setup, rows={slug: dataclasses.replace(row, seeds=[seed, *row.seeds[1:]])})
    assert (key(setup=other) != key(setup=setup)) == (name != "run")


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(SetUp) if field.name != "rows"])
def test_every_field_of_a_set_up_counts(setup: SetUp, name: str) -> None:
    values = {
        "name": "another",
        "facts": dict(setup.facts) | {"encoder": "another"},
        "notes": ("another",),
        "duplicates": {"sst": 3},
        "left_out": {"smartbert/table1/baseline": {7: "another"}},
    }
    assert key(setup=dataclasses.replace(setup, **{name: values[name]})) != key(setup=setup)


def test_the_profile_and_the_code_count(setup: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(setup=setup)
    with monkeypatch.context() as patch:
        other: Profile = dataclasses.replace(PROFILES["demo"], says="another caveat")
        patch.setitem(PROFILES, "demo", other)
        assert key(setup=setup) != before
    monkeypatch.setattr(input_digest, "code_versions", lambda: "other code")
    assert key(setup=setup) != before


def test_what_has_no_plain_form_is_refused() -> None:
    with pytest.raises(TypeError, match="has no plain form"):
        input_digest.to_plain_data(object())
