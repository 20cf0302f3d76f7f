"""Public data sets from the Hugging Face hub, or from a local folder laid out like it. Never runs a set's own code."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from model.data import commits
from model.data.course import (
    SPLITS,
    CourseFiles,
    choose_tasks,
    clean,
    collect,
    describe_dropped,
    given_label,
    unlabelled_among,
    usable,
)
from model.data.examples import Corpus, DataError, Dropped, Examples, Split
from model.errors import shown
from model.rng import key
from model.task import QUORA, SST, STS, TASKS, Task

Row = tuple[str, Mapping[str, Any]]  # where it stands, its columns

HELD_OUT = 20  # one pair in so many

_NAMES: dict[Split, tuple[str, ...]] = {"train": ("train",), "dev": ("validation", "dev"), "test": ("test",)}


@dataclasses.dataclass(frozen=True)
class HubPath:
    """Where a task's data lie on the hub. Labels stand in ``label``; -1 in a test split means unlabelled."""

    repository: str
    configuration: str | None
    texts: tuple[str, ...]

    @property
    def folder(self) -> str:
        return "/".join(filter(None, (self.repository, self.configuration)))


PLACES = {
    SST.name: HubPath("SetFit/sst5", None, ("text",)),
    QUORA.name: HubPath("nyu-mll/glue", "qqp", ("question1", "question2")),
    STS.name: HubPath("nyu-mll/glue", "stsb", ("sentence1", "sentence2")),
}


def hub(root: Path | None = None, tasks: Sequence[str] | None = None, pins: Mapping[str, str] | None = None) -> Corpus:
    """SST-5, and GLUE's QQP and STS-B, with the same cleaning as the course's files.

    With ``root``, nothing is downloaded: ``root/SetFit/sst5`` and ``root/nyu-mll/glue/qqp`` (``stsb``) hold
    ``train``, ``validation`` or ``dev``, and optionally ``test`` as parquet or JSON lines, under the hub's own file
    names. Without ``tasks``, every task whose folder is there. Where Quora has no labelled test set, as on the hub,
    ``hold_out`` makes one of a twentieth of train. Without ``root``, ``pins`` says which commit to read, by
    folder; else the newest. Raises ``DataError``.
    """
    if root is not None and not os.path.isdir(root):
        raise DataError(f"the data folder {root} is not there; give the folder that holds SetFit and nyu-mll")
    splits: dict[tuple[str, Split], Examples] = {}
    for name in choose_tasks(tasks, tuple(PLACES), "the hub's data"):
        if root is None:
            splits |= _downloaded(TASKS[name], (pins or {}).get(PLACES[name].folder))
        elif tasks is not None or os.path.isdir(root / PLACES[name].folder):
            splits |= _local(root, TASKS[name])
    if not splits:
        folders = ", ".join(place.folder for place in PLACES.values())
        raise DataError(f"{root} has none of the folders {folders}; lay it out like the hub")
    notes = [
        describe_dropped(f"{name}-{split}", examples.dropped, len(examples) + len(examples.dropped))
        for (name, split), examples in splits.items()
        if examples.dropped
    ]
    notes += [f"{name}: {some}" for (name, _), examples in splits.items() if (some := unlabelled_among(examples))]
    if QUORA.name in {name for name, _ in splits}:
        notes += _quora_test(splits)
    return Corpus(source="hub" if root is None else "hub files", splits=splits, notes=tuple(notes))


def hold_out(train: Examples) -> tuple[Examples, Examples]:
    """What stays in train, and a test set of about a twentieth of its rows, with their ids and labels.

    A hash of a row's sentences, whichever comes first, decides: the same rows whatever the file's order, and copies
    of a pair on the same side. As in the source's own dev set, a sentence may stand in other pairs of train.
    """
    is_out = [key("held out", *sorted(texts)) % HELD_OUT == 0 for texts in train.texts]
    rest = train.take(at for at, out in enumerate(is_out) if not out)
    test = train.take(at for at, out in enumerate(is_out) if out)
    return rest, dataclasses.replace(test, split="test", dropped=())


def load(repository: str, configuration: str | None = None, commit: str | None = None) -> Mapping[str, Iterable[Row]]:
    """The rows of each split of a data set on the hub, from the local cache where it is there."""
    try:
        import datasets
    except ImportError:
        raise DataError(f"{repository} needs the package datasets; pip install 'ablation-harness[hub]'") from None
    name = " ".join(filter(None, (repository, configuration)))
    try:
        if commit is None:
            loaded = datasets.load_dataset(repository, configuration)
        else:
            loaded = datasets.load_dataset(repository, configuration, revision=commit)
    except Exception as error:  # the network, the hub and each file format raise their own kinds
        mend = "go online or give a local folder"
        raise DataError(f"{name} could not be loaded from the hub: {_first(error)}; {mend}") from None
    commits.note("/".join(filter(None, (repository, configuration))), loaded.values())
    return {split: _numbered(f"{name} {split}", table.with_format("arrow")[:]) for split, table in loaded.items()}


def json_lines(path: Path) -> Iterator[Row]:
    """The objects of a JSON-lines file, gzipped if its name ends in ``.gz``. ``DataError`` names the bad line."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield f"{path.name}:{number}", _object(line, f"{path.name}:{number}")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {_first(error)}; check that the file is complete") from None


def need(columns: Sequence[str], rows: Iterable[Row], name: str) -> Iterator[Row]:
    """The same rows, once the first hundred are seen to have the columns (a single row may lack one)."""
    rows = iter(rows)
    head = list(itertools.islice(rows, 100))
    if not head:
        raise DataError(f"{name} has no rows; put the complete file in its place")
    missing = [column for column in columns if not any(column in row for _, row in head)]
    if missing:
        present = ", ".join(shown(column) for column in list(head[0][1])[:8])
        raise DataError(f"{head[0][0]}: no column {', '.join(missing)}; the columns found are {present or 'none'}")
    return itertools.chain(head, rows)


def _quora_test(splits: dict[tuple[str, Split], Examples]) -> Iterator[str]:
    """Puts the held-out rows in place of a missing or unlabelled test set, and says so."""
    name = QUORA.name
    published = splits.get((name, "test"))
    if published is not None and published.labelled:
        return
    rest, held_out = hold_out(splits[name, "train"])
    if len(rest) and len(held_out):
        splits[name, "train"], splits[name, "test"] = rest, held_out
        yield f"Quora test: {len(held_out):,} rows held out of train, by a hash of their text"


def _downloaded(task: Task, commit: str | None) -> dict[tuple[str, Split], Examples]:
    place = PLACES[task.name]
    available = load(place.repository, place.configuration, commit)
    splits: dict[tuple[str, Split], Examples] = {}
    for split in SPLITS:
        name = next((name for name in _NAMES[split] if name in available), None)
        if name is not None:
            splits[task.name, split] = _read(f"{place.folder} {name}", task, split, available[name])
        elif split != "test":
            raise DataError(f"{place.folder} on the hub has no split {_NAMES[split][0]}; it has {', '.join(available)}")
    return splits


def _local(root: Path, task: Task) -> dict[tuple[str, Split], Examples]:
    place = PLACES[task.name]
    splits: dict[tuple[str, Split], Examples] = {}
    for split in SPLITS:
        files = _files(root / place.folder, split)
        if files:
            rows = itertools.chain.from_iterable(_file_rows(path) for path in files)
            splits[task.name, split] = _read(f"{place.folder}/{files[0].name}", task, split, rows)
        elif split != "test":
            names = " or ".join(f"{name}.parquet, {name}.jsonl" for name in _NAMES[split])
            raise DataError(f"{root / place.folder} has no {split} file; put {names} there as on the hub")
    return splits


def _files(folder: Path, split: Split) -> list[Path]:
    """A split's files under one of the hub's layouts: whole, in numbered parts, or parts in a folder of its own."""
    for where, name in itertools.product((folder, folder / "data"), _NAMES[split]):
        for ending in ("parquet", "jsonl"):
            for pattern in (f"{name}.{ending}", f"{name}-*.{ending}", f"{name}/*.{ending}"):
                if paths := sorted(where.glob(pattern)):
                    return paths
    return []


def _file_rows(path: Path) -> Iterable[Row]:
    if path.suffix == ".jsonl":
        return json_lines(path)
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path) as file:
            return _numbered(path.name, file.read())
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a parquet file that can be read: {_first(error)}; fetch it again") from None


def _numbered(name: str, table: Any) -> Iterator[Row]:
    """The rows of an arrow table, counted from 0 as the hub's viewer does."""
    named = table.column_names
    if twice := next((column for column in named if named.count(column) > 1), ""):
        raise DataError(f"{name}: {named.count(twice)} columns are called {shown(twice)}; rename all but one")
    try:
        columns = table.to_pydict()
    except UnicodeDecodeError:
        raise DataError(f"{name} holds text that is not UTF-8; fetch it again") from None
    for number, cells in enumerate(zip(*columns.values(), strict=True)):
        yield f"{name} row {number}", dict(zip(columns, cells, strict=True))


def _read(name: str, task: Task, split: Split, rows: Iterable[Row]) -> Examples:
    entries = enumerate(need((*PLACES[task.name].texts, "label"), rows, name))
    return collect(name, task, split, (_entry(at, where, row, task, split) for at, (where, row) in entries))


def _entry(at: int, where: str, row: Mapping[str, Any], task: Task, split: Split) -> CourseFiles | Dropped:
    texts = [row.get(column) for column in PLACES[task.name].texts]
    label, index = row.get("label"), row.get("idx")
    if not all(map(usable, texts)):
        return Dropped(where, "a sentence that is empty or no text")
    if label is None and split != "test":
        return Dropped(where, "no label")
    number = given_label(label, task, split, where)
    identity = f"{split}-{index if isinstance(index, int) else at}"
    return CourseFiles(identity, tuple([clean(text, task) for text in texts if text]), number)


def _first(error: Exception) -> str:
    """The system's word for an error, or the first line of a library's message."""
    message = getattr(error, "strerror", None) or str(error)
    return (message.splitlines() or [type(error).__name__])[0].rstrip(".")


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line.decode(), object_pairs_hook=lambda pairs: _each_once(pairs, where))
    except UnicodeDecodeError:
        raise DataError(f"{where}: not UTF-8; save the file as UTF-8") from None
    except DataError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({error}); each line must be one JSON object") from None
    if not isinstance(record, dict):
        raise DataError(f"{where}: {shown(record)} is not a JSON object; each line must be one")
    return record


def _each_once(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{where}: {shown(twice)} stands there {names.count(twice)} times; keep one")
    return record
