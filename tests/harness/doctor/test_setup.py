"""The doctor finds nothing wrong with a good set-up, and raises nothing."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from harness.doctor import checks, python
from harness.doctor.checks import CHECKS
from tests.harness.conftest import Invoke
from tests.harness.doctor.findings import check, run_doctor


def test_a_good_set_up_has_no_faults_and_nothing_is_written(invoke: Invoke, tmp_path: Path) -> None:
    findings = run_doctor(invoke, error=False)
    checked = [name for name in findings if name != "variables"]  # said where there is something to say
    assert checked == [name for name in CHECKS if name not in ("network", "variables")]
    assert {name for name, each in findings.items() if each["state"] != "ok"} <= {"python", "extras"}, findings
    assert not (tmp_path / "home").exists()


def test_a_home_with_results_has_no_faults(invoke: Invoke, used: Path, encoder: Path) -> None:
    findings = run_doctor(invoke, "--home", used, "--encoder", encoder, error=False)
    check(findings["cells"], "ok", "2 trained")
    check(findings["store"], "ok", "all 2 results")
    check(findings["encoder"], "ok", "2 layers of 64")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_fit_the_terminal_and_break_between_words(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    words = ("--data", "no/such", "--home", "h")
    lines = invoke("doctor", *words).output.splitlines()
    findings = run_doctor(invoke, *words, error=True)
    at = iter(lines)
    for name, each in findings.items():
        read = next(at)
        assert read.split()[:2] == [each["state"], name]
        expected = f"{each['says']} {'-> ' + each['fix'] if each['fix'] else ''}".split()
        got = read.split()[2:]
        while len(got) < len(expected):
            line = next(at)
            assert line.startswith(" " * 18)
            got += line.split()
        assert got == expected
    assert all(len(line) <= width or len(line.split()) <= 3 for line in lines), lines
    assert lines[-1].startswith("1 error")


@pytest.mark.parametrize("words", [("--profile", "big"), ("--data", ""), ("--home", ""), ("--device", "tpu")])
def test_a_wrong_option_ends_with_2(invoke: Invoke, words: tuple[str, ...]) -> None:
    assert invoke("doctor", *words).exit_code == 2


def test_an_exception_in_one_check_is_an_error_and_the_others_go_on(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(context: object) -> None:
        raise ZeroDivisionError("of a kind that nobody expects")

    monkeypatch.setitem(checks.CHECKS, "disk", fails)
    findings = run_doctor(invoke, error=True)
    check(findings["disk"], "error", "ZeroDivisionError", "nobody expects")
    checked = [name for name in findings if name != "variables"]  # said where there is something to say
    assert checked == [name for name in CHECKS if name not in ("network", "variables")]


def test_packages_that_do_not_fit(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = ["torch>=99", "no-such-package>=1", "optuna", 'torch>=98; extra == "hub"', 'nobody; extra == "ray"']
    monkeypatch.setattr(python, "requires", lambda name: asks)
    monkeypatch.setattr(python, "extra_names", lambda: ["hub", "ray"])
    findings = run_doctor(invoke, error=True)
    check(findings["packages"], "error", "torch", "is not >=99", "no-such-package is not installed", "constraints.txt")
    assert "optuna" not in findings["packages"]["says"]
    check(findings["extras"], "warning", "is not >=98", "ablation-harness[hub,ray]")
    monkeypatch.setattr(python, "requires", lambda name: ["optuna", 'nobody; extra == "ray"'])
    check(run_doctor(invoke, error=False)["extras"], "ok", "not installed: ray", "ablation-harness[ray]")


def test_another_python_and_no_environment(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    check(run_doctor(invoke, error=False)["python"], "warning", "no virtual environment", "-m venv")
    monkeypatch.setattr(platform, "python_version", lambda: "3.14.0")
    check(run_doctor(invoke, error=True)["python"], "error", "Python 3.14.0", "<3.14", "environment of such a Python")
