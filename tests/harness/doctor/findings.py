"""Run ``harness doctor`` and check its findings."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from harness.doctor.devices import TorchBuild
from tests.harness.conftest import Invoke

ROWS = ("bertram/table1/04-all-three", "bertram/table1/06-smart")


CPU = TorchBuild(version="2.13.0+cpu", cuda="", gpus=(), bf16=False, threads=1)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def run_doctor(invoke: Invoke, *words: object, error: bool) -> dict[str, dict[str, str]]:
    """The findings by check, and that the exit code fits them."""
    result = invoke("doctor", "--json", *map(str, words))
    findings = {each["check"]: each for each in json.loads(result.stdout)}
    assert result.exit_code == error, findings
    assert error == any(each["state"] == "error" for each in findings.values()), findings
    assert all(bool(each["fix"]) == (each["state"] != "ok") for each in findings.values()), findings
    return findings


def check(findings: dict[str, Any], state: str, *words: str) -> None:
    assert findings["state"] == state, findings
    for word in words:
        assert word in f"{findings['says']} -> {findings['fix']}", findings
