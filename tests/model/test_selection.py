"""Which epoch is reported, on trajectories written out by hand."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from model.declaration import SettingError
from model.selection import BestEpoch, EarlyStopping, LastEpoch, Selection

NAN = math.nan


def chosen(selection: Selection, scores: Sequence[float]) -> int:
    """The epoch chosen where overall and SST accuracy both follow these scores."""
    return selection.choose([{"overall": score, "sst_accuracy": score} for score in scores])


@pytest.mark.parametrize("scores", [(0.5,), (0.9, 0.1), (0.1, 0.2, NAN)])
def test_last_is_the_last(scores: Sequence[float]) -> None:
    assert chosen(LastEpoch(), scores) == len(scores) - 1


@pytest.mark.parametrize(
    ("scores", "epoch"),
    [
        ((0.5,), 0),
        ((0.1, 0.3, 0.2), 1),
        ((0.3, 0.3, 0.3), 0),  # the earliest of equals
        ((0.1, 0.2, 0.3), 2),
        ((NAN, 0.1, 0.2), 2),
        ((0.2, NAN), 0),
        ((NAN, -0.9), 1),  # NaN ranks below every number
        ((NAN, NAN), 0),
    ],
)
def test_best_is_the_highest(scores: Sequence[float], epoch: int) -> None:
    assert chosen(BestEpoch(), scores) == epoch


def test_best_reads_its_own_metric() -> None:
    dev = [{"sst_accuracy": 0.5, "sts_pearson": 0.1}, {"sst_accuracy": 0.4, "sts_pearson": 0.3}]
    assert BestEpoch().choose(dev) == 0
    assert BestEpoch(metric="sts_pearson").choose(dev) == 1


@pytest.mark.parametrize(
    ("patience", "scores", "epoch"),
    [
        (1, (0.5, 0.4, 0.9), 0),  # stopped before the best came
        (2, (0.5, 0.4, 0.9), 2),
        (2, (0.5, 0.4, 0.3, 0.9), 0),
        (3, (0.5, 0.4, 0.3, 0.9), 3),
        (1, (0.1, 0.2, 0.3), 2),
        (1, (0.5, 0.5, 0.9), 0),  # an equal score is no improvement
        (1, (NAN, 0.1, 0.2), 2),
        (1, (NAN, NAN, 0.2), 0),
        (2, (0.1, NAN, 0.2, 0.1), 2),
    ],
)
def test_early_stopping_is_the_best_before_patience_ran_out(patience: int, scores: Sequence[float], epoch: int) -> None:
    assert chosen(EarlyStopping(patience=patience), scores) == epoch


def test_early_stopping_with_enough_patience_is_the_best_epoch() -> None:
    stream = random.Random(0)
    for _ in range(100):
        scores = [round(stream.random(), 1) for _ in range(8)]
        assert chosen(EarlyStopping(patience=8), scores) == chosen(BestEpoch(), scores)


def test_what_follows_the_stop_changes_nothing() -> None:
    stream = random.Random(1)
    for _ in range(100):
        scores = [stream.random() for _ in range(10)]
        epoch = chosen(EarlyStopping(patience=2), scores)
        assert chosen(EarlyStopping(patience=2), scores[: epoch + 3]) == epoch


def test_no_patience_is_refused() -> None:
    with pytest.raises(SettingError, match=r"early_stopping\.patience is 0; it must be at least 1"):
        EarlyStopping(patience=0)
