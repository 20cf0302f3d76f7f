"""Tags that identify a set-up."""

from __future__ import annotations

import json
from typing import Any

from harness.planning.content import display_name, encoder_key
from harness.planning.data import fingerprints, open_data
from harness.planning.matching import options_tag
from harness.planning.setup import Setup
from model.data.examples import Corpus, Examples, Split
from model.data.leakage import duplicates
from model.digest import digest


def setup_tags(setup: Setup) -> dict[str, str]:
    """Tags that identify a set-up; ``setup`` is their digest. What a folder of an encoder's
    holds is not part of it: of that each training is asked (``harness.planning.matching``)."""
    data = digest(fingerprints(setup.data))
    notes = [note[:LONGEST] for note in open_data(setup.data).notes[:MOST]]
    tags = {
        "profile": setup.profile.name,
        "data": data,
        "data_source": open_data(setup.data).source,
        "encoder": display_name(setup.encoder),
        "variant": setup.variant,
        "options": options_tag(setup),
        "data_notes": json.dumps({"notes": notes, "duplicates": count_duplicates(setup)}, ensure_ascii=False),
    }
    identifying = {name: tags[name] for name in ("profile", "data", "variant")} | {
        "encoder": encoder_key(setup.encoder)
    }
    return tags | {"setup": digest(identifying)}


def scored_examples(corpus: Corpus, setup: Setup, task: str, split: Split) -> Examples | None:
    """The scored rows of a task, if the data has them with labels."""
    examples = corpus.get(task, split)
    if examples is None or not examples.labelled:
        return None
    return examples.first(setup.profile.dev.get(task))


def count_duplicates(setup: Setup) -> dict[str, int]:
    """By task, how many of its scored dev rows also stand in train."""
    corpus = open_data(setup.data)
    pairs = {task: (corpus.get(task, "train"), scored_examples(corpus, setup, task, "dev")) for task in corpus.tasks}
    return {
        task: duplicates(train, dev) for task, (train, dev) in pairs.items() if train is not None and dev is not None
    }


MOST = 20  # texts that a run keeps: a tag may have 5,000 characters
LONGEST = 200  # characters of one


def texts_tag(texts: Any) -> str:
    """Texts as a tag's value: as many as it has room for, each cut to size."""
    return json.dumps([text[:LONGEST] for text in texts[:MOST]], ensure_ascii=False)
