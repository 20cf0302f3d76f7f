"""A command line that is wrong in form is told in the one way of all errors."""

from __future__ import annotations

import pytest

from tests.harness.conftest import Invoke
from tests.harness.terminals import shown


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        (("--bogus",), ("no such option", "--bogus")),
        (("rnu",), ("no such command 'rnu'", "near names: run")),
        (("run", "table1", "--sedes", "3"), ("--sedes", "near names: --seeds", "run --help")),
        (("run",), ("missing argument", "SELECTORS", "run --help")),
        (("run", "table1", "--seeds", "q"), ("--seeds", "'q'", "run --help")),
        (("run", "table1", "--keep", "some"), ("--keep", "'some'", "'none', 'selected', 'all'")),
        (("run", "table1", "--seeds"), ("--seeds", "requires an argument")),
        (("ablate", "bertram/table1/06-smart"), ("missing option '--against'", "ablate --help")),
        (("show", "a", "b"), ("unexpected extra argument", "show --help")),
    ],
)
def test_a_wrong_command_line_is_one_sentence(invoke: Invoke, words: tuple[str, ...], phrases: tuple[str, ...]) -> None:
    result = invoke(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Usage" not in result.stderr and "Did you mean" not in result.stderr
    for word in phrases:
        assert word in result.stderr, result.stderr


def test_no_words_at_all_get_the_help(invoke: Invoke) -> None:
    output = invoke().output
    assert output.startswith("Usage: ") and "compare" in output and "error" not in output


def test_an_error_on_a_narrow_terminal_is_broken_between_words() -> None:
    output, code = shown(["-m", "harness.cli.main", "run", "table1", "--sedes", "3"], columns=40)
    assert code == 2
    assert max(len(line) for line in output.splitlines()) <= 40
    assert "near names: --seeds" in " ".join(output.split())
