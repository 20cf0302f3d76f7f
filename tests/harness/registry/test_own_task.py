"""A task of the user's own: declared in a file of his, its rows in a CSV beside it."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.profiles import PROFILES
from harness.cells.cell import Cell
from harness.cells.record import read_records
from harness.execution.train_cell import Worker
from harness.execution.transfer import local_inputs, make_parcel, with_local_paths
from harness.planning.data import data_of
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.registry import plugins
from model.data import csv_task as rows
from model.data.examples import DataError
from model.task import TASKS
from tests.harness.conftest import Invoke
from tests.harness.processes import finish

SUITE = """
from pathlib import Path

from experiments import changes
from experiments.dsl import beats, claim, row
from experiments.suite import Suite
from model.objectives.cross_entropy import CrossEntropy
from model.recipe import Branch, Recipe
from model.schedules.single_task import Alone
from model.selection import LastEpoch
from model.task import Task

QUESTIONS = Task(
    name="questions",
    title="Question or statement",
    sentences=1,
    classes=2,
    metric="accuracy",
    file=Path(__file__).with_name("questions.csv"),
)
SUITES = (
    Suite(
        paper="my-task",
        table="table1",
        title="Questions",
        source="",
        base=Recipe(branches=(Branch(task=QUESTIONS, objective=CrossEntropy()),), schedule=Alone(task="questions")),
        columns=("questions_accuracy",),
        formula="none",
        selection=LastEpoch(),
        rows=(row("tuned", "tuned", None), row("frozen", "frozen", "tuned", changes.FROZEN)),
        claims=(claim("tuning-helps", "Fine-tuning helps.", "", beats("tuned", "frozen", "questions_accuracy")),),
    ),
)
"""
LINES = [f"is the film number {at} good ?,1" if at % 2 else f"the film number {at} is good .,0" for at in range(60)]


def forget() -> None:
    """What was read of the user's files."""
    plugins._files.clear()
    rows.own.cache_clear()
    TASKS.pop("questions", None)
    for name in [name for name in sys.modules if name.startswith("my_")]:
        del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file is edited twice within a second
    path = list(sys.path)
    forget()
    here = tmp_path / "mine"
    here.mkdir()
    (here / "my_task.py").write_text(SUITE)
    (here / "questions.csv").write_text("\n".join(["sentence,label", *LINES]))
    yield here
    sys.path[:] = path
    forget()


def cell(folder: Path, encoder: Path) -> Cell:
    """The first row's."""
    forget()
    (suite,) = plugins.read_file(str(folder / "my_task.py"))
    sys.path.remove(str(folder))
    setup = Setup(profile=PROFILES["demo"], data="embedded", encoder=str(encoder), seeds=1)
    (planned,) = plan([(suite, suite.rows[0])], setup)
    assert planned.reason == ""
    return planned.cells[0]


def test_it_trains_is_compared_and_answers_new_rows(
    invoke: Invoke, folder: Path, tmp_path: Path, encoder: Path
) -> None:
    home, file = tmp_path / "home", folder / "my_task.py"
    words = ["--encoder", encoder, "--home", home]
    text = finish("run", file, "--seeds", 1, "--set", "epochs=1", "--jobs", 1, "--no-report", *words)
    assert re.search(r"data +questions.csv, fingerprint [0-9a-f]{16}", text)
    assert "Question acc" in text and "majority class" in text
    assert "hash of the sentences" in " ".join(text.split())
    assert "generated text" not in text.partition("Questions")[2].partition("profile")[0]
    assert {record.metadata["settings"]["questions.task"] for record in read_records(home)} == {"questions"}
    compared = invoke("compare", f"{file}:tuned", f"{file}:frozen", "--home", home)
    assert compared.exit_code == 0, compared.output
    assert "my-task/table1/tuned minus my-task/table1/frozen" in compared.output
    csv = (folder / "questions.csv").read_text()
    (folder / "questions.csv").write_text(csv.replace("number 7 good", "number 7 bad"))
    forget()
    edited = invoke("compare", f"{file}:tuned", f"{file}:frozen", "--home", home)
    assert edited.exit_code == 2 and "has no results of these rows" in edited.output, edited.output
    (folder / "questions.csv").write_text(csv)
    forget()
    behind = invoke("explain", f"{file}:tuned:questions_accuracy", "--home", home)
    assert "data questions" in behind.output
    forget()
    lost = invoke("explain", "my-task/table1/tuned:questions_accuracy", "--home", home)
    assert lost.exit_code == 2 and "if it is in a file of yours, give FILE.py:tuned" in lost.output, lost.output
    turned = invoke("compare", "my-task/table1/tuned", f"{file}:frozen", "--home", home)
    assert turned.output == compared.output
    behind_it = invoke("explain", f"{file}:my-task/table1/tuned:questions_accuracy", "--home", home)
    assert behind_it.output == behind.output
    (folder / "new.csv").write_text("sentence\nis it late ?\n")
    answered = invoke(
        "predict", f"{file}:tuned", "--set", "epochs=1", "--file", folder / "new.csv", "--out", tmp_path, *words
    )
    assert answered.exit_code == 0, answered.output
    lines = (tmp_path / "new-output.csv").read_text().splitlines()
    assert lines[0].split() == ["id", "Predicted_questions"] and re.fullmatch(r"2 , [01] ", lines[1])


def test_a_cell_is_its_rows_and_declaration_not_the_place_of_its_file(
    folder: Path, tmp_path: Path, encoder: Path
) -> None:
    first = cell(folder, encoder)
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert cell(moved, encoder).id == first.id
    csv = (moved / "questions.csv").read_text()
    (moved / "questions.csv").write_text(csv.replace("number 7 good", "number 7 bad"))
    assert cell(moved, encoder).id != first.id
    (moved / "questions.csv").write_text(csv)
    (moved / "my_task.py").write_text(SUITE.replace("classes=2", "classes=3"))
    assert cell(moved, encoder).id != first.id


def test_the_same_rows_in_another_split_are_another_cell(folder: Path, encoder: Path) -> None:
    seen = set()
    for order in (("train", "dev", "test"), ("train", "test", "dev"), ("dev", "train", "test")):
        lines = [f"{line},{order[at % 3]}" for at, line in enumerate(LINES)]
        (folder / "questions.csv").write_text("\n".join(["sentence,label,split", *lines]))
        seen.add(cell(folder, encoder).id)
    assert len(seen) == 3


def test_a_file_that_changes_during_the_run_is_not_trained_on_under_the_old_name(
    folder: Path, tmp_path: Path, encoder: Path
) -> None:
    planned = cell(folder, encoder)
    with (folder / "questions.csv").open("a") as stream:
        stream.write("\nis this new ?,1")
    rows.own.cache_clear()
    worker = Worker(tmp_path / "home", 1, "cpu", 60.0, lambda: False)
    with pytest.raises(DataError, match=r"questions.csv was changed since the run began"):
        worker.build(planned, 1)


def test_its_file_travels_to_a_machine_that_has_it_not(folder: Path, tmp_path: Path, encoder: Path) -> None:
    here = cell(folder, encoder)
    file = str(folder / "questions.csv")
    assert file in local_inputs(here)
    before = data_of(here.recipe, "embedded").splits["questions", "train"].fingerprint
    unpacked = {file: make_parcel(file).unpack(tmp_path / "there")}
    shutil.rmtree(folder)
    rows.own.cache_clear()
    there = with_local_paths(here, unpacked)
    assert there.id == here.id
    assert data_of(there.recipe, "embedded").splits["questions", "train"].fingerprint == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name="questions"', 'name="sst"', "there is another task 'sst' already; give this one another name"),
        ('name="questions"', 'name="text"', "a task cannot be called 'text', which names something else; rename it"),
        ('name="questions"', 'name="batch"', "a task cannot be called 'batch'"),
        ("selection=LastEpoch(),", "", "row 'tuned' chooses its epoch by sst_accuracy, which it does not measure"),
        ('columns=("questions_accuracy",)', 'columns=("accuracy",)', "column 'accuracy' is a metric of no row"),
        (
            '"frozen", "questions_accuracy")',
            '"cold", "questions_accuracy")',
            "names the row 'cold', which is not there",
        ),
        ('"frozen", "questions_accuracy")', '"frozen", "overall")', "is about overall, a metric of no row"),
        ('row("frozen"', 'row("tuned"', "there are two rows 'tuned'; rename one"),
        ('name="questions"', 'name="smart"', "a task cannot be called 'smart' as a technique is; rename it"),
        ('"frozen", "questions_accuracy")', '"frozen", "question_gap")', "is about question_gap, a metric of no row"),
        ('title="Question or statement"', 'title=""', "my_task.py:13: task.title is ''; it must be a few words"),
    ],
)
def test_a_declaration_that_cannot_be_is_told_in_a_sentence(
    invoke: Invoke, folder: Path, old: str, new: str, message: str
) -> None:
    text = SUITE.replace(old, new).replace('task="questions"', 'task="sst"' if '"sst"' in new else 'task="questions"')
    if "name=" in new:
        text = text.replace('task="questions"', f"task={new.removeprefix('name=')}")
    (folder / "my_task.py").write_text(text)
    result = invoke("list", folder / "my_task.py")
    assert result.exit_code == 2
    assert message in result.output and len(result.output.splitlines()) == 1, result.output


def test_a_row_that_cannot_be_used_is_told_with_its_line(invoke: Invoke, folder: Path, encoder: Path) -> None:
    with (folder / "questions.csv").open("a") as stream:
        stream.write("\nperhaps .,maybe\n")
    result = invoke("run", folder / "my_task.py", "--encoder", encoder, "--seeds", 1)
    assert result.exit_code == 2
    assert (
        "questions.csv:62: the label is 'maybe', but for questions it must be a whole number from 0 to 1"
        in result.output
    )
