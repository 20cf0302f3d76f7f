"""What is wrong with a study's storage is mended, or told in one sentence that holds no secret."""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells.trial import Trial
from harness.tune.storage import Storage, home_id
from harness.tune.study_run import Method
from model.errors import InputError
from tests.harness.accidents import mangled
from tests.harness.trials import few
from tests.harness.tune.journals import ManualPool, make_study_run, run_trials
from tests.harness.tune.test_storage import STUDY_RUN, bits, completed, create_running, opened, written


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_last_line_that_was_not_written_whole_is_cut_off(home: Path) -> None:
    study_run = make_study_run()
    wanted = run_trials(study_run, ManualPool(home), 4)
    file = home / "studies" / "optuna.log"
    content = file.read_bytes()
    for cut in range(1, len(content.splitlines()[-1]) + 1, 7):
        file.write_bytes(content[:-cut])
        queue = ManualPool(home).make_queue(study_run, 4, 1)
        assert written(file) == content[: content[:-cut].rfind(b"\n") + 1]
        assert [trial.running for trial in queue.storage.trials()] == [False, False, False, True]
    for trial, before in zip(run_trials(study_run, ManualPool(home), 4), wanted, strict=True):
        assert bits(dataclasses.replace(trial, ended="")) == bits(dataclasses.replace(before, ended=""))


def equal(actual: list[Trial], wanted: list[Trial]) -> bool:
    """But for when they ended, and whether the cell was there before."""
    alike = [[bits(dataclasses.replace(trial, ended="", reused=False)) for trial in each] for each in (actual, wanted)]
    return alike[0] == alike[1]


@pytest.mark.parametrize("content", [b"garbled\n", b"{}\n\xff\xfe\n", b'{"op_code": 0}\n{"op', b"\0" * 4096 + b"\n"])
def test_a_garbled_file_is_put_aside_and_the_study_made_again(home: Path, content: bytes) -> None:
    study_run = make_study_run()
    wanted = run_trials(study_run, ManualPool(home), 6)
    (home / "studies" / "optuna.log").write_bytes(content)
    lines: list[str] = []
    if content.startswith(b'{"op_code'):  # sound lines that mean nothing are no damage of the file's
        with pytest.raises(InputError, match="cannot be used now"):
            Storage(home, None, study_run, 1, lines.append)
        return
    Storage(home, None, study_run, 1, lines.append)
    (line,) = lines
    assert line.startswith(f"{home / 'studies' / 'optuna.log'} was damaged")
    (aside,) = (home / "studies").glob("optuna.log.damaged-*")
    assert aside.read_bytes() == content
    pool = ManualPool(home)
    assert equal(run_trials(study_run, pool, 6), wanted)
    assert pool.trained == []


@few(6, 300)
@given(data=st.data())
def test_any_file_is_used_put_aside_or_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    home = tmp_path_factory.mktemp("mangled")
    storage = opened(home)
    storage.end(completed(create_running(storage)))
    create_running(storage, 1)
    file = home / "studies" / "optuna.log"
    file.write_bytes(data.draw(mangled(file.read_bytes())))
    try:
        trials = opened(home).trials()
    except InputError as error:
        assert "cannot be used now" in str(error)
        assert "\n" not in str(error)
    else:
        assert len(trials) <= 2


def test_a_study_of_another_home_is_refused(tmp_path: Path) -> None:
    shared = str(tmp_path / "shared.log")
    first = opened(tmp_path / "one", shared)
    create_running(first)
    with pytest.raises(
        InputError, match=rf"^the study {STUDY_RUN.name} in .* belongs to another results folder, .*--home"
    ):
        opened(tmp_path / "two", shared)
    other = make_study_run("heads", Method(seed=1))
    assert Storage(tmp_path / "two", shared, other, 4).trials() == []
    (tmp_path / "one").rename(tmp_path / "moved")
    assert len(opened(tmp_path / "moved", shared).trials()) == 1
    assert home_id(tmp_path / "moved") != home_id(tmp_path / "two")


def test_how_many_go_on_at_once_stays_as_the_study_began(home: Path) -> None:
    assert opened(home, at_once=3).at_once == 3
    assert opened(home, at_once=7).at_once == 3
    assert Storage(home, None, make_study_run("heads", Method(seed=1)), 7).at_once == 7


def test_what_cannot_be_reached_is_one_sentence_without_the_password(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nobody listens there
        place = f"127.0.0.1:{unused.getsockname()[1]}"
        for driver in ("", "+psycopg", "+nosuchdriver"):
            with pytest.raises(InputError) as raised:
                opened(home, f"postgresql{driver}://ann:se%40cret@{place}/trials?connect_timeout=1")
            text = str(raised.value)
            assert "cret" not in text
            assert "ann:***@127.0.0.1" in text
            assert "\n" not in text
            assert len(text) < 700


@pytest.mark.parametrize(("driver", "package"), [("mysql", "MySQLdb"), ("postgresql+psycopg", "psycopg")])
def test_a_driver_that_is_not_installed_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, driver: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"needs the Python package {package}; .*ablation-harness\[postgres\]"):
        opened(home, f"{driver}://ann:secret@127.0.0.1/trials")


def test_the_password_is_in_no_file_of_the_home(home: Path) -> None:
    url = f"sqlite:///{home}/trials.db?password=s3cret"
    home.mkdir()
    with pytest.raises(InputError) as raised:
        opened(home, url)
    assert "s3cret" not in str(raised.value)
    for folder, _, names in os.walk(home):
        assert not any(b"s3cret" in (Path(folder) / name).read_bytes() for name in names)


@pytest.mark.parametrize("place", ["folder", "file/below", "folder/"])
def test_a_file_that_cannot_be_is_refused(home: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be used \([^)]+\); name another with --storage$"):
        opened(home, str(tmp_path / place))
