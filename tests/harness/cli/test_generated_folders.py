"""Homes that something befell, through the command line: what can be read again is, what cannot is said in one
sentence and trained again, and no finished cell is lost with it.

Examples in ``make test`` and in ``make test-all``, the same ones every time:

===================================== == ===
a file of the results folder damaged             3  50
a part of the results folder replaced            2  40
no results folder at all                         2  20
===================================== == ===
"""

from __future__ import annotations

import shutil
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.harness.accidents import CLOSED, REPLACED, mangled, mangled_json, replace
from tests.harness.trials import FEW, ROW, RUN, SUITE, Trial, answered, few, files, trial, workers

__all__ = ["trial", "workers"]  # fixtures

PARTS = ["artifacts", "cells", "encoders", "predictions", "readers", "reports"]
FILES = ["claims.lock", "mlflow.db", "reports/ours.json", "writer.lock"]
COMMANDS = ["list", "results", "dry run", "run", "run", "predict", "export", "sync"]
READING = ("list", "results", "dry run")


def command(kind: str, trial: Trial, home: object, out: Path) -> list[object]:
    """A command on the results folder, by kind."""
    both = [*RUN, "--seeds", "2", "--encoder", trial.encoder]
    words: dict[str, list[object]] = {
        "list": ["list", SUITE, "--json"],
        "results": ["results"],
        "dry run": [*both, "--dry-run"],
        "run": both,
        "predict": ["predict", ROW, *FEW, "--encoder", trial.encoder],
        "export": ["export", ROW, *FEW, "--encoder", trial.encoder, "--out", out],
        "sync": ["sync"],
    }
    return [*words[kind], "--home", home]


def check_cells(home: Path, before: dict[str, bytes], but: str = "") -> None:
    """Finished cells are as they were, save the one that a damaged file belongs to."""
    after = files(home)
    for name, content in before.items():
        parts = name.split("/")
        if parts[0] == "cells" and not but.startswith("/".join(parts[:2])):
            assert after.get(name) == content, name


@few(3, 50)
@given(data=st.data())
def test_damaged_files(trial: Trial, data: st.DataObject) -> None:
    folder = trial.fresh()
    home = folder / "home"
    before = files(home)
    name = data.draw(st.sampled_from(sorted(name for name in before if before[name])))
    kind = data.draw(st.sampled_from([*["bytes"] * 6, *(["json"] * 6 if name.endswith(".json") else []), *REPLACED]))
    if kind in REPLACED:
        replace(home / name, kind)
    else:
        (home / name).write_bytes(data.draw((mangled_json if kind == "json" else mangled)(before[name])))
    damaged = files(home)
    chosen = data.draw(st.sampled_from(COMMANDS))
    answered(trial.invoke(*command(chosen, trial, home, folder / "export")))
    check_cells(home, before, but=name)
    assert chosen not in READING or files(home) == damaged
    result = trial.invoke(*command("run", trial, home, folder / "export"))
    if kind in REPLACED and result.exit_code == 2:
        assert str(home / name) in answered(result)
        return
    assert result.exit_code == 0, result.output
    assert "2 of 2 done" in result.output, result.output
    check_cells(home, before, but=name)
    assert "2 done, 0 left" in trial.invoke(*command("dry run", trial, home, folder)).output


@few(2, 40)
@given(name=st.sampled_from(PARTS + FILES), kind=st.sampled_from(REPLACED), chosen=st.sampled_from(COMMANDS))
def test_replaced_parts(trial: Trial, name: str, kind: str, chosen: str) -> None:
    folder = trial.fresh()
    home = folder / "home"
    before = files(home)
    path = home / name
    if path.is_dir():
        shutil.rmtree(path)
    path.touch()
    replace(path, kind)
    if kind == "folder" and name in FILES:
        (path / "x").touch()
    damaged = files(home)
    result = trial.invoke(*command(chosen, trial, home, folder / "export"))
    said = answered(result)
    if name != "cells":
        check_cells(home, before)
    if chosen in READING or result.exit_code == 2:
        assert files(home) == damaged
    if result.exit_code == 2:
        assert str(path) in said or chosen == "sync"
        replace_by_what_was(path, {key: content for key, content in before.items() if Path(key).is_relative_to(name)})
        assert "2 done, 0 left" in trial.invoke(*command("dry run", trial, home, folder)).output
    elif chosen == "run":
        assert "2 of 2 done" in result.output, result.output


def replace_by_what_was(path: Path, contents: dict[str, bytes]) -> None:
    """Mend what was replaced, as a user would."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    home = path.parent if path.name != "ours.json" else path.parent.parent
    for name, content in contents.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)


NOWHERE = ["empty", "broken link", "loop", "below a file", "a device", "long", "unprintable", "nobody's", "", *CLOSED]


@few(2, 20)
@given(kind=st.sampled_from(NOWHERE), chosen=st.sampled_from(["dry run", "run", "predict", "export"]))
def test_no_homes(trial: Trial, kind: str, chosen: str) -> None:
    folder = trial.fresh()
    path = folder / "place"
    path.touch()
    if kind in ("closed", *REPLACED):
        replace(path, kind)
    homes: dict[str, object] = {
        "below a file": path / "home",
        "a device": "/dev/null",
        "long": folder / ("x" * 300),
        "unprintable": folder / "a\nb",
        "nobody's": "~no one/home",
        "": "",
    }
    before = files(folder)
    result = trial.invoke(*command(chosen, trial, homes.get(kind, path), folder / "export"))
    assert "home" in answered(result)
    assert result.exit_code == 2
    assert files(folder) == before
