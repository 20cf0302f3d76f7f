"""``harness audit``: the papers' faults on the screen and as JSON."""

from __future__ import annotations

import json

import pytest

from tests.harness.conftest import Invoke
from tests.test_architecture import command, loaded


def test_the_report_is_grouped_by_suite_and_ends_with_a_count(invoke: Invoke) -> None:
    result = invoke("audit")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    heads = [line for line in lines if line.endswith("/table1") and not line.startswith(" ")]
    assert heads == sorted(set(heads)) and "bertram/table1" in heads
    assert "findings in 13 suites" in lines[-1] and "2 impossible" in lines[-1]
    assert max(map(len, lines)) <= 120


def test_the_json_is_a_stable_list_of_objects(invoke: Invoke) -> None:
    output = invoke("audit", "--json").output
    findings = json.loads(output)
    assert output == invoke("audit", "--json").output
    assert all(each.keys() == {"suite", "about", "kind", "severity", "sentence", "rows"} for each in findings)
    assert any(each["about"] == "12-combined" and each["kind"] == "delta" for each in findings)


def test_a_selector_narrows_suites_and_rows(invoke: Invoke) -> None:
    findings = json.loads(invoke("audit", "smooth-valleys", "--json").output)
    assert {each["suite"] for each in findings} == {"smooth-valleys/table2"}
    findings = json.loads(invoke("audit", "bertram/table1/12-combined", "--json").output)
    assert {each["suite"] for each in findings} == {"bertram/table1"}
    assert findings and all("12-combined" in each["rows"] for each in findings)


def test_a_suite_without_faults_says_so_and_is_no_error(invoke: Invoke) -> None:
    result = invoke("audit", "bertram/controls")
    assert result.exit_code == 0
    assert result.output.splitlines() == ["nothing found in bertram/controls", "0 findings in 1 suite."]
    assert json.loads(invoke("audit", "bertram/controls", "--json").output) == []


@pytest.mark.parametrize("selector", ["bertran", "bertram/table1/no-such-row", ""])
def test_a_selector_that_fits_nothing_ends_with_2(invoke: Invoke, selector: str) -> None:
    result = invoke("audit", selector)
    assert result.exit_code == 2
    assert result.output.startswith("error: there is no suite or row")


@pytest.mark.parametrize("columns", ["1", "40", "80"])
def test_it_wraps_at_the_terminals_width(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = invoke("audit", "smartbert").output.splitlines()
    assert max(map(len, lines)) <= max(40, int(columns))


def test_auditing_loads_nothing_heavy() -> None:
    assert loaded(command("audit")) == set()
