"""Ctrl-C in a real process: a valid table, exit code 130, and nothing finished is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from harness.cell import records


def test_an_interrupted_run_leaves_a_table_and_goes_on(tmp_path: Path, encoder: Path) -> None:
    home = tmp_path / "home"
    rows = "01-baseline,02-pretrained,03-sst-quora"
    words = ["run", "bertram/table1", "--rows", rows, "--encoder", str(encoder), "--jobs", "1", "--home", str(home)]
    command = [sys.executable, "-m", "harness.cli", *words]
    environment = os.environ | {"COLUMNS": "100"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as run:
        assert run.stdout is not None
        told = ""
        for line in run.stdout:
            told += line
            if line.startswith("done"):
                run.send_signal(signal.SIGINT)
                break
        told += run.stdout.read()
    assert run.returncode == 130, told
    assert "the same command goes on from here" in told
    assert "majority class" in told
    assert "Traceback" not in told
    finished = {record.id for record in records(home)}
    assert 1 <= len(finished) < 9
    again = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, env=environment, check=True)
    assert f"9 distinct cells: {len(finished)} done" in again.stdout
