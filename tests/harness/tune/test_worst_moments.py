"""A command that dies exactly between two things that belong together: the next one sees to it that both are done."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.harness.processes import FULL
from tests.harness.tune.quick import DEAD, TRIALS, cells, finish, same, sequence, trainings, words

PLACES = ("noted:1", "ended:1", "created:2", "reported:2", "sent:1")


def test_a_study_goes_on_from_the_worst_places_to_die_at(home: Path, encoder: Path, reference: Path) -> None:
    """Most cells are there, so that the trials follow fast; two have to be trained."""
    states, ids = [state for _, _, state, *_ in sequence(reference)], cells(reference)
    absent = {ids[states.index("PRUNED")], ids[states.index("COMPLETE", 1)]}
    shutil.copytree(reference / "cells", home / "cells", ignore=shutil.ignore_patterns(*absent))
    command = words(home, encoder, TRIALS, "--jobs", 1)
    for place in PLACES if FULL else PLACES[:2]:
        finish(*command, code=DEAD, dying=place)
    finish(*command)
    same(home, reference)
    assert set(trainings(home)) == absent
