"""Data by the name a user gives: ``embedded``, ``hub``, or a folder."""

from __future__ import annotations

import dataclasses
import os
from functools import lru_cache
from pathlib import Path

from model.data.csv_task import own
from model.data.examples import Corpus, DataError
from model.digest import digest
from model.recipe import Recipe


@lru_cache(maxsize=2)
def open_data(name: str) -> Corpus:
    """Read a data source: ``embedded``, ``hub``, ``hub:FOLDER`` (a local copy of the hub's layout) or a folder of
    course files; a cell also has ``hub@...``, the commits that its plan has read. ``DataError`` says what is wrong."""
    if name == "embedded":
        from model.data.synthetic import embedded

        return embedded()
    if name == "hub" or name.startswith(("hub:", "hub@")):
        from model.data.commits import pins_of
        from model.data.hub import hub

        return hub(Path(os.path.expanduser(name[4:]))) if name.startswith("hub:") else hub(pins=pins_of(name))
    folder = Path(os.path.expanduser(name))
    if not os.path.isdir(folder):
        raise DataError(f"there is no data folder {name}; give --data a folder of course files, hub or embedded")
    from model.data.course import course

    return course(folder)


@lru_cache(maxsize=2)
def fingerprints(name: str) -> dict[str, str]:
    """One hash a task over its splits, reviews and text included under their own names."""
    corpus = open_data(name)
    prints = {
        task: digest([examples.fingerprint for (owner, _), examples in corpus.splits.items() if owner == task])
        for task in corpus.tasks
    }
    prints["text"] = digest(list(corpus.text))
    prints["reviews"] = corpus.reviews.fingerprint if corpus.reviews else ""
    return prints


def data_of(recipe: Recipe, name: str) -> Corpus:
    """A source's data, and those of the recipe's tasks that have a file of their own. ``DataError``."""
    corpus = open_data(name)
    mine = {
        (branch.key, split): examples
        for branch in recipe.branches
        if branch.task.file
        for split, examples in own(branch.task).splits.items()
    }
    return dataclasses.replace(corpus, splits={**corpus.splits, **mine}) if mine else corpus


def notes_of(recipe: Recipe) -> list[str]:
    """What a reader of results should know of those files."""
    return [note for branch in recipe.branches if branch.task.file for note in own(branch.task).notes]


def fingerprints_of(recipe: Recipe, name: str) -> dict[str, str]:
    """The same for hashes."""
    return fingerprints(name) | own_fingerprints(recipe)


def own_fingerprints(recipe: Recipe) -> dict[str, str]:
    """Of the tasks that have a file: of its rows by split, and of what the task is declared to be."""
    mine = [branch.task for branch in recipe.branches if branch.task.file]
    return {
        task.name: digest([task.declared, {split: rows.fingerprint for split, rows in own(task).splits.items()}])
        for task in mine
    }
