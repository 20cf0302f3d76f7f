"""What was meant for another program is named in a sentence, or set aside: files with our packages' names, and
variables of the notebook or editor from which a command is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.console.environment import PACKAGES
from tests import ROOT

COMMAND = "from harness.cli.main import main; main()"
COMMANDS = ("list", "doctor", "run table1 --dry-run", "tune --study smart", "report", "new paper mine", "--help")
INLINE = "module://matplotlib_inline.backend_inline"


def started(folder: Path, *words: str, first: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Python in this folder, our packages on its path after ``first``."""
    path = os.pathsep.join(filter(None, (first, str(ROOT))))
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "HARNESS_HOME": str(folder / "runs")} | more,
        capture_output=True,
        text=True,
    )


@pytest.fixture(params=PACKAGES)
def in_the_way(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A student's file with the name of one of our packages."""
    file = tmp_path / f"{request.param}.py"
    file.write_text("def build(): return 1\n")
    return file


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_in_the_way_is_one_sentence(tmp_path: Path, command: str) -> None:
    file = tmp_path / "model.py"
    file.write_text("def build(): return 1\n")
    result = started(tmp_path, "-P", "-c", COMMAND, *command.split(), first=".")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"error: {file} is in the way of the harness's own package model: rename it, or take that folder out of "
        "PYTHONPATH\n"
    )


def test_each_package_may_be_in_the_way_from_the_current_folder(in_the_way: Path) -> None:
    result = started(in_the_way.parent, "-m", "harness.cli.main", "list")
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {in_the_way} is in the way of the harness's own package {in_the_way.stem}")
    assert result.stderr.endswith("rename it, or start from another folder\n")


def test_a_folder_of_that_name_with_modules_is_in_the_way_and_one_without_is_not(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    assert started(tmp_path, "-m", "harness.cli.main", "list").returncode == 0
    (tmp_path / "model" / "__init__.py").touch()
    result = started(tmp_path, "-m", "harness.cli.main", "list")
    assert result.returncode == 2
    assert f"{tmp_path / 'model' / '__init__.py'} is in the way" in result.stderr


@pytest.mark.parametrize("kind", ["paper", "technique"])
def test_the_tests_that_are_written_say_it_too(in_the_way: Path, kind: str) -> None:
    folder = in_the_way.parent
    new = started(ROOT, "-c", COMMAND, "new", kind, "small answers", "--into", str(folder))
    assert new.returncode == 0, new.stderr
    tested = started(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_small_answers.py")
    assert f"{in_the_way} is in the way of the harness's own package {in_the_way.stem}" in tested.stdout
    in_the_way.unlink()
    tested = started(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_small_answers.py")
    assert tested.returncode == 0, tested.stdout


def test_a_library_s_user_gets_an_import_error_with_the_sentence(tmp_path: Path) -> None:
    (tmp_path / "reports.py").touch()
    code = "try:\n import harness\nexcept ImportError as error:\n print(error)"
    assert "is in the way of the harness's own package reports" in started(tmp_path, "-c", code).stdout


DRAW = "from reports.figures import style; from matplotlib.figure import Figure; print(Figure(figsize=(1, 1)).dpi)"


@pytest.mark.parametrize("module", ["reports.figures.style", "reports.suite.figures", "reports.tuning.figures"])
def test_a_notebook_s_backend_keeps_no_library_from_drawing(tmp_path: Path, module: str) -> None:
    code = f"import {module}, matplotlib; print(matplotlib.get_backend())"
    result = started(tmp_path, "-W", "ignore", "-c", code, MPLBACKEND="module://of_a_notebook.backend_inline")
    assert result.stdout == "agg\n", result.stderr


@pytest.mark.parametrize("backend", [INLINE, "module://backend_interagg", "TkAgg", "no-such-backend"])
def test_a_command_draws_whatever_backend_was_meant_for_another(tmp_path: Path, backend: str) -> None:
    code = "from harness.cli.main import main; main(['list', 'table1'], standalone_mode=False); " + DRAW
    result = started(tmp_path, "-W", "ignore", "-c", code, MPLBACKEND=backend)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("100.0\n")


def test_the_doctor_says_what_variables_do(tmp_path: Path) -> None:
    result = started(tmp_path, "-c", COMMAND, "doctor", MPLBACKEND=INLINE)
    output = " ".join(result.stdout.split())
    assert f"MPLBACKEND is {INLINE}: the harness draws no windows and goes without it" in output
    assert "nothing there stands in place of what is installed" in output
    (tmp_path / "rich").mkdir()
    (tmp_path / "rich" / "__init__.py").write_text("raise SystemExit('another')")
    (tmp_path / "model_of_mine.py").touch()
    code = "from harness.doctor.variables import variables; print(variables(None))"
    result = started(ROOT, "-c", code, first=str(tmp_path))
    assert f"PYTHONPATH has Python take {tmp_path / 'rich'} in place of what is installed" in result.stdout
    assert "model_of_mine" not in result.stdout
