"""A store may hold what others wrote: no word of theirs moves a terminal, a file's name or a table, and a run that
cannot be read is passed over by name."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from rich.console import Console

from harness import store as storing
from harness.delivery import reason
from harness.legible import of_trial
from harness.logbook import logbook
from harness.output import say
from harness.screen import tell
from harness.shown import CHECKS
from tests.harness.conftest import Invoke
from tests.harness.homes import empty
from tests.harness.report_homes import deliver, furnish, seeds

FEW = "smooth-valleys/table2"
BASE, CHANGED = f"{FEW}/finetune-default", f"{FEW}/finetune-rrobin"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
ESCAPES = "a\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202eb\nc\u2066\x1b]8;;http://h\x1b\\d"
FORMULA = '=HYPERLINK("http://h","x")'


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of others' that has a seed of a row for each of these runs and two sound ones, and another row."""
    empty()
    monkeypatch.setattr(storing, "migrate", lambda file: file.write_bytes(empty()))
    furnish(tmp_path / "home", [*seeds(BASE, 2 + len(BAD)), *seeds(CHANGED, 2, skill=0.7)])
    (tmp_path / "theirs").mkdir()
    assert deliver(tmp_path / "home", f"sqlite:///{tmp_path / 'theirs' / 'store.db'}").left == 0
    return tmp_path / "theirs" / "store.db"


def plant(file: Path, tags: Mapping[str, str | None], metrics: Mapping[str, float], seed: str = "1") -> str:
    """Put these into the run of a seed of ``BASE``, with checksums that fit where there are any; its name."""
    with closing(sqlite3.connect(file)) as database, database:
        of = "SELECT run_uuid FROM tags WHERE key = 'row' AND value = 'finetune-default'"
        ours = f"SELECT run_uuid FROM tags WHERE key = 'seed' AND value = '{seed}' AND run_uuid IN ({of})"
        (run,) = database.execute(ours).fetchone()
        for name, value in tags.items():
            database.execute("DELETE FROM tags WHERE run_uuid = ? AND key = ?", (run, name))
            if value is not None:
                database.execute("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", (name, value, run))
        for name, number in metrics.items():
            database.execute("UPDATE latest_metrics SET value = ? WHERE run_uuid = ? AND key = ?", (number, run, name))
    with closing(sqlite3.connect(file)) as database, database:
        try:
            check = CHECKS["seed"](MlflowClient(f"sqlite:///{file}").get_run(run))
        except Exception:  # nobody can make one
            return str(run)
        if "check" not in tags:
            database.execute("UPDATE tags SET value = ? WHERE key = 'check' AND run_uuid = ?", (check, run))
    return str(run)


JUNK = ("[1]", "{", "null", '{"with": 1, "set": [[]]}', "[" * 9_999)
SHOWN: dict[str, tuple[dict[str, str | None], dict[str, float]]] = {  # without what could do harm
    "escapes": (dict.fromkeys(("data_source", "encoder", "trained", "device", "variant", "revision"), ESCAPES), {}),
    "formulas": ({"data_source": FORMULA, "device": FORMULA, "warnings": json.dumps([FORMULA, ESCAPES])}, {}),
    "notes": ({"data_notes": json.dumps({"notes": [ESCAPES], "duplicates": {ESCAPES: 1}}), "versions": "[1]"}, {}),
    "training": ({"training": "9" * 5000}, {}),
    "profile": ({"profile": "../../../x"}, {}),  # what most say of the set-up is shown
}
PASSED_OVER: dict[str, tuple[dict[str, str | None], dict[str, float]]] = {
    **{f"{name} escapes": ({name: ESCAPES}, {}) for name in ("setup", "cell", "seed")},
    **{f"{name} long": ({name: "x" * 1_000_000}, {}) for name in ("trained", "data_source")},
    **{f"{name} gone": ({name: None}, {}) for name in ("setup", "cell", "seed", "row", "encoder", "curves")},
    **{
        f"{name} {junk[:9]}": ({name: junk}, {})
        for name in ("data_notes", "starts", "options", "curves", "warnings")
        for junk in JUNK
        if (name, junk) not in (("data_notes", JUNK[3]), ("starts", JUNK[3]))  # objects, as they should be
    },
    **{f"seed {text[:2]}": ({"seed": text}, {}) for text in ("9" * 5000, "²", "-1")},
    "setup path": ({"setup": "../../../x"}, {}),
    **{
        f"{name} {number}": ({}, {name: number})
        for name in ("reported/sst_accuracy", "reported/epoch", "seconds", "health/conflict")
        for number in (1e308, -1e308)
    },
}
BAD = SHOWN | PASSED_OVER


def commands(out: Path, store: str) -> list[tuple[str, ...]]:
    return [
        ("report", FEW, "--out", str(out), "--from", store),
        ("compare", BASE, CHANGED, "--from", store),
        ("explain", f"{BASE}:sst_accuracy", "--from", store),
        ("doctor",),
        ("results",),
        ("sync", "--to", store),
    ]


@pytest.mark.usefixtures("no_figures")
def test_bad_runs_are_passed_over_by_name_and_the_rest_is_shown(
    invoke: Invoke, theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, out = f"sqlite:///{theirs}", tmp_path / "out"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    planted = {at: (name, plant(theirs, *bad, str(at))) for at, (name, bad) in enumerate(BAD.items(), start=2)}
    told = {words[0]: invoke(*words) for words in commands(out, store)}
    for name, each in told.items():
        assert each.exit_code == 0, (name, each.output)
        assert not RAW.search(each.output), (name, each.output)
    said = told["explain"].output
    for at, (name, run) in planted.items():
        value = re.search(rf"^  seed {at}: (?!left out)", said, re.MULTILINE)
        named = run in said or re.search(rf"^  seed {at}: left out", said, re.MULTILINE)
        assert bool(value) == (name in SHOWN), (name, said)
        assert bool(named) or name in SHOWN, (name, said)
    for path in out.rglob("*.*"):
        if path.suffix != ".pdf":
            assert not RAW.search(path.read_text()), path
        assert path.suffix != ".csv" or not re.search(r"(^|,)\"?=", path.read_text(), re.MULTILINE), path
    assert {path.name for path in tmp_path.iterdir()} == {"home", "theirs", "out"}
    again = invoke("sync", "--to", store)  # which has made again what was spoilt
    assert f" 0 new, {2 + 2 + len(BAD)} there before, 0 not delivered" in again.output
    assert "left out" not in invoke("explain", f"{BASE}:sst_accuracy", "--from", store).output


TRIAL = {"arm": "a", "study": "s", "base": "b", "sampler": "x", "pruner": "x", "repeats": "", "sampler_seed": "0"}
TRIAL |= {"epochs": "1", "unit": "", "setup": "s1", "space": "{}", "trial": "0", "state": "complete", "params": "{}"}
TRIAL |= {"reused": "", "start": "", "reason": ""}


@pytest.mark.parametrize("name", ["sampler_seed", "space", "trial", "state", "params", "epochs"])
@pytest.mark.parametrize("text", ["[1]", "{", '{"a": [1]}', "9" * 5000, "x" * 1_000_000, ESCAPES])
def test_a_trial_that_cannot_be_read_is_told(name: str, text: str) -> None:
    metrics = {"epochs": 1.0, "cost": 1.0}
    assert of_trial(TRIAL, metrics) == ""
    assert of_trial(TRIAL | {name: text}, metrics)
    assert of_trial({each: told for each, told in TRIAL.items() if each != name}, metrics)
    assert of_trial(TRIAL, metrics | {"reported/overall": 1e308}) == "its reported/overall is 1e+308"


def test_nothing_raw_is_said_or_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logbook(tmp_path):
        tell(ESCAPES)
        say(Console(), ESCAPES)
        assert not RAW.search(reason(ValueError(ESCAPES)))
    shown = capsys.readouterr().out
    assert not RAW.search(shown + (tmp_path / "harness.log").read_text())
    assert shown.count("\N{REPLACEMENT CHARACTER}]52;c;aGk=") == 2


def test_a_title_that_moves_the_terminal_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    for at, sign in enumerate(("\\x1b[2J", "\\u202e", "\\n")):
        assert invoke("new", "paper", f"odd {at}", "--into", tmp_path).exit_code == 0
        path = tmp_path / f"odd_{at}.py"
        path.write_text(path.read_text().replace('title="', f'title="{sign}', 1))
        for words in (("list", path), ("run", path, "--dry-run")):
            told = invoke(*words)
            assert told.exit_code == 2, told.output
            assert "which cannot be printed" in told.output
            assert not RAW.search(told.output)
