"""Builds and trains one cell, and writes everything to the cell's folder. Imports torch."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.cells.atomic import Damaged
from harness.cells.cell import Cell, describe_cell
from harness.cells.home import cell_folder
from harness.cells.lease import Lease
from harness.cells.record import JournalEntry, read_journal, timestamp
from harness.cells.writer import CellWriter
from harness.execution.encoders import Progress, load_encoder
from harness.execution.events import Cut, Paused
from harness.execution.jobs import Job
from harness.execution.memory import forget_peak, peak
from harness.execution.provenance import revision
from harness.execution.token_cache import TokenCache
from harness.execution.transfer import with_local_paths
from harness.planning.content import check_files, check_rows, commit_of
from harness.planning.data import data_of, notes_of
from model.batching import TokenTable
from model.data.examples import Corpus, Examples, Split
from model.data.reviews import Reviews, reviews
from model.network import Network
from model.precision import settle
from model.recipe import Branch
from model.run import Run
from model.settings import parts
from model.train import Tick, train
from model.trainer import NonFinite, indivisible

Judge = Callable[[Sequence[JournalEntry]], bool]  # whether a cell continues after these epochs


class OutOfMemory(RuntimeError):
    """The device's memory is too small, whatever is done about it."""


def training_examples(corpus: Corpus, branch: Branch) -> Examples:
    """The rows a branch trains on: its share of the training set, then its extra sources."""
    main = corpus.splits[branch.key, "train"].first(branch.rows)
    for source in branch.extra:
        if isinstance(source, Reviews):
            more = reviews(source, corpus)
            main = dataclasses.replace(
                main,
                ids=main.ids + more.ids,
                texts=main.texts + more.texts,
                labels=np.concatenate((main.labels, more.labels)),
            )
    return main


def scored_examples(cell: Cell, corpus: Corpus, branch: Branch) -> dict[str, Examples]:
    """The rows to score by split. Test only where it has labels; the training sample is fixed."""
    task = branch.key
    sets = {"train": corpus.splits[task, "train"].first(branch.rows).first(cell.training_sample)}
    splits: tuple[Split, ...] = ("dev", "test")
    for split in splits:
        examples = corpus.get(task, split)
        if examples is not None and examples.labelled:
            sets[split] = examples.first(cell.scored.get(task))
    return sets


def earlier_epochs(folder: Path) -> list[dict[str, Any]]:
    """The epochs that an earlier training of the cell has in its journal."""
    try:
        return read_journal(folder / "journal.jsonl")
    except Damaged:
        return []


class Worker:
    """Trains cells one after another; tokenised rows are shared between those that need the same.

    ``interval`` is the seconds between checkpoints; ``stop`` is called after every update and says whether to pause.
    """

    def __init__(self, home: Path, threads: int, device: str, interval: float, stop: Callable[[], bool]) -> None:
        settle(threads)
        self.home, self.threads, self.device = home, threads, device
        self.interval, self.stop = interval, stop
        self.local_paths: Mapping[str, str] = {}  # of files that cells name, where they differ
        self._rows: dict[tuple[Any, ...], TokenCache] = {}

    def train(self, job: Job, lease: Lease, on_progress: Progress, should_continue: Judge) -> None:
        """Train the cell, from its checkpoint if it has one, and leave its folder finished: cell.json, journal.jsonl,
        predictions.npz, outcome.json. ``Paused`` when asked to stop, ``Cut`` when a judged cell does not continue;
        ``OutOfMemory``."""
        cell, pieces = job.cell, 1
        forget_peak(self.device)
        while not self.attempt(job, lease, on_progress, should_continue, pieces):
            torch.cuda.empty_cache()
            pieces *= 2
            whole = indivisible(cell.recipe)
            if whole:
                names = ", ".join(whole)
                raise OutOfMemory(f"the GPU's memory is too small, and {names} needs whole batches; --set batch=N")
            if pieces > cell.recipe.batch:
                raise OutOfMemory("the GPU's memory is too small for a batch of one; --set max_tokens=N")

    def attempt(self, job: Job, lease: Lease, on_progress: Progress, should_continue: Judge, pieces: int) -> bool:
        """Train with batches in so many pieces; False if the device's memory is too small for that."""
        cell = job.cell
        folder = cell_folder(self.home, cell.id)
        writer, about = CellWriter(folder, lease, job.keep, self.interval), self.about(cell)
        if pieces > 1:
            writer.note(f"batches were computed in {pieces} parts, for want of GPU memory")
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always", UserWarning)
            try:
                epochs = earlier_epochs(folder) if job.judged else []  # by whichever command
                if epochs and not should_continue(epochs):
                    raise Cut
                start = writer.begin(about)
                run, sets = self.build(cell, pieces)
                for event in train(run, start):
                    if isinstance(event, Tick):
                        on_progress((event.epoch + event.share) / max(1, run.recipe.epochs))
                    else:
                        writer.epoch(run, event)
                        if job.judged and event.number < run.recipe.epochs and not should_continue(writer.entries):
                            raise Cut
                    stop = self.stop()
                    if stop or writer.checkpoint_due():
                        writer.checkpoint(event.take, about)
                    if stop:
                        raise Paused
            except torch.OutOfMemoryError:
                return False
            except (Cut, NonFinite):
                writer.delete_checkpoint()
                raise
        notes = sorted({str(warning.message) for warning in raised} | set(writer.notes))
        fresh = list(getattr(run.network.encoder, "new_parameters", ()))  # what the encoder's files lacked
        measured = {"peak_memory_bytes": peak(self.device), "warnings": notes, "fresh": fresh, "pieces": pieces}
        writer.finish(sets, measured | {"training": job.training})
        return True

    def build(self, cell: Cell, pieces: int) -> tuple[Run, dict[tuple[str, str], Examples]]:
        """The network on the device, with the tables to train on and to score."""
        planned, cell = cell.id, with_local_paths(cell, self.local_paths)
        recipe, corpus = cell.recipe, data_of(cell.recipe, cell.source)
        check_rows(cell)
        for text in notes_of(recipe):
            warnings.warn(text, UserWarning, stacklevel=1)
        encoder, tokenizer = load_encoder(recipe.encoder, cell.source, self.home, cell.seed)
        network = Network(recipe, encoder, cell.seed).to(self.device)
        config: Any = encoder.config
        longest = min(recipe.max_tokens, config.max_position_embeddings)
        sets: dict[tuple[str, str], Examples] = {}
        tables: dict[tuple[Any, str], TokenTable] = {}
        training = {}
        for branch in recipe.branches:
            task, joint = branch.key, branch.pairing.joint
            key = (cell.encoder, cell.source, branch.task, joint, longest)
            rows = self._rows.setdefault(key, TokenCache(joint, longest))
            train_sets = [training_examples(corpus, branch)] if task in recipe.schedule.tasks() else []
            scored = scored_examples(cell, corpus, branch)
            rows.add([*train_sets, *scored.values()], tokenizer)
            for examples in train_sets:
                training[task] = rows.table(examples)
            for split, examples in scored.items():
                sets[split, task], tables[split, task] = examples, rows.table(examples)
        check_files(cell, planned)  # now that all of it has been read
        return Run(network, recipe, cell.seed, training, tables, self.device, pieces), sets

    def about(self, cell: Cell) -> dict[str, Any]:
        """cell.json: everything that defines the cell, for people and for the tracking store."""
        return {
            **describe_cell(cell),
            "revision": commit_of(cell.recipe.encoder),
            "threads": self.threads,
            "device": self.device if self.device == "cpu" else torch.cuda.get_device_name(),
            "torch": torch.__version__,
            "packages": {name: version(name) for part in parts(cell.recipe) for name in part.packages},
            "code": revision(),
            "started": timestamp(),
        }
