"""Writes a trained network's predictions in the course's submission layout."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.suite import row_slug
from harness.cells.atomic import write_atomic
from harness.execution.config import ExecutionConfig
from harness.inference.trained_network import TrainedNetwork, load_network
from harness.planning.data import data_of
from harness.planning.plan import PlannedRow
from harness.planning.setup import Setup
from model.data import csv_task, delimited
from model.data.course import LAYOUTS, describe_dropped, read, unlabelled_among
from model.data.examples import DataError, Examples, Split
from model.errors import InputError, shown
from model.recipe import Recipe
from model.task import CFIMDB, QUORA, SST, STS, TASKS, Task

if TYPE_CHECKING:
    from model.metrics import Scored
    from model.run import Run

STEMS = {SST.name: "sst", QUORA.name: "para", STS.name: "sts"}
COLUMNS = {
    SST.name: "Predicted_Sentiment",
    QUORA.name: "Predicted_Is_Paraphrase",
    STS.name: "Predicted_Similiary",  # spelled as the course's starter spells it
    CFIMDB.name: "Predicted_Sentiment",
}
MODES = {"all": "full-model", "heads": "last-linear-layer"}
HEADER = 65_536  # bytes of a file in which its first line must end


@dataclasses.dataclass(frozen=True)
class PredictionRequest:
    """Rows to answer, and the name of the file for the answers."""

    examples: Examples
    file: str

    @property
    def task(self) -> Task:
        return self.examples.task


def requests_of_split(
    row: PlannedRow, split: Split, setup: Setup, task: str | None = None
) -> tuple[list[PredictionRequest], list[str]]:
    """Every row of the split for each of the row's tasks (or ``task``), and a line for a task that has none.
    ``InputError`` if none has."""
    corpus = data_of(row.recipe, setup.data)
    requests, lines = [], []
    for key in task_keys(row, task):
        examples = corpus.get(key, split)
        if examples is None:
            lines.append(f"{setup.data} has no {split} rows of {TASKS[key].title}")
        else:
            source = examples.task.file or setup.data
            requests.append(PredictionRequest(check_ids(examples, str(source)), file_name(key, split, row.recipe)))
    if not requests:
        raise InputError(f"{'; '.join(lines)}; choose another --split or give a --file")
    return requests, lines


def request_of_file(row: PlannedRow, path: Path, task: str | None = None) -> PredictionRequest:
    """A file for one of the row's tasks, in the course's layout or in that of a task of one's own; its label column may
    be missing.

    Without ``task`` the columns decide, if they fit one task alone. ``InputError`` or ``DataError`` if they fit
    none, or several.
    """
    line = first_line(path)
    tasks = [row.recipe.branch(key).task for key in task_keys(row, task)]
    candidates = [each for each in tasks if set(required_columns(each)) <= set(header_of(each, line))]
    labelled = [each for each in candidates if label_column(each) in header_of(each, line)]
    if len(labelled or candidates) > 1:
        raise InputError(f"{path} may be of {' or '.join(each.name for each in candidates)}; say which with --task")
    if not candidates:
        layouts = "; ".join(f"{each.name}: {', '.join(required_columns(each))}" for each in tasks)
        columns = ", ".join(map(shown, header_of(tasks[0], line)[:8]))
        separator = "" if all(each.file for each in tasks) else "tab-separated "
        raise DataError(f"{path}:1: the columns found are {columns}, but {separator}ones are needed ({layouts})")
    (task_of_file,) = labelled or candidates
    examples = csv_task.unlabelled(path, task_of_file) if task_of_file.file else read(path, task_of_file, "test")
    return PredictionRequest(check_ids(examples, str(path)), f"{path.stem}-output.csv")


def check_ids(examples: Examples, source: str) -> Examples:
    """The same rows; ``DataError`` for an id that a line of answers cannot hold."""
    for identity in examples.ids:
        fault = "a comma" if "," in identity else "a line end" if len(identity.splitlines()) > 1 else ""
        if fault:
            layout = "a line of answers is ID , ANSWER"
            raise DataError(f"{source}: the id {shown(identity, 80)} holds {fault}, but {layout}; rename it")
    return examples


def data_notes(examples: Examples) -> list[str]:
    """Notes on the answers: rows that share an id, and labels that are missing."""
    empty = examples.ids.count("")
    duplicates = len(examples) - len(set(examples.ids)) - max(0, empty - 1)
    notes = [f"{empty:,} rows have no id"] if empty else []
    notes += [f"{duplicates:,} rows have the id of another"] if duplicates else []
    order = [f"{', '.join(notes)}; the answers are in the order of the rows"] if notes else []
    return order + list(filter(None, [unlabelled_among(examples)]))


def required_columns(task: Task) -> tuple[str, ...]:
    """The columns that a file of the task's must have."""
    return csv_task.sentences_of(task) if task.file else ("id", *LAYOUTS[task.name].texts)


def label_column(task: Task) -> str:
    return "label" if task.file else LAYOUTS[task.name].label


def header_of(task: Task, line: str) -> list[str]:
    """A file's columns, as the task's reader splits them."""
    return delimited.header_of(line, "" if task.file else "\t")


def task_keys(row: PlannedRow, task: str | None) -> list[str]:
    """The row's tasks, or the one asked for; ``InputError`` if it has no such branch."""
    tasks = [branch.key for branch in row.recipe.branches]
    if task is not None and task not in tasks:
        raise InputError(f"{row_slug(row.suite, row.row)} has no task {task!r}; choose from {', '.join(tasks)}")
    return tasks if task is None else [task]


def first_line(path: Path) -> str:
    """A file's header; other faults of the file are left to its reader."""
    try:
        with path.open("rb") as stream:
            return delimited.first_line(stream.read(HEADER).decode("utf-8-sig", "replace"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; check that it is a readable file") from None


def file_name(task: str, split: Split, recipe: Recipe) -> str:
    """The name that the starter's two programs use: one for the three tasks together, one for sentiment alone."""
    if task == CFIMDB.name:
        return f"{MODES[recipe.trainable]}-{task}-{split}-out.csv"
    return f"{STEMS.get(task, task)}-{split}-output.csv"


def format_submission(task: Task, ids: Sequence[str], answers: np.ndarray) -> str:
    """A header with a tab, then a line an item with a comma, spaces as the starter puts them. Its paraphrase answers
    are 0.0 and 1.0."""
    numbers = answers.astype(np.float32) if task == QUORA else answers
    lines = [f"{identity} , {number} \n" for identity, number in zip(ids, numbers, strict=True)]
    return "".join([f"id \t {COLUMNS.get(task.name, f'Predicted_{task.name}')} \n", *lines])


def write_predictions(
    trained: TrainedNetwork, requests: Sequence[PredictionRequest], machine: ExecutionConfig, folder: Path
) -> list[str]:
    """Answer all requests and write them; one line a file, and one for rows that had to be left out."""
    from model.run import Run

    lines: list[str] = []
    network, tokenizer = load_network(trained, machine, lines.append)
    run = Run(network, trained.cell.recipe, trained.cell.seed, {}, {}, machine.device)
    for request in requests:
        scored = answer_request(run, request, tokenizer)
        path = folder / request.file
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomic(path, format_submission(request.task, request.examples.ids, scored.answers))
        except OSError as error:
            raise InputError(f"{path} cannot be written ({error.strerror}); choose another --out") from None
        lines.append(f"{path}: {len(request.examples):,} rows, {format_metric(scored)}")
        lines += [f"{request.task.title}: {note}" for note in data_notes(request.examples)]
        if request.examples.dropped:
            total = len(request.examples) + len(request.examples.dropped)
            lines.append(describe_dropped(request.task.title, request.examples.dropped, total))
    return lines


def answer_request(run: Run, request: PredictionRequest, tokenizer: Any) -> Scored:
    """The network's answers, tokenised and batched as in training's scoring, and the metric where there are labels."""
    from model.batching import tokenise
    from model.train import answer_all

    config: Any = run.network.encoder.config
    longest = min(run.recipe.max_tokens, config.max_position_embeddings)
    joint = run.recipe.branch(request.task.key).pairing.joint
    return answer_all(run, request.task.key, tokenise(request.examples, tokenizer, joint=joint, max_tokens=longest))


def format_metric(scored: Scored) -> str:
    """The metric as text."""
    if scored.metric is None:
        return "no labels"
    return f"{scored.task.metric_name} {'undefined' if math.isnan(scored.metric) else f'{scored.metric:.3f}'}"
