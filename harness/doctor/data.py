"""Checks the data, through the reader that training uses."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from harness.doctor.finding import Context, Finding, error, ok, warning
from harness.planning.data import open_data
from model.data.examples import Corpus
from model.data.hub import PLACES
from model.task import QUORA, SST, STS, TASKS

BASIC = (SST, QUORA, STS)  # of every paper's table


def data(context: Context) -> Finding:
    """Whether the tasks have their files, and what of these cannot be used. Raises ``DataError``."""
    if context.data == "hub":
        return check_hub()
    corpus = open_data(context.data)
    counts = ", ".join(count_rows(corpus, task) for task in corpus.tasks)
    text = "; ".join([f"{context.data}, rows of train, dev and test: {counts}", *corpus.notes])
    for task in corpus.tasks:
        for split in ("train", "dev"):
            if corpus.get(task, split) is None:
                missing_split = f"{context.data} has no {split} set of {TASKS[task].title}"
                return error(missing_split, "put its file beside the others, or move the task's other files away")
    missing = [task.title for task in BASIC if task.name not in corpus.tasks]
    if missing:
        return warning(f"{text}; no {', '.join(missing)}", "rows of these tasks cannot run until their files are there")
    return ok(text)


def count_rows(corpus: Corpus, task: str) -> str:
    """A task's rows in train, dev and test."""
    sizes = [corpus.get(task, split) for split in ("train", "dev", "test")]
    return f"{TASKS[task].title} {' + '.join(f'{len(split):,}' for split in sizes if split is not None)}"


def check_hub() -> Finding:
    """Whether the hub's data sets are in the local cache; nothing is downloaded."""
    from huggingface_hub import constants

    if find_spec("datasets") is None:
        return error("the hub's data need the package datasets", "pip install 'ablation-harness[hub]'")
    cache = Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets")
    names = [normalised_name(path.name) for path in cache.glob("*") if path.is_dir()] if cache.is_dir() else []
    repositories = dict.fromkeys(place.repository for place in PLACES.values())
    missing = [name for name in repositories if normalised_name(name) not in names]
    if not missing:
        return ok(f"the hub's data ({', '.join(repositories)}) are in the local cache")
    text = f"not in the local cache: {', '.join(missing)}"
    if constants.HF_HUB_OFFLINE:
        return error(f"{text}, and HF_HUB_OFFLINE is set", "unset it, or give a folder with --data")
    return warning(text, "the first run downloads them; without a network give a folder with --data")


def normalised_name(name: str) -> str:
    """A data set's name, however the cache writes it."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
