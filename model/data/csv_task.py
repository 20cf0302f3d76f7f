"""A task's own file: one CSV with all its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model.data.course import CourseFiles, given_label, text_of, unlabelled_among, usable
from model.data.delimited import delimiter_of, header_of, lines, places
from model.data.examples import DataError, Examples, Split
from model.data.leakage import duplicates
from model.errors import shown
from model.rng import key
from model.task import Task

HELD_OUT = 10  # where nothing says which rows are dev: one in so many
HANDFUL = 6  # dev rows: with fewer no verdict is given, see docs/statistics.md
NAMES: Mapping[str, Split] = {"train": "train", "dev": "dev", "validation": "dev", "test": "test"}


@dataclasses.dataclass(frozen=True)
class Columns:
    """Where they stand; None for one that is not there."""

    texts: tuple[int, ...]
    label: int | None
    split: int | None
    identity: int | None
    count: int

    def like(self, cells: Sequence[str]) -> bool:
        """Whether these may be a row's cells: its label is a number or missing, its split one of those there are."""
        label = "" if self.label is None else cells[self.label].strip()
        split = "" if self.split is None else cells[self.split].strip().lower()
        return numeric(label) and split in ("", *NAMES)


def numeric(label: str) -> bool:
    """Whether this is a number, or missing."""
    try:
        float(label or 0)
    except ValueError:
        return False
    return True


class Own(NamedTuple):
    """A task's rows, and what a reader of results should know of them."""

    splits: Mapping[Split, Examples]
    notes: tuple[str, ...]


@lru_cache(maxsize=16)
def own(task: Task) -> Own:
    """The rows of ``task.file`` by split. ``DataError`` with the line of what cannot be used.

    The columns, in any order: ``sentence``, or ``sentence1`` and ``sentence2``; ``label``; and where there are such,
    ``split`` (train, dev or validation, test) and ``id``. Commas, semicolons or tabs part them. Without ``split``, a
    hash of the sentences puts about a tenth of the rows into dev, copies of a row on one side. Test rows may lack
    labels. Text stays as it is.
    """
    path = task.file
    if path is None or not path.is_file():
        mend = 'Path(__file__).with_name("FILE.csv") names one that lies beside a Python file'
        raise DataError(f"the task {task.name} has no file {path}; {mend}")
    text, by_split = text_of(path), dict[Split, list[CourseFiles]]()
    for split, row in rows(path.name, text, task):
        by_split.setdefault(split, []).append(row)
    missing = [split for split in ("train", "dev") if split not in by_split]
    if missing:
        divided = "split" in header_of(text)
        mend = "give it some, or leave the column split out" if divided else "give it more rows, or a column split"
        raise DataError(f"{path} has no {missing[0]} rows; {mend}")
    splits = {split: examples(task, split, each) for split, each in by_split.items()}
    return Own(splits, tuple(f"{task.title}: {note}" for note in notes(text, splits)))


def notes(text: str, splits: Mapping[Split, Examples]) -> Iterator[str]:
    if "split" not in header_of(text):
        yield "no column says which rows are dev; a hash of the sentences chose about a tenth"
    yield from few(splits)
    if twice := duplicates(splits["train"], splits["dev"]):
        yield f"{twice:,} dev rows also stand in train"
    if "test" in splits and (some := unlabelled_among(splits["test"])):
        yield some


def few(splits: Mapping[Split, Examples]) -> Iterator[str]:
    """What a handful of dev rows cannot show."""
    count = len(splits["dev"].ids)
    if count < HANDFUL:
        rows = "row" if count == 1 else "rows"
        yield f"{count} dev {rows}, too few to compare by; give the file {HANDFUL} or more, in a column split"


def unlabelled(path: Path, task: Task) -> Examples:
    """All rows of another file of this layout, which need not have labels, as test rows. ``DataError``."""
    parsed = [row for _, row in rows(path.name, text_of(path), task, "test")]
    if not parsed:
        raise DataError(f"{path} has no rows under its header; give it some")
    return examples(task, "test", parsed)


def examples(task: Task, split: Split, parsed: list[CourseFiles]) -> Examples:
    return Examples(
        task=task,
        split=split,
        ids=tuple(row.identity for row in parsed),
        texts=tuple(row.texts for row in parsed),
        labels=np.array([row.label for row in parsed], dtype=np.int64 if task.classes else np.float64),
    )


def rows(name: str, text: str, task: Task, split: Split | None = None) -> Iterator[tuple[Split, CourseFiles]]:
    """Every row with its split, or with the one given."""
    columns = columns_of(name, header_of(text), task, split)
    parsed = lines(name, text, delimiter_of(text), strict=True, like=columns.like)
    next(parsed)
    for line in parsed:
        if line.opens is not None:
            raise DataError(
                f"{name}:{line.opens}: a quotation opens in this line that seems to hold the rows down to line "
                f"{line.last}; double each quotation mark and put the cell in quotation marks, or put its text on one "
                "line"
            )
        yield row_of(f"{name}:{line.first}", line.cells, columns, task, split)


def sentences_of(task: Task) -> tuple[str, ...]:
    """The columns of its text."""
    return ("sentence",) if task.sentences == 1 else ("sentence1", "sentence2")


def columns_of(name: str, header: list[str], task: Task, split: Split | None) -> Columns:
    wanted = (*sentences_of(task), *(() if split == "test" else ("label",)))
    missing = [column for column in wanted if column not in header]
    if missing:
        columns = ", ".join(shown(column) for column in header[:8]) or "none"
        raise DataError(f"{name}:1: no column {', '.join(missing)}; the columns found are {columns}; mend the header")
    place = places(name, header, (*sentences_of(task), "label", "split", "id"))
    return Columns(
        texts=tuple(place[text] for text in sentences_of(task)),
        label=place.get("label"),
        split=place.get("split"),
        identity=place.get("id"),
        count=len(header),
    )


def row_of(
    where: str, cells: list[str], columns: Columns, task: Task, split: Split | None
) -> tuple[Split, CourseFiles]:
    if len(cells) != columns.count:
        raise DataError(f"{where}: {len(cells)} cells instead of {columns.count}; mend that row")
    texts = tuple(cells[at].strip() for at in columns.texts)
    if not all(map(usable, texts)):
        raise DataError(f"{where}: an empty sentence; mend or remove that row")
    if split is None:
        split = drawn(texts) if columns.split is None else split_of(cells[columns.split], where)
    label = "" if columns.label is None else cells[columns.label].strip()
    number = given_label(label, task, split, where)
    identity = cells[columns.identity].strip() if columns.identity is not None else where.rpartition(":")[2]
    return split, CourseFiles(identity, texts, number)


def split_of(text: str, where: str) -> Split:
    try:
        return NAMES[text.strip().lower()]
    except KeyError:
        raise DataError(f"{where}: the split is {shown(text)}; it must be train, dev or test") from None


def drawn(texts: tuple[str, ...]) -> Split:
    return "dev" if key("own dev", *sorted(texts)) % HELD_OUT == 0 else "train"
