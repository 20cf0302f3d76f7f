"""The course's files: tab-separated text despite the ``.csv`` name. Rows that cannot be used are named, never lost."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model.data.delimited import lines, places
from model.data.examples import Corpus, DataError, Dropped, Examples, Split
from model.errors import shown
from model.task import CFIMDB, QUORA, SST, STS, TASKS, Task

OFFICIAL_QUORA = 141_506  # rows of the quora-train that the course hands out
TOLERATED = 10  # broken rows that any file may have
TOLERATED_SHARE = 0.01  # and the share of its rows above which it is refused
SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a task's files and columns are called."""

    stem: str
    texts: tuple[str, ...]
    label: str

    def file(self, split: Split) -> str:
        return f"{self.stem}-{'test-student' if split == 'test' else split}.csv"


LAYOUTS = {
    SST.name: Layout("ids-sst", ("sentence",), "sentiment"),
    QUORA.name: Layout("quora", ("sentence1", "sentence2"), "is_duplicate"),
    STS.name: Layout("sts", ("sentence1", "sentence2"), "similarity"),
    CFIMDB.name: Layout("ids-cfimdb", ("sentence",), "sentiment"),
}


class CourseFiles(NamedTuple):
    """A usable row; its label is -1 where there is none."""

    identity: str
    texts: tuple[str, ...]
    label: float


def course(folder: Path, tasks: Sequence[str] | None = None) -> Corpus:
    """The course's files in ``folder``. With ``tasks``, these and no others, each with its train and dev file; else
    every file that is there. ``-test-student`` files are optional and have labels -1. Raises ``DataError``."""
    if not os.path.isdir(folder):
        raise DataError(f"the data folder {folder} is not there; give the folder that holds ids-sst-train.csv")
    splits: dict[tuple[str, Split], Examples] = {}
    for name in choose_tasks(tasks, tuple(LAYOUTS), "the course's data"):
        for split in SPLITS:
            path = folder / LAYOUTS[name].file(split)
            if os.path.lexists(path):
                splits[name, split] = read(path, TASKS[name], split)
            elif tasks is not None and split != "test":
                raise DataError(f"{path} is not there; put the course's {path.name} there or leave out {name}")
    if not splits:
        files = ", ".join(layout.file("train") for layout in LAYOUTS.values())
        raise DataError(f"{folder} holds none of the course's files ({files} and their dev files); give their folder")
    return Corpus(source="course files", splits=splits, notes=tuple(_notes(splits)))


def choose_tasks(tasks: Sequence[str] | None, available: tuple[str, ...], source: str) -> tuple[str, ...]:
    """The tasks to read, in the source's own order; ``DataError`` for one that the source does not have."""
    unknown = [task for task in tasks or () if task not in available]
    if unknown:
        raise DataError(f"{source} has no task {unknown[0]!r}; choose from {', '.join(available)}")
    return available if tasks is None else tuple(task for task in available if task in tasks)


def read(path: Path, task: Task, split: Split) -> Examples:
    """One file. Broken rows are dropped and recorded, with their line, up to the limits of ``collect``."""
    text = text_of(path)
    if not text.strip():
        raise DataError(f"{path} is empty; put the course's file in its place")
    return collect(path.name, task, split, _rows(path.name, text, task, split))


def text_of(path: Path) -> str:
    """A file's text; ``DataError`` if it is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; check that it is a readable file") from None
    try:
        return content.decode().removeprefix("\ufeff")  # a mark that some editors put before the text
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path.name}:{line}: byte {error.start} of the file is not UTF-8; save it as UTF-8") from None


def collect(name: str, task: Task, split: Split, rows: Iterable[CourseFiles | Dropped]) -> Examples:
    """The usable rows. A file is refused when more than 10 of its rows and more than 1% are broken: one or two
    misquoted rows are known in the course's files, while many mean a wrong or damaged file."""
    usable_rows: list[CourseFiles] = []
    dropped: list[Dropped] = []
    for row in rows:
        if isinstance(row, Dropped):
            dropped.append(row)
        else:
            usable_rows.append(row)
    total = len(usable_rows) + len(dropped)
    if not total:
        raise DataError(f"{name} has no rows under its header; put the complete file in its place")
    if not usable_rows or len(dropped) > max(TOLERATED, TOLERATED_SHARE * total):
        raise DataError(f"{describe_dropped(name, dropped, total)}; that is too many, so mend or replace the file")
    return Examples(
        task=task,
        split=split,
        ids=tuple(row.identity for row in usable_rows),
        texts=tuple(row.texts for row in usable_rows),
        labels=np.array([row.label for row in usable_rows], dtype=np.int64 if task.classes else np.float64),
        dropped=tuple(dropped),
    )


def describe_dropped(name: str, dropped: Sequence[Dropped], total: int) -> str:
    """How many rows were left out, and the first places."""
    places = ", ".join(f"{row.where} {row.why}" for row in dropped[:3])
    more = f" and {len(dropped) - 3:,} more" if len(dropped) > 3 else ""
    return f"{name}: {len(dropped):,} of {total:,} rows cannot be used ({places}{more})"


def clean(text: str, task: Task) -> str:
    """A sentence as the course's loader gives it: lower-case and stripped; in pairs also a space before each
    ``. ? , '`` and white space folded."""
    if task.sentences == 1:
        return text.lower().strip()
    text = text.lower()
    for mark in ".?,'":
        text = text.replace(mark, f" {mark}")
    return " ".join(text.split())


def usable(text: object) -> bool:
    """Whether this is text with something in it that can be encoded (JSON may hold half a surrogate pair)."""
    if not isinstance(text, str) or not text.strip():
        return False
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def label_of(value: object, task: Task, where: str) -> float:
    """The label as a number in the task's range, or ``DataError``. "1.0" is class 1; "1.5" is no class."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if task.classes and number in range(task.classes):
        return number
    if not task.classes and task.low <= number <= task.high:
        return number
    span = f"a whole number from 0 to {task.classes - 1}" if task.classes else f"from {task.low:g} to {task.high:g}"
    raise DataError(f"{where}: the label is {shown(value)}, but for {task.name} it must be {span}; mend that row")


def given_label(value: object, task: Task, split: Split, where: str) -> float:
    """The same, and -1 for a test row without a label: an empty cell, null, NaN, -1 or -1.0."""
    if split == "test":
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            if value is None or value == "" or float(value) == -1 or math.isnan(float(value)):  # type: ignore[arg-type]
                return -1.0
    return label_of(value, task, where)


def unlabelled_among(test: Examples) -> str:
    """What is to be said where some of these rows have a label and some have none, so that they have no score."""
    without = int((test.labels == -1).sum())
    if not 0 < without < len(test):
        return ""
    return f"{without:,} of {len(test):,} {test.split} rows have no label, so that there is no score"


def _rows(name: str, text: str, task: Task, split: Split) -> Iterator[CourseFiles | Dropped]:
    parsed = lines(name, text, "\t")
    header = [cell.strip() for cell in next(parsed).cells]
    wanted = _columns(name, header, task, split)
    for line in parsed:
        if line.opens is not None:
            why = f"inside a quotation that opens in line {line.opens} and does not end there"
            yield from (Dropped(f"{name}:{at}", why) for at in range(line.first, line.last + 1))
        else:
            yield _row(f"{name}:{line.first}", header, line.cells, wanted, task, split)


def _columns(name: str, header: list[str], task: Task, split: Split) -> tuple[int, list[int], int | None]:
    """Where the id, the sentences and the label stand; a test file need not have labels."""
    layout = LAYOUTS[task.name]
    place = places(name, header, ("id", *layout.texts, layout.label))
    needed = ("id", *layout.texts, *(() if split == "test" else (layout.label,)))
    missing = [column for column in needed if column not in place]
    other = next((word for mark, word in ((",", "comma"), (";", "semicolon")) if mark in "".join(header)), "")
    if missing and len(header) == 1 and other:
        raise DataError(f"{name}:1: tab-separated expected; this looks {other}-separated; save it with tabs")
    if missing:
        columns = ", ".join(shown(column) for column in header[:8])
        raise DataError(
            f"{name}:1: no column {', '.join(missing)}; the columns found are {columns or 'none'}; mend the header"
        )
    return place["id"], [place[column] for column in layout.texts], place.get(layout.label)


def _row(
    where: str, header: list[str], cells: list[str], wanted: tuple[int, list[int], int | None], task: Task, split: Split
) -> CourseFiles | Dropped:
    identity, texts, label = wanted
    sentences = [cells[at] for at in texts] if len(cells) == len(header) else []
    why = ""
    if len(cells) != len(header):
        why = f"{len(cells)} cells instead of {len(header)}"
    elif label is not None and split != "test" and not cells[label].strip():
        why = "no label"
    elif not all(map(usable, sentences)):
        why = "an empty sentence"
    if why:
        return Dropped(where, f"{why} ({header[0] or 'index'} {shown(cells[0])[1:-1]})")
    number = -1.0 if label is None else given_label(cells[label].strip(), task, split, where)
    return CourseFiles(cells[identity].lower().strip(), tuple([clean(text, task) for text in sentences]), number)


def _notes(splits: dict[tuple[str, Split], Examples]) -> Iterator[str]:
    for (name, split), examples in splits.items():
        total = len(examples) + len(examples.dropped)
        if (name, split) == (QUORA.name, "train") and total != OFFICIAL_QUORA:
            yield f"{total:,}-row Quora"
        if examples.dropped:
            yield describe_dropped(LAYOUTS[name].file(split), examples.dropped, total)
        if some := unlabelled_among(examples):
            yield f"{LAYOUTS[name].file(split)}: {some}"
