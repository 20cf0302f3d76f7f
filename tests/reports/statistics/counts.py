"""Papers whose truth is known: right-or-wrong items of two rows, which tie, collapse and scatter, and what is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reports.statistics.crossed_effects import Estimate, cautious, crossed
from reports.statistics.multiple_testing import holm

Array = NDArray[np.float64]
CLAIMS = 20  # of a paper, all of them true null hypotheses


@dataclasses.dataclass(frozen=True)
class Many:
    """Differences of two rows, [experiments, seeds, items]; which experiments hold a collapsed row, [experiments]; the
    true difference, and by how much an item can differ, 0 where nobody says."""

    values: Array
    collapsed: NDArray[np.bool_]
    truth: float = 0.0
    most: float = 1.0


@dataclasses.dataclass(frozen=True)
class Row:
    """A row's chance to be right is that of ``skill + shared difficulty + own difficulty + luck + noise > 0``, normal
    all but luck, which is t of 2.5 degrees of freedom where ``heavy``. It collapses in a share of seeds."""

    skill: float = 0.5
    own: float = 0.5
    luck: float = 0.05
    noise: float = 1.0
    heavy: bool = False
    collapses: float = 0.0

    def right(
        self, random: np.random.Generator, difficulty: Array, labels: NDArray[np.int64], seeds: int
    ) -> tuple[Array, NDArray[np.bool_]]:
        """[experiments, seeds, items], and the collapsed seeds, [experiments, seeds]. A collapsed row answers one of
        two classes."""
        times, _, items = difficulty.shape
        luck = random.standard_t(2.5, (times, seeds, 1)) if self.heavy else random.normal(size=(times, seeds, 1))
        own = self.own * random.normal(size=(times, 1, items))
        noise = self.noise * random.normal(size=(times, seeds, items))
        right = self.skill + difficulty + own + self.luck * luck + noise > 0
        fell = random.random((times, seeds, 1)) < self.collapses
        guess = random.integers(0, 2, (times, seeds, 1))
        return np.where(fell, labels == guess, right).astype(np.float64), fell[:, :, 0]


KINDS = {
    "plain": Row(),
    "easy": Row(skill=2.7),
    "nearly the same": Row(skill=1.0, own=0.0, noise=0.1),
    "lucky seeds": Row(luck=0.3),
    "t-heavy seeds": Row(luck=0.1, heavy=True),
    "15% collapse": Row(skill=1.0, collapses=0.15),
    "50% collapse": Row(skill=1.0, collapses=0.5),
}


def twins(kind: str, random: np.random.Generator, times: int, seeds: int, items: int) -> Many:
    """Two rows that are the same by construction."""
    row = KINDS[kind]
    difficulty, labels = random.normal(size=(times, 1, items)), random.integers(0, 2, (times, 1, items))
    (one, fell), (other, fell_too) = (row.right(random, difficulty, labels, seeds) for _ in range(2))
    return Many(one - other, (fell | fell_too).any(axis=1))


def skewed(random: np.random.Generator, times: int, seeds: int, items: int) -> Many:
    """As an F1 weighs them: a tenth of the items weighs 5, the others .55."""
    twin = twins("plain", random, times, seeds, items)
    return dataclasses.replace(
        twin, values=twin.values * np.where(random.random((times, 1, items)) < 0.1, 5.0, 0.55), most=0.0
    )


def rare(share: float) -> Callable[[np.random.Generator, int, int, int], Many]:
    """The first row is right on the same share of items that the second has wrong, in every seed."""

    def draw(random: np.random.Generator, times: int, seeds: int, items: int) -> Many:
        better = random.random((times, 1, items)) < share
        return Many(np.repeat(better, seeds, axis=1).astype(np.float64), np.zeros(times, dtype=bool), truth=share)

    return draw


def against_perfect(random: np.random.Generator, times: int, seeds: int, items: int) -> Many:
    """A row that is always right and one that answers one of two classes, drawn for each seed."""
    labels, guess = random.integers(0, 2, (times, 1, items)), random.integers(0, 2, (times, seeds, 1))
    return Many((labels != guess).astype(np.float64), np.ones(times, dtype=bool), truth=0.5)


DRAWS: dict[str, Callable[[np.random.Generator, int, int, int], Many]] = {
    **{kind: lambda *arguments, kind=kind: twins(kind, *arguments) for kind in KINDS},  # type: ignore[misc]
    "skewed items": skewed,
    "2% better": rare(0.02),
    "collapsed, perfect": against_perfect,
}


@dataclasses.dataclass(frozen=True)
class Counted:
    """Shares: of experiments with an interval, those that hold the truth; those without; of papers, those in which
    Holm's correction finds a difference though all hypotheses are true, None where they are not."""

    coverage: float
    undefined: float
    false: float | None
    seen: int  # experiments with an interval


def counted(kind: str, seeds: int, items: int, papers: int, seed: int = 7) -> Counted:
    """What ``crossed``, ``cautious`` and ``holm`` say of so many papers."""
    drawn = DRAWS[kind](np.random.default_rng((seed, seeds, items)), papers * CLAIMS, seeds, items)
    estimates = [crossed([block], most=(drawn.most,)) for block in drawn.values]
    defined = [each for each in estimates if isinstance(each, Estimate)]
    ps = [
        cautious(each, collapsed=bool(fell)).p if isinstance(each, Estimate) else 1.0
        for each, fell in zip(estimates, drawn.collapsed, strict=True)
    ]
    false = [min(holm(ps[at : at + CLAIMS])) < 0.05 for at in range(0, len(ps), CLAIMS)]
    inside = [each.low <= drawn.truth <= each.high for each in defined]
    return Counted(
        coverage=float(np.mean(inside)) if inside else 1.0,
        undefined=1 - len(defined) / len(estimates),
        false=None if drawn.truth else float(np.mean(false)),
        seen=len(defined),
    )
