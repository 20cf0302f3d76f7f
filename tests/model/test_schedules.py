"""Which task is served when: every schedule against a list written out by hand."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from model.declaration import SettingError
from model.interfaces import History, Schedule, Sizes, Step
from model.schedules.joint import Together
from model.schedules.no_training import Never
from model.schedules.rotating import Rotating
from model.schedules.round_robin import RoundRobin
from model.schedules.sequential import Sequential
from model.schedules.single_task import Alone
from model.schedules.weakest_last import WeakestLast

SIZES = Sizes({"sst": 20, "quora": 33, "sts": 8}, batch=8)  # 3, 5 and 1 batches; 2, 4 and 1 full ones
NOTHING = History()
ALL = [
    Alone(),
    Sequential(),
    Rotating(),
    WeakestLast(),
    RoundRobin(),
    RoundRobin(until="largest"),
    Together(),
    Together(until="largest"),
]


def served(schedule: Schedule, number: int = 0, history: History = NOTHING, sizes: Sizes = SIZES) -> list[str]:
    """The tasks of each update, joined where they share one."""
    return ["+".join(step.tasks) for step in schedule.epoch(number, sizes, history)]


@pytest.mark.parametrize(
    ("rows", "batches", "whole"), [(1, 1, 1), (7, 1, 1), (8, 1, 1), (9, 2, 1), (16, 2, 2), (17, 3, 2)]
)
def test_batches_cover_all_rows_and_whole_ones_are_full(rows: int, batches: int, whole: int) -> None:
    sizes = Sizes({"sst": rows}, batch=8)
    assert (sizes.batches("sst"), sizes.whole("sst")) == (batches, whole)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Alone(task="quora"), ["quora"] * 5),
        (Sequential(), ["sst"] * 3 + ["quora"] * 5 + ["sts"]),
        (Sequential(order=("sts", "sst")), ["sts"] + ["sst"] * 3),
        (Rotating(), ["sst"] * 3 + ["quora"] * 5 + ["sts"]),
        (WeakestLast(), ["sst"] * 3 + ["quora"] * 5 + ["sts"]),
        (RoundRobin(), ["sst", "quora", "sts"]),
        (RoundRobin(order=("quora", "sst")), ["quora", "sst"] * 2),
        (RoundRobin(until="largest"), ["sst", "quora", "sts"] * 5),
        (Together(), ["sst+quora+sts"]),
        (Together(order=("quora", "sst")), ["quora+sst"] * 2),
        (Together(until="largest"), ["sst+quora+sts"] * 5),
        (Never(), []),
    ],
)
def test_epoch_0(schedule: Schedule, expected: list[str]) -> None:
    assert served(schedule) == expected


@pytest.mark.parametrize(
    ("number", "order"), [(0, "sst quora sts"), (1, "quora sts sst"), (2, "sts sst quora"), (3, "sst quora sts")]
)
def test_rotating_starts_each_epoch_one_place_further(number: int, order: str) -> None:
    assert list(dict.fromkeys(served(Rotating(), number))) == order.split()


@pytest.mark.parametrize("schedule", [Sequential(), Rotating(), WeakestLast()])
@pytest.mark.parametrize("number", range(4))
def test_one_task_after_another_covers_every_row_once_in_every_epoch(schedule: Schedule, number: int) -> None:
    history = History({"sst": 0.2, "quora": 0.7, "sts": 0.1})
    tasks = served(schedule, number, history)
    assert Counter(tasks) == {"sst": 3, "quora": 5, "sts": 1}
    assert len(list(itertools.groupby(tasks))) == 3


@pytest.mark.parametrize(
    ("scores", "order"),
    [
        ({"sst": 0.5, "quora": 0.8, "sts": 0.6}, "quora sts sst"),
        ({"sst": 0.5, "quora": 0.4, "sts": 0.6}, "sst sts quora"),
        ({"sst": 0.5, "quora": 0.8, "sts": -0.1}, "sst quora sts"),
        ({"sst": 0.0, "quora": 0.8, "sts": 0.6}, "quora sts sst"),  # 0 is a score, not a missing one
        ({"sst": 0.5, "quora": 0.8, "sts": float("nan")}, "quora sts sst"),
        ({"sst": 0.5, "quora": 0.5, "sts": 0.5}, "quora sts sst"),  # a tie: the first of the order
        ({"quora": 0.4}, "sst sts quora"),
        ({"sst": float("nan")}, "sst quora sts"),
        ({"cfimdb": 0.1}, "sst quora sts"),
    ],
)
def test_the_weakest_task_goes_last_and_the_others_keep_their_order(scores: dict[str, float], order: str) -> None:
    assert list(dict.fromkeys(served(WeakestLast(), 1, History(scores)))) == order.split()


@pytest.mark.parametrize("schedule", ALL)
def test_what_is_served_is_what_the_schedule_names(schedule: Schedule) -> None:
    steps = list(schedule.epoch(2, SIZES, NOTHING))
    assert {task for step in steps for task in step.tasks} == set(schedule.tasks())
    assert all(step == Step(step.tasks) for step in steps)  # next batches, first optimizer


@pytest.mark.parametrize("schedule", [RoundRobin(), Together()])
def test_equal_subsets_are_all_used_up(schedule: Schedule) -> None:
    sizes = Sizes(dict.fromkeys(("sst", "quora", "sts"), 16), batch=8)
    tasks = Counter(task for step in schedule.epoch(0, sizes, NOTHING) for task in step.tasks)
    assert tasks == {"sst": 2, "quora": 2, "sts": 2}


@pytest.mark.parametrize("kind", [RoundRobin, Together])
def test_an_unknown_end_of_the_epoch_is_refused(kind: type[RoundRobin] | type[Together]) -> None:
    with pytest.raises(SettingError, match=r"until is 'middle'; choose one of smallest, largest"):
        kind(until="middle")  # type: ignore[arg-type]
