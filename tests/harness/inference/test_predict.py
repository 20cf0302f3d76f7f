"""``harness predict``: the answers of the selected epoch, in the course's submission layout."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cells.record import Record, read_records
from harness.cli.main import main
from harness.planning.data import open_data
from tests.harness.cli.test_bad_input import check, course_folder
from tests.harness.conftest import Invoke

ROW = "bertram/table1/04-all-three"
FEW = ("--set", "epochs=2", "--set", "sst.rows=64", "--set", "quora.rows=64", "--set", "sts.rows=64")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """A results folder in which ``ROW`` was trained and the weights of its selected epoch were kept."""
    home = tmp_path_factory.mktemp("trained") / "home"
    words = [
        "run",
        ROW,
        *FEW,
        "--seeds",
        "1",
        "--encoder",
        encoder,
        "--keep",
        "selected",
        "--no-report",
        "--home",
        home,
    ]
    result = CliRunner().invoke(main, [*map(str, words), "--jobs", "1", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    return home


@pytest.fixture
def words(home: Path, encoder: Path) -> tuple[object, ...]:
    """The command that finds the trained row."""
    return ("predict", ROW, *FEW, "--encoder", encoder, "--home", home, "--device", "cpu")


def answers(path: Path) -> list[tuple[str, str]]:
    """The lines under the header; an id and a value have the starter's spaces around the comma."""
    lines = path.read_bytes().decode().split("\n")
    assert lines.pop() == ""
    assert all(line.endswith(" ") for line in lines)
    pairs = [line.removesuffix(" ").split(" , ") for line in lines[1:]]
    return [(identity, value) for identity, value in pairs]


def only(home: Path) -> Record:
    (record,) = read_records(home)
    return record


@pytest.mark.parametrize("split", ["dev", "test"])
def test_the_answers_are_those_that_training_kept(
    invoke: Invoke, words: tuple[str, ...], home: Path, tmp_path: Path, split: str
) -> None:
    result = invoke(*words, "--split", split, "--out", tmp_path / "predictions")
    assert result.exit_code == 0, result.output
    assert "trained now" not in result.output
    record = only(home)
    (weights,) = record.folder.glob("weights/*")
    epoch = int(weights.stem.removeprefix("epoch-"))
    assert f"04-all-three{variant()} seed 0, epoch {epoch}" in result.output
    files = {"sst": "sst", "quora": "para", "sts": "sts"}
    for task, stem in files.items():
        kept = record.answers(epoch)[split, task]
        rows = answers(tmp_path / "predictions" / f"{stem}-{split}-output.csv")
        assert [identity for identity, _ in rows] == kept.names.tolist()
        assert [float(value) for _, value in rows] == kept.answers.tolist()
    scores = record.epochs[epoch - 1]["scores"][split]
    for metric, value in scores.items():
        assert f"{metric} {value:.3f}" in result.output


def variant() -> str:
    return f"[{', '.join(FEW[1::2])}]"


def test_the_layout_is_that_of_the_starter(invoke: Invoke, words: tuple[str, ...], tmp_path: Path) -> None:
    result = invoke(*words, "--out", tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == [
        f"{stem}-test-output.csv" for stem in ("para", "sst", "sts")
    ]
    headers = {path.name[:3]: path.read_text().partition("\n")[0] for path in tmp_path.glob("*.csv")}
    assert headers == {
        "sst": "id \t Predicted_Sentiment ",
        "par": "id \t Predicted_Is_Paraphrase ",
        "sts": "id \t Predicted_Similiary ",
    }
    assert {value for _, value in answers(tmp_path / "sst-test-output.csv")} <= set("01234")
    assert {value for _, value in answers(tmp_path / "para-test-output.csv")} <= {"0.0", "1.0"}
    assert "200 rows, sst_accuracy" in result.output


def test_without_a_folder_the_files_lie_in_the_home(invoke: Invoke, words: tuple[str, ...], home: Path) -> None:
    assert invoke(*words, "--task", "sst").exit_code == 0
    (path,) = (home / "predictions").glob("*/*.csv")
    assert path.name == "sst-test-output.csv"
    assert path.parent.name.startswith("bertram-table1-04-all-three-demo-seed-0-epochs=2")


def write(path: Path, *rows: str) -> Path:
    path.write_text("".join(f"{row}\n" for row in rows).replace("|", "\t"), encoding="utf-8")
    return path


def test_a_file_is_answered_with_labels_or_without(invoke: Invoke, words: tuple[str, ...], tmp_path: Path) -> None:
    dev = open_data("embedded").splits["sst", "dev"].first(9)
    rows = [f"{at}|{identity}|{text}" for at, (identity, (text,)) in enumerate(zip(dev.ids, dev.texts, strict=True))]
    bare = invoke(*words, "--file", write(tmp_path / "bare.tsv", "|id|sentence", *rows), "--out", tmp_path)
    assert bare.exit_code == 0, bare.output
    assert "9 rows, no labels" in bare.output
    predicted = answers(tmp_path / "bare-output.csv")
    assert [identity for identity, _ in predicted] == list(dev.ids)
    labelled = [f"{row}|{value}" for row, (_, value) in zip(rows, predicted, strict=True)]
    path = write(tmp_path / "told.tsv", "|id|sentence|sentiment", *labelled, "9|x| |3")
    right = invoke(*words, "--file", path, "--out", tmp_path)
    assert "9 rows, sst_accuracy 1.000" in right.output
    assert "1 of 10 rows cannot be used (told.tsv:11 an empty sentence" in right.output.replace("\n", "")
    path = write(tmp_path / "some.tsv", "|id|sentence|sentiment", *labelled, "9|x|no label here|")
    some = invoke(*words, "--file", path, "--out", tmp_path).output
    assert "10 rows, no labels" in some and "1 of 10 test rows have no label, so that there is no score" in some


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("label", ["-1", "-1.0", "nan", ""])
def test_a_files_lines_may_end_as_on_any_system_and_labels_may_be_missing_in_any_way(
    invoke: Invoke, words: tuple[str, ...], tmp_path: Path, end: str, label: str
) -> None:
    path = tmp_path / "any.tsv"
    path.write_bytes(f"id\tsentence\tsentiment{end}a\tgood\t{label}{end}b\tbad\t{label}{end}".encode())
    result = invoke(*words, "--file", path, "--out", tmp_path)
    assert result.exit_code == 0 and "2 rows, no labels" in result.output, result.output
    assert [identity for identity, _ in answers(tmp_path / "any-output.csv")] == ["a", "b"]


def test_rows_that_their_ids_do_not_tell_apart_are_counted(
    invoke: Invoke, words: tuple[str, ...], tmp_path: Path
) -> None:
    path = write(tmp_path / "twice.tsv", "id|sentence", "a|one", "a|two", "|three", "|four", "b|five", "a|six")
    output = invoke(*words, "--file", path, "--out", tmp_path).output.replace("\n", "")
    assert "2 rows have no id, 2 rows have the id of another; the answers are in the order of the rows" in output
    assert [identity for identity, _ in answers(tmp_path / "twice-output.csv")] == ["a", "a", "", "", "b", "a"]


def test_a_label_column_tells_which_pairs_they_are(invoke: Invoke, words: tuple[str, ...], tmp_path: Path) -> None:
    bare = write(tmp_path / "pairs.tsv", "id|sentence1|sentence2", "a|one cat|two cats", "b|a dog|the dog")
    check(invoke(*words, "--file", bare), "pairs.tsv may be of quora or sts", "--task")
    assert "2 rows, no labels" in invoke(*words, "--file", bare, "--task", "sts", "--out", tmp_path).output
    labelled = write(tmp_path / "told.tsv", "id|sentence1|sentence2|is_duplicate", "a|one cat|two cats|0.0")
    assert "1 rows, quora_accuracy" in invoke(*words, "--file", labelled, "--out", tmp_path).output


@pytest.mark.parametrize(
    ("content", "options", "phrases"),
    [
        ("id,sentence\na,good\n", (), ("the columns found are 'id,sentence'", "tab-separated", "sst: id, sentence")),
        ("id\ttext\na\tgood\n", (), ("file.tsv:1", "'text'")),
        ("", (), ("file.tsv:1",)),
        ("\x00\xff\x00", (), ("file.tsv:1",)),
        ("id\tsentence\n", (), ("file.tsv has no rows",)),
        ("id\tsentence\tsentiment\na\tgood\t9\n", (), ("file.tsv:2", "label is '9'", "0 to 4")),
        ("id\tsentence\na\tgood\n", ("--task", "cfimdb"), ("no task 'cfimdb'", "sst, quora, sts")),
        ("id\tsentence\na\tgood\n", ("--task", "sts"), ("file.tsv:1", "sts: id, sentence1, sentence2")),
        ("id\tsentence\na\tgood\n", ("--split", "dev"), ("--file and --split",)),
        (None, (), ("file.tsv cannot be read", "No such file")),
        ("id\tsentence\np , 0\tgood\n", (), ("file.tsv: the id 'p , 0' holds a comma", "ID , ANSWER; rename it")),
        ('id\tsentence\n"two\nlines"\tgood\n', (), ("file.tsv: the id 'two\\nlines' holds a line end",)),
        ("id\tsentence\ntwo\x85lines\tgood\n", (), ("file.tsv:2", "UTF-8")),
        ("id\tsentence\tid\na\tgood\tb\n", (), ("file.tsv:1: 2 columns are called id; rename all but one",)),
    ],
)
def test_a_file_that_does_not_fit_is_explained(
    invoke: Invoke, tmp_path: Path, content: str | None, options: tuple[str, ...], phrases: tuple[str, ...]
) -> None:
    if content is not None:
        (tmp_path / "file.tsv").write_text(content, encoding="latin-1")
    check(invoke("predict", ROW, "--file", tmp_path / "file.tsv", *options), *phrases)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        (("bertram/table1/04-all-tree",), ("04-all-three",)),
        (("table1",), ("rows", "give one")),
        ((ROW, "--seed", "-2"), ("--seed is -2",)),
    ],
)
def test_a_row_that_cannot_be_predicted_with_is_explained(
    invoke: Invoke, words: tuple[str, ...], phrases: tuple[str, ...]
) -> None:
    check(invoke("predict", *words), *phrases)


def test_a_split_that_the_data_lack_is_explained(invoke: Invoke, encoder: Path, tmp_path: Path) -> None:
    folder = course_folder(tmp_path / "course")
    result = invoke("predict", ROW, "--data", folder, "--encoder", encoder)
    check(result, "has no test rows of SST-5 sentiment", "--split", "--file")


def test_unlabelled_test_rows_are_predicted_and_no_table_shows_dev_for_them(
    invoke: Invoke, encoder: Path, tmp_path: Path
) -> None:
    unlabelled = {
        "ids-sst-test-student.csv": "0\t\tid\tsentence\n1\t0.0\tT1\tGood\n2\t1.0\tT2\tBad\n",
        "sts-test-student.csv": "\tid\tsentence1\tsentence2\n0\tp\tone cat\ttwo cats\n",
    }
    folder = course_folder(tmp_path / "course", **unlabelled)
    shared = ("--data", folder, "--encoder", encoder, "--device", "cpu")
    rows = ("--rows", "12-combined,13-combined-test", "--seeds", "1", "--jobs", "1", "--keep", "selected")
    run = invoke("run", "bertram/table1", "--no-report", *rows, *shared)
    assert run.exit_code == 0, run.output
    entries = table(tmp_path / "home")
    assert [(state, mean) for row, state, mean in entries if row == "13-combined-test"] == [("no test labels", "")] * 4
    assert [state for row, state, _ in entries if row == "12-combined"] == ["done"] * 4

    result = invoke("predict", "bertram/table1/13-combined-test", *shared, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.output.count("no labels") == 2
    assert f"{folder} has no test rows of Quora paraphrase" in result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["sst-test-output.csv", "sts-test-output.csv"]
    assert [identity for identity, _ in answers(tmp_path / "out" / "sst-test-output.csv")] == ["t1", "t2"]


def table(home: Path) -> list[tuple[str, str, str]]:
    """Row, state and our mean of every entry of the one table."""
    (path,) = home.glob("reports/*.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        return [(entry["row"], entry["state"], entry["mean"]) for entry in csv.DictReader(lines)]


@pytest.mark.parametrize("command", ["predict", "export"])
def test_weights_of_which_a_bit_was_turned_are_refused_and_older_ones_serve(
    invoke: Invoke, words: tuple[object, ...], home: Path, tmp_path: Path, command: str
) -> None:
    copy = Path(shutil.copytree(home, tmp_path / "copy"))
    (path,) = copy.glob("cells/*/weights/*")
    whole = path.read_bytes()
    again = [command, *words[1:], "--home", copy, "--out", tmp_path / "out"]
    turned = bytearray(whole)
    turned[-2] ^= 0x40  # an exponent's
    path.write_bytes(turned)
    refused = invoke(*again)
    assert refused.exit_code == 2
    mend = "is not what was written there (its checksum differs); delete it, and it will be trained again"
    assert f"error: {path} {mend}" in " ".join(refused.output.split())
    assert not (tmp_path / "out").exists()
    path.write_bytes(whole)
    for kept in copy.glob("cells/*/checksums/*"):
        kept.unlink()
    older = invoke(*again)
    assert older.exit_code == 0, older.output
    assert older.output.count("no checksum was kept when it was written") == 1
