"""Options that no run could use are told before anything is read or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cells.home import writable
from harness.cli.setup import setup_of
from model.errors import InputError
from tests.harness.cli.test_bad_input import RUN, check
from tests.harness.conftest import Invoke


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--seeds", "1001", "--seeds is 1,001; it must be at most 1,000"),
        ("--jobs", "1001", "--jobs is 1,001"),
        ("--threads", "1001", "--threads is 1,001"),
        ("--data", "", "--data is empty"),
        ("--encoder", "", "--encoder is empty"),
        ("--data", "a\nb", r"--data 'a\nb' holds '\n', which cannot be printed"),
        ("--encoder", "\udcff", r"--encoder '\udcff' holds"),
        ("--data", "~no one/x", "--data: there is no user 'no one'"),
        ("--data", "hub:~no one/x", "--data: there is no user 'no one'"),
        ("--set", "sst.reviews.source=~no one/x", "--set: there is no user 'no one'"),
        ("--set", "batch=" + "9" * 16, "--set 'batch' has a number of 16 digits"),
        ("--set", "batch=" + "9" * 1000, "has 1,006 characters; use at most 1,000"),
        ("--data", "x" * 300, "no data folder xxx"),  # more than a file's name may have
        ("--encoder", "./" + "x" * 300, "there is no encoder folder xxx"),
        ("--rows", "x" * 300, "there is no row 'xxx"),
    ],
)
def test_a_value_that_nothing_could_use_is_explained(invoke: Invoke, option: str, text: str, message: str) -> None:
    check(invoke(*RUN, option, text), message)


def test_odd_but_sound_names_stay_as_they_are(tmp_path: Path) -> None:
    odd = tmp_path / "données 数据\u3000\u200d~"
    odd.mkdir()
    assert setup_of("demo", str(odd), str(odd), None, ("encoder.name=~/x",), ()).data == str(odd)
    assert writable(str(odd)) == odd


@pytest.mark.parametrize(
    ("name", "folder", "message"),
    [
        ("cells", False, "cells is not a folder"),
        ("readers", False, "readers is not a folder"),
        ("mlflow.db", True, "mlflow.db is not a file"),
        ("reports/table.md", True, "table.md is a folder"),
    ],
)
def test_a_home_with_something_else_in_the_place_of_a_part_is_refused(
    tmp_path: Path, name: str, folder: bool, message: str
) -> None:
    path = writable(str(tmp_path / "home")) / name
    path.parent.mkdir(exist_ok=True)
    path.mkdir() if folder else path.touch()
    with pytest.raises(InputError, match=f"{message}; move it away or choose another folder with --home"):
        writable(str(tmp_path / "home"))
