"""``harness list`` and ``harness show``: every row with its printed figures, where they come from, what it changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.reporting.listing import read_latest_results, result_digest
from tests.harness.conftest import Invoke


def test_the_json_list_has_every_row_with_what_scripts_need(invoke: Invoke) -> None:
    records = json.loads(invoke("list", "--json").output)
    assert isinstance(records, list)
    for record in records:
        assert {"suite", "row", "status", "printed", "formula", "ours"} <= record.keys()
        assert record["status"] in ("ready", "not built")
    smart = next(r for r in records if r["suite"] == "bertram/table1" and r["row"] == "06-smart")
    assert smart["printed"] == {"sst_accuracy": 0.463, "quora_accuracy": 0.534, "sts_pearson": 0.548, "overall": 0.59}
    assert smart["formula"] == "normalised"


def test_the_text_list_prints_what_the_papers_print(invoke: Invoke) -> None:
    output = invoke("list", "bertram/table1", "smooth-valleys/table1").output
    assert any(line.split()[:5] == ["06-smart", ".463", ".534", ".548", ".590"] for line in output.splitlines())
    assert ".788" in output  # CFIMDB has its column
    assert "2 rows" not in output


def test_show_says_where_each_setting_comes_from_and_what_the_row_changes(invoke: Invoke) -> None:
    row = json.loads(invoke("show", "bertram/table1/09-additive", "--json").output)
    marks = {path: setting["mark"] for path, setting in row["settings"].items()}
    assert set(marks.values()) <= {"printed", "starter", "ours"}
    assert marks["optimizer.rate"] == "printed"
    assert row["difference"]["quora.rows"] == [9000, 8000]
    assert {"data", "loss", "schedule"} <= set(row["axes"])
    text = invoke("show", "bertram/table1/09-additive").output
    assert "confounded" in text
    assert "quora.rows: 9000 -> 8000" in text


SETUP = {"profile": "demo", "data": "embedded", "encoder": "tiny", "variant": "", "declared": "d"}
RESULT = SETUP | {"n": 3, "figures": {"x": {"mean": 1}}}
SOUND = RESULT | {"check": result_digest(RESULT)}


@pytest.mark.parametrize(
    "damaged",
    [
        *("", "{", "[]", "null", "[" * 100_000, '{"a": 3}', '{"a": [3]}', '{"a": [{}]}'),
        json.dumps({"a": [SOUND | {"n": 4}]}),  # another figure than was written
        *(
            json.dumps({"a": [RESULT | change | {"check": result_digest(RESULT | change)}]})
            for change in ({"n": "3"}, {"figures": {"x": 1}}, {"figures": {"x": {"mean": None}}})
        ),
    ],
)
def test_a_damaged_result_of_ours_counts_as_not_there(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "reports").mkdir()
    path = tmp_path / "reports" / "ours.json"
    path.write_text(damaged)
    assert not any(read_latest_results(tmp_path).values())
    path.write_text(json.dumps({"a": [SOUND, 3], "b": [SOUND]}))
    assert read_latest_results(tmp_path) == {"a": [SOUND], "b": [SOUND]}
