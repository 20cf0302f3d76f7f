"""What a user's file declares is checked before anything trains: one sentence with the line, exit code 2, no results
folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.validate import faults
from harness.registry import selectors
from model.names import LONGEST_NAME, name_fault
from tests.harness.conftest import Invoke
from tests.harness.registry.test_own_task import SUITE, folder

__all__ = ["folder"]  # a fixture

PAPER, TABLE, TITLE, COLUMNS = (
    'paper="my-task"',
    'table="table1"',
    'title="Questions"',
    'columns=("questions_accuracy",)',
)
ROWS = 'rows=(row("tuned", "tuned", None), row("frozen", "frozen", "tuned", changes.FROZEN))'
CLAIM = 'claim("tuning-helps", "Fine-tuning helps.", "", beats("tuned", "frozen", "questions_accuracy"))'
TUNED = 'row("tuned", "tuned", None)'
ODD = [
    "w/o-smart",
    "lr=1e-5",
    "a,b",
    "a b",
    "a\\nb",
    "a\\tb",
    "../../x",
    "..",
    "a..b",
    "/abs/x",
    "",
    "é",
    "-a",
    ".a",
    "a*",
    "a:b",
]
LONG = "x" * 300


IMPORTS = """from dataclasses import replace
from experiments.suite import Change
FIGURE = "questions_accuracy"
"""


def refused(invoke: Invoke, folder: Path, text: str, *message: str) -> str:
    """What is said of the file: one line, exit code 2, nothing trained and nothing written."""
    assert text != SUITE
    text = text.replace("from pathlib import Path\n", f"from pathlib import Path\n{IMPORTS}", 1)
    (folder / "my_task.py").write_text(text, encoding="utf-8")
    before = sorted(folder.parent.rglob("*"))
    result = invoke("run", folder / "my_task.py", "--seeds", 1)
    assert result.exit_code == 2, result.output
    assert result.output.startswith("error: ") and len(result.output.splitlines()) == 1, result.output
    assert len(result.output) < 600 and result.output[:-1].isprintable(), result.output
    assert [path for path in sorted(folder.parent.rglob("*")) if "__pycache__" not in path.parts] == before
    for word in message:
        assert word in result.output, result.output
    return result.output


@pytest.mark.parametrize("name", [*ODD, "a.b", LONG])
@pytest.mark.parametrize("field", [PAPER, TABLE])
def test_a_suites_name_must_be_one(invoke: Invoke, folder: Path, field: str, name: str) -> None:
    word = field.partition("=")[0]
    message = refused(invoke, folder, SUITE.replace(field, f'{word}="{name}"'), f"the suite: {word} is ")
    assert f"my_task.py:{SUITE[: SUITE.index(field)].count(chr(10)) + 1 + IMPORTS.count(chr(10))}: " in message


@pytest.mark.parametrize(
    ("what", "name"),
    [("row", name) for name in [*ODD, "a.py", "a.", LONG, "\\ud800"]]
    + [(what, name) for what in ("claim", "change") for name in ("a/b", "", "a\\nb", LONG)],
)
def test_a_rows_a_claims_and_a_changes_name_must_be_one(invoke: Invoke, folder: Path, what: str, name: str) -> None:
    text = {
        "row": SUITE.replace(TUNED, f'row("{name}", "tuned", None)'),
        "claim": SUITE.replace('"tuning-helps"', f'"{name}"'),
        "change": SUITE.replace("changes.FROZEN", f'replace(changes.FROZEN, name="{name}")'),
    }[what]
    assert "my_task.py:" in refused(invoke, folder, text, f"{what} ", "name is ")


def test_names_that_are_ones() -> None:
    for name in ("a", "01-baseline", "lr-1e-6", "dropout-0.4", "A_b", "x" * LONGEST_NAME):
        assert name_fault(name) == ""
    assert name_fault("dropout-0.4", dots=False) and name_fault("x" * (LONGEST_NAME + 1))


@pytest.mark.parametrize(
    ("where", "text"),
    [((TITLE, 'title="{}"'), text) for text in ["a\\x1b[31mb", "a\\nb", "a\\tb", "a\\ud800", "a\\u2028b", "a" * 1001]]
    + [
        (where, "a\\nb")
        for where in (
            ('source=""', 'source="{}"'),
            ('title="Question or statement"', 'title="{}"'),
            ('"tuned", None', '"{}", None'),
            ('"Fine-tuning helps."', '"{}"'),
            ('"tuned", None', '"tuned", None, notes=("all is well", "{}")'),
            ('"tuned", None', '"tuned", None, words="{}"'),
        )
    ],
)
def test_a_text_that_cannot_be_printed_is_refused(
    invoke: Invoke, folder: Path, where: tuple[str, str], text: str
) -> None:
    old, new = where
    why = "1,000 is the most" if len(text) > 1000 else "which cannot be printed"
    assert "my_task.py:" in refused(invoke, folder, SUITE.replace(old, new.format(text)), why)


@pytest.mark.parametrize(("old", "new"), [(TITLE, 'title=" "'), ('"tuned", None', '"", None')])
def test_a_title_says_something(invoke: Invoke, folder: Path, old: str, new: str) -> None:
    refused(invoke, folder, SUITE.replace(old, new), "title is ", "it must be a few words")


@pytest.mark.parametrize("paper", ["tuned", "ablation"])
def test_the_papers_that_the_harness_makes_are_its_own(invoke: Invoke, folder: Path, paper: str) -> None:
    refused(invoke, folder, SUITE.replace(PAPER, f'paper="{paper}"'), f"paper is '{paper}', which names rows that")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (COLUMNS, "columns=()", "the suite has no columns; give it one at least"),
        (ROWS, "rows=()", "the suite has no rows; give it one at least"),
        (COLUMNS, 'columns=("questions_accuracy", "questions_accuracy")', "there are two columns 'questions_accuracy'"),
        (f"{CLAIM},", f"{CLAIM}, {CLAIM},", "there are two claims 'tuning-helps'; rename one"),
        ('row("frozen", "frozen"', 'row("tuned", "frozen"', "there are two rows 'tuned'; rename one"),
        (TUNED, 'row("tuned", "tuned", "frozen")', "row 'tuned' stands on itself (tuned on frozen on tuned)"),
        (TUNED, 'row("tuned", "tuned", "tuned")', "row 'tuned' stands on itself (tuned on tuned)"),
        (TUNED, 'row("tuned", "tuned", "frozn")', "stands on 'frozn', but my-task/table1 has no row 'frozn'"),
        ('"tuned", None', '"tuned", None, printed={FIGURE: float("nan")}', "['questions_accuracy'] is nan"),
        ('"tuned", None', '"tuned", None, printed={FIGURE: float("inf")}', "it must be a finite number"),
        ('"tuned", None', '"tuned", None, printed={FIGURE: ".5"}', "is '.5'; it must be a finite number"),
        ('"tuned", None', '"tuned", None, printed={"question": .5}', "a printed 'question', which no column shows"),
        ('"tuned", None', '"tuned", None, printed={1: .5}', "printed, a key is 1; it must be text"),
        ('"tuned", None', '"tuned", None, printed=.5', "printed is 0.5; it must be a dict"),
        ('"tuned", None', '"tuned", None, split="tests"', "split is 'tests'; it must be one of 'dev', 'test'"),
        ('formula="none"', 'formula="normalized"', "is 'normalized'; it must be one of 'plain', 'normalised'"),
        (COLUMNS, 'columns=("questions_accuracy")', "'questions_accuracy'; it must be a tuple; one"),
        (ROWS, "rows=(row('tuned', 'tuned', None))", "the suite: rows is Row("),
        (f"({CLAIM},)", CLAIM, "the suite: claims is Claim("),
        ('"questions_accuracy"))', '"questions_accuracy", sign=2))', "sign is 2; it must be one of -1, 0, 1"),
        (f"({CLAIM},)", f"(replace({CLAIM}, margin=float('nan')),)", "margin is nan; it must be"),
        (f"({CLAIM},)", f"(replace({CLAIM}, margin=0.0),)", "the margin 0.0; it must be above 0"),
        (f"({CLAIM},)", f"(replace({CLAIM}, margin=-.1),)", "the margin -0.1; it must be above 0"),
        (', beats("tuned", "frozen", "questions_accuracy"))', ")", "claim 'tuning-helps' has no contrasts"),
        ('beats("tuned", "frozen"', 'beats("tuned", "tuned"', "compares the row 'tuned' with itself"),
        ('beats("tuned", "frozen"', 'beats("tuned", "frosen"', "'frosen', which is not there; near names"),
        ('beats("tuned", "frozen"', 'beats("tuned", "bertram/table1/06-smrt"', "the row 'bertram/table1/06-smrt'"),
        ("changes.FROZEN", 'replace(changes.FROZEN, edits=(("epochs", 2),))', "there is another change 'frozen'"),
        ("changes.FROZEN", 'replace(changes.FROZEN, edits=("epochs", 2))', "edits[0] is 'epochs'; it must be a tuple"),
    ],
)
def test_what_cannot_be_is_refused(invoke: Invoke, folder: Path, old: str, new: str, message: str) -> None:
    assert "my_task.py:" in refused(invoke, folder, SUITE.replace(old, new), message)


def test_two_suites_of_one_slug_in_a_file(invoke: Invoke, folder: Path) -> None:
    second = "SUITES += (replace(SUITES[0], title='Second', rows=SUITES[0].rows[:1], claims=()),)\n"
    message = "my-task/table1: there are two suites my-task/table1 in it; give one another table"
    refused(invoke, folder, SUITE + second, message)


def test_two_changes_of_one_name(invoke: Invoke, folder: Path) -> None:
    first, second = (f'Change("mine", "", (("epochs", {epochs}),))' for epochs in (2, 3))
    text = SUITE.replace("changes.FROZEN)", f'{first}), row("third", "third", "tuned", {second})')
    refused(invoke, folder, text, "there are two changes 'mine' that do not change the same; rename one")


def test_a_claim_may_name_rows_by_their_full_slugs(invoke: Invoke, folder: Path) -> None:
    for name in ("my-task/table1/frozen", "bertram/table1/06-smart"):
        text = SUITE.replace('beats("tuned", "frozen"', f'beats("tuned", "{name}"')
        (folder / "my_task.py").write_text(text)
        result = invoke("run", folder / "my_task.py", "--seeds", 1, "--dry-run")
        assert result.exit_code == 0, result.output


def test_what_is_built_in_has_no_fault() -> None:
    assert [(suite.slug, fault) for suite in selectors.suites() for fault in faults(suite)] == []
