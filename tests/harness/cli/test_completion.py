"""The shell's Tab: rows, tables, changes and profiles, told by click's own protocol without anything heavy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from experiments.suite import row_slug
from harness.cli.main import main
from harness.registry.selectors import all_rows, find, named_changes, select
from tests import ROOT

ROWS = [row_slug(*pair) for pair in all_rows()]


def offered(*words: str) -> list[str]:
    """What Tab offers after these words, the last of which is being typed."""
    completer = ShellComplete(main, {}, "harness", "_HARNESS_COMPLETE")
    return [item.value for item in completer.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("ablate",),
        ("ablate", ROWS[0], "--against"),
        ("compare",),
        ("compare", ROWS[0]),
        ("explain",),
        ("predict",),
        ("export",),
        ("tune", "--row"),
    ],
    ids=" ".join,
)
def test_a_row_is_offered_where_a_row_is_asked_for(words: tuple[str, ...]) -> None:
    assert offered(*words, "") == ROWS
    assert offered(*words, "bertram/table1/06") == ["bertram/table1/06-smart"]
    assert offered(*words, "no-such") == []


@pytest.mark.parametrize("command", ["run", "list", "report", "results"])
def test_a_selector_is_a_paper_a_table_or_once_a_slash_is_typed_a_row(command: str) -> None:
    short = offered(command, "")
    assert {"bertram", "table1", "bertram/table1"} <= set(short)
    assert not set(short) & set(ROWS)
    assert len(short) == len(set(short))
    assert all(select([name]) for name in short)
    longer = offered(command, "table1", "bertram/table1")
    assert longer[0] == "bertram/table1"
    assert set(longer[1:]) == {name for name in ROWS if name.startswith("bertram/table1")}
    assert all(find(name) for name in longer[1:])


def test_changes_and_profiles_are_offered() -> None:
    assert offered("run", "table1", "--with", "") == sorted(named_changes())
    assert "pcgrad" in offered("ablate", ROWS[0], "--factor", "pcg")
    assert offered("run", "--profile", "s") == ["small"]
    assert offered("doctor", "--profile", "") == ["demo", "small", "paper"]


def test_a_file_of_tuned_settings_that_cannot_be_read_hides_no_other_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "smart.toml").write_text("garbage")
    monkeypatch.setenv("HARNESS_TUNED", str(tmp_path))
    assert offered("show", "bertram/table1/06") == ["bertram/table1/06-smart"]


def test_completing_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom click.shell_completion import ShellComplete\nfrom harness.cli.main import main\n"
        "assert ShellComplete(main, {}, 'harness', '_HARNESS_COMPLETE').get_completions(['show'], 'bertram')\n"
        "heavy = {'torch', 'transformers', 'mlflow', 'pandas', 'optuna', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_with_the_line_of_the_readme(tmp_path: Path) -> None:
    (tmp_path / "harness").write_text(
        f"#!{sys.executable}\nfrom harness.cli.main import main\nmain(prog_name='harness')\n"
    )
    (tmp_path / "harness").chmod(0o755)
    script = (
        'eval "$(_HARNESS_COMPLETE=bash_source harness)"\n'
        "COMP_WORDS=(harness show bertram/table1/06); COMP_CWORD=2; _harness_completion harness\n"
        "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        ["bash", "-c", script], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["bertram/table1/06-smart"], result.stderr
