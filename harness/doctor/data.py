"""The data, through the reader that training uses."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from harness.doctor.finding import Asked, Told, broken, mind, sound
from harness.planning.data import open_data
from model.data.examples import Corpus
from model.data.hub import PLACES
from model.task import QUORA, SST, STS, TASKS

BASIC = (SST, QUORA, STS)  # of every paper's table


def data(asked: Asked) -> Told:
    """Which tasks are there, and what of them cannot be used. ``DataError``."""
    if asked.data == "hub":
        return from_hub()
    corpus = open_data(asked.data)
    told = f"{asked.data}, rows of train, dev and test: {', '.join(counted(corpus, task) for task in corpus.tasks)}"
    told = "; ".join([told, *corpus.notes])
    for task in corpus.tasks:
        for split in ("train", "dev"):
            if corpus.get(task, split) is None:
                absent = f"{asked.data} has no {split} set of {TASKS[task].title}"
                return broken(absent, "put its file beside the others, or move the task's other files away")
    lacking = [task.title for task in BASIC if task.name not in corpus.tasks]
    if lacking:
        return mind(f"{told}; no {', '.join(lacking)}", "rows of these tasks cannot run until their files are there")
    return sound(told)


def counted(corpus: Corpus, task: str) -> str:
    """A task's rows in train, dev and test."""
    found = [corpus.get(task, split) for split in ("train", "dev", "test")]
    return f"{TASKS[task].title} {' + '.join(f'{len(split):,}' for split in found if split is not None)}"


def from_hub() -> Told:
    """Whether the hub's data sets can be had; nothing is downloaded."""
    from huggingface_hub import constants

    if find_spec("datasets") is None:
        return broken("the hub's data need the package datasets", "pip install 'ablation-harness[hub]'")
    cache = Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets")
    names = [plain(path.name) for path in cache.glob("*") if path.is_dir()] if cache.is_dir() else []
    sets = dict.fromkeys(place.repository for place in PLACES.values())
    lacking = [name for name in sets if plain(name) not in names]
    if not lacking:
        return sound(f"the hub's data ({', '.join(sets)}) are in the local cache")
    told = f"not in the local cache: {', '.join(lacking)}"
    if constants.HF_HUB_OFFLINE:
        return broken(f"{told}, and HF_HUB_OFFLINE is set", "unset it, or give a folder with --data")
    return mind(told, "the first run downloads them; without a network give a folder with --data")


def plain(name: str) -> str:
    """A data set's name, however the cache writes it."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
