"""What the doctor is asked, and what it must say."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from harness.doctor.devices import Torch
from tests.harness.conftest import Invoke

ROWS = ("bertram/table1/04-all-three", "bertram/table1/06-smart")


CPU = Torch(version="2.13.0+cpu", cuda="", gpus=(), bf16=False, threads=1)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def told(invoke: Invoke, *words: object, broken: bool) -> dict[str, dict[str, str]]:
    """The findings by check, and that the exit code fits them."""
    result = invoke("doctor", "--json", *map(str, words))
    found = {each["check"]: each for each in json.loads(result.stdout)}
    assert result.exit_code == broken, found
    assert broken == any(each["state"] == "broken" for each in found.values()), found
    assert all(bool(each["mend"]) == (each["state"] != "ok") for each in found.values()), found
    return found


def check(found: dict[str, Any], state: str, *words: str) -> None:
    assert found["state"] == state, found
    for word in words:
        assert word in f"{found['says']} -> {found['mend']}", found
