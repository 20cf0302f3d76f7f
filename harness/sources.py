"""Data by the name a user gives: ``embedded``, ``hub``, or a folder."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from model.data.examples import Corpus, DataError
from model.recipe import digest


@lru_cache(maxsize=2)
def open_data(name: str) -> Corpus:
    """Read a data source: ``embedded``, ``hub``, ``hub:FOLDER`` (a local copy of the hub's layout) or a folder of
    course files. ``DataError`` says what is wrong."""
    if name == "embedded":
        from model.data.embedded import embedded

        return embedded()
    if name == "hub" or name.startswith("hub:"):
        from model.data.hub import hub

        return hub(Path(os.path.expanduser(name[4:])) if name.startswith("hub:") else None)
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
