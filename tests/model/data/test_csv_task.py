"""A task's own CSV: what is read of it, how it is divided, and what is said of a file that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.data.csv_task import own, unlabelled
from model.data.delimited import header_of
from model.data.examples import DataError
from model.task import Task

SPLIT = "sentence,label,split,id\nis it ?,1,train,a\nit is .,0,validation,b\nwhat ?,,test,c\n"


def task(folder: Path, text: str, **fields: object) -> Task:
    path = folder / "questions.csv"
    path.write_text(text, encoding="utf-8", newline="")
    defaults = {"name": "questions", "title": "Questions", "sentences": 1, "classes": 2, "metric": "accuracy"}
    return Task(**(defaults | fields), file=path)  # type: ignore[arg-type]


def pairs(folder: Path, text: str) -> Task:
    return task(folder, text, sentences=2, classes=0, metric="pearson", low=0.0, high=1.0)


FEW = "Questions: {} dev {}, too few to compare by; give the file 6 or more, in a column split"


def test_the_columns_say_split_and_id(tmp_path: Path) -> None:
    corpus = own(task(tmp_path, SPLIT))
    assert {split: (each.ids, each.texts, each.labels.tolist()) for split, each in corpus.splits.items()} == {
        "train": (("a",), (("is it ?",),), [1]),
        "dev": (("b",), (("it is .",),), [0]),
        "test": (("c",), (("what ?",),), [-1]),
    }
    assert corpus.notes == (FEW.format(1, "row"),)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_two_sentences_and_a_score_whatever_parts_them(tmp_path: Path, mark: str) -> None:
    lines = ["sentence1,sentence2,label,split", '"One, two",Three,.5,train', "A,B,1,dev"]
    text = "\r\n".join(
        line.replace(",", mark) if line[0] != '"' else f'"One, two"{mark}Three{mark}.5{mark}train' for line in lines
    )
    corpus = own(pairs(tmp_path, text)).splits
    assert corpus["train"].texts == (("One, two", "Three"),)
    assert corpus["train"].labels.tolist() == [0.5] and corpus["dev"].labels.tolist() == [1.0]


def test_without_a_column_a_tenth_is_dev_whatever_the_order_and_copies_stay_together(tmp_path: Path) -> None:
    rows = [f"sentence number {at % 1500},{at % 2}" for at in range(3000)]  # each twice
    corpus = own(task(tmp_path, "\n".join(["sentence,label", *rows])))
    dev = corpus.splits["dev"].texts
    assert 200 < len(dev) < 400 and len(corpus.splits["train"]) == 3000 - len(dev)
    assert not set(dev) & set(corpus.splits["train"].texts)
    assert "chose about a tenth" in corpus.notes[0] and len(corpus.notes) == 1
    (tmp_path / "again").mkdir()
    again = own(task(tmp_path / "again", "\n".join(["sentence,label", *reversed(rows)])))
    assert set(again.splits["dev"].texts) == set(dev)


def test_dev_rows_that_stand_in_train_are_counted(tmp_path: Path) -> None:
    text = "sentence,label,split\nis it ?,1,train\nIs it ?,1,dev\nno .,0,dev\n"
    message = ("Questions: 1 dev rows also stand in train", FEW.format(2, "rows"))
    assert set(own(task(tmp_path, text)).notes) == {*message}
    more = "".join(f"is it {at} ?,1,dev\n" for at in range(4))
    (tmp_path / "more").mkdir()
    assert own(task(tmp_path / "more", text + more)).notes == message[:1]  # six


def test_lines_may_end_as_on_any_system(tmp_path: Path) -> None:
    corpus = own(task(tmp_path, SPLIT.replace("\n", "\r"))).splits
    assert corpus["train"].texts == (("is it ?",),) and corpus["dev"].ids == ("b",)
    assert header_of("sentence\rhello") == ["sentence"]


def test_another_file_needs_no_labels(tmp_path: Path) -> None:
    questions = task(tmp_path, SPLIT)
    (tmp_path / "new.csv").write_text("sentence\nwho ?\nthey .\n")
    examples = unlabelled(tmp_path / "new.csv", questions)
    assert examples.texts == (("who ?",), ("they .",)) and not examples.labelled
    assert examples.ids == ("2", "3")  # their lines


@pytest.mark.parametrize("label", ["", "-1", "-1.0", "nan", "NaN"])
def test_test_rows_may_lack_a_label_however_that_is_written(tmp_path: Path, label: str) -> None:
    questions = task(tmp_path, f"{SPLIT}who ?,{label},test,d\nwho .,1,test,e\n")
    corpus = own(questions)
    assert corpus.splits["test"].labels.tolist() == [-1, -1, 1]
    note = "Questions: 2 of 3 test rows have no label, so that there is no score"
    assert set(corpus.notes) == {note, FEW.format(1, "row")}
    (tmp_path / "new.csv").write_text(f"sentence,label\nwho ?,{label}\nthey .,0\n")
    assert unlabelled(tmp_path / "new.csv", questions).labels.tolist() == [-1, 0]
    for split in ("train", "dev"):
        own.cache_clear()
        with pytest.raises(DataError, match=r"questions\.csv:5: the label is"):
            own(task(tmp_path, f"{SPLIT}who ?,{label},{split},d\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "questions.csv:1: no column sentence, label; the columns found are none; mend the header"),
        ("text,label\na,1\n", "questions.csv:1: no column sentence; the columns found are 'text', 'label'"),
        ("sentence,label\na,2\n", "questions.csv:2: the label is '2', but for questions it must be a whole number"),
        ("sentence,label\na,\n", "questions.csv:2: the label is ''"),
        ("sentence,label\na,1\n\n ,1\n", "questions.csv:4: an empty sentence; mend or remove that row"),
        ("sentence,label\na,b,1\n", "questions.csv:2: 3 cells instead of 2; mend that row"),
        ('sentence,label\n"a\nb",1\nc,x\n', "questions.csv:4: the label is 'x'"),
        ('sentence,label\n"a,1\n', "questions.csv:2: the row cannot be read"),
        ("sentence,label,split\na,1,eval\n", "questions.csv:2: the split is 'eval'; it must be train, dev or test"),
        ("sentence,label,split\na,1,train\n", "has no dev rows; give it some, or leave the column split out"),
        ("sentence,label,split\na,1,dev\n", "has no train rows"),
        ("sentence,label\na,1\n", "has no dev rows; give it more rows, or a column split"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        own(task(tmp_path, text))
    assert message in str(caught.value)


def test_a_file_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    questions = task(tmp_path, "")
    assert questions.file is not None
    questions.file.write_bytes(b"sentence,label\n\xff,1\n")
    with pytest.raises(DataError, match=r"questions.csv:2: byte 15 of the file is not UTF-8; save it as UTF-8"):
        own(questions)
    questions.file.unlink()
    with pytest.raises(DataError, match=r"the task questions has no file .*questions.csv; Path\(__file__\)"):
        own(questions)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "My Task"}, "task.name is 'My Task'; it must be lower-case letters"),
        ({"classes": 1}, "task.classes is 1; it must be 2 or more, or 0 for scores"),
        ({"classes": 0}, "task.metric is 'accuracy'; it must be 'pearson' for scores"),
        ({"metric": "pearson"}, "task.metric is 'pearson'; it must be 'accuracy' for classes"),
        ({"low": 5.0}, "task.low is 5.0; it must be below high, 5"),
        ({"title": " "}, "task.title is ' '; it must be a few words"),
        ({"classes": 0, "metric": "pearson", "low": -1.0}, "task.low is -1.0; it must be above -1"),
        ({"file": "questions.csv"}, "task.file is 'questions.csv'; it must be of type Path"),
    ],
)
def test_a_declaration_that_cannot_be_is_told(fields: dict[str, object], message: str) -> None:
    from model.declaration import SettingError

    arguments = {"name": "q", "title": "Q", "sentences": 1, "classes": 2, "metric": "accuracy", **fields}
    with pytest.raises(SettingError) as caught:
        Task(**arguments)  # type: ignore[arg-type]
    assert message in str(caught.value)
