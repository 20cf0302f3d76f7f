"""Optuna's file torn, garbled or gone: the study is made again from its cells, and none is trained again."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.tune.quick import TRIALS, finish, same, settled, trainings, words


def torn(file: Path) -> None:
    text = file.read_bytes()
    last = text.rstrip(b"\n").rfind(b"\n") + 1
    file.write_bytes(text[: (last + len(text)) // 2])


def torn_early(file: Path) -> None:
    """In the middle of some trial."""
    text = file.read_bytes()
    file.write_bytes(text[: len(text) // 2])


def garbled(file: Path) -> None:
    text = file.read_bytes()
    half = len(text) // 2
    file.write_bytes(text[:half] + bytes(byte ^ 0x55 for byte in text[half : half + 40]) + text[half + 40 :])


@pytest.mark.parametrize(("damage", "aside"), [(torn, 0), (torn_early, 0), (garbled, 1), (Path.unlink, 0)])
def test_a_damaged_storage_costs_no_training(
    damage: Callable[[Path], None], aside: int, tmp_path: Path, encoder: Path, reference: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(reference, home)
    before, file = settled(home), home / "studies" / "optuna.log"
    damage(file)
    damaged = file.read_bytes() if file.exists() else b""
    output = finish(*words(home, encoder, TRIALS, "--jobs", 2))
    same(home, reference)
    assert settled(home) == before
    assert not trainings(home)
    put = list(file.parent.glob("optuna.log.damaged-*"))
    assert len(put) == aside
    assert [path.read_bytes() for path in put] == [damaged] * aside
    assert [" ".join(output.split()).count("was damaged; it is now")] == [aside]


LIES = {
    "value": (r'("values": ?\[)0\.\d', r"\g<1>0.9", "it has the value 0.9"),
    "parameter": (r'("params":\{[^}]*"lr": ?)[\d.e-]+', r"\g<1>2.5e-05", "it has optimizer.rate"),
}


@pytest.mark.parametrize("kind", LIES)
def test_a_storage_that_says_other_than_the_cells_is_refused(
    kind: str, tmp_path: Path, encoder: Path, reference: Path
) -> None:
    """A digit that is still a number; without it the study is made again."""
    home = tmp_path / "home"
    shutil.copytree(reference, home)
    before, file = settled(home), home / "studies" / "optuna.log"
    pattern, lie, sentence = LIES[kind]
    changed, times = re.subn(pattern, lie, file.read_text(), count=1)
    assert times == 1
    file.write_text(changed)
    output = " ".join(finish(*words(home, encoder, TRIALS, "--jobs", 2), code=2).split())
    assert sentence in output and "the storage was changed or damaged" in output
    assert not trainings(home)
    file.unlink()
    finish(*words(home, encoder, TRIALS, "--jobs", 2))
    same(home, reference)
    assert settled(home) == before
    assert not trainings(home)
