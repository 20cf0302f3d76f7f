"""Which combinations of factors to train, and which effects these can and cannot separate.

A factor is on (+1) or off (-1); a factor's or an interaction's effect has the product of its factors' columns.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from string import ascii_uppercase
from typing import Literal

import numpy as np

from model.errors import InputError

Kind = Literal["full", "fraction", "D-optimal", "leave one out", "add one", "some"]
Run = frozenset[str]  # the factors that are on
Effect = tuple[str, ...]  # one factor, or several that interact; none: the mean

# By number of factors, generators of the ones after the base factors A, B, C...: the fractions of least aberration in
# Box, Hunter & Hunter, Statistics for Experimenters, and Montgomery, Design and Analysis of Experiments, table 8.14.
FRACTIONS: dict[int, tuple[str, ...]] = {
    3: ("AB",),
    4: ("ABC",),
    5: ("AB AC", "ABCD"),
    6: ("AB AC BC", "ABC BCD", "ABCDE"),
    7: ("AB AC BC ABC", "ABC BCD ACD", "ABCD ABDE", "ABCDEF"),
    8: ("BCD ACD ABC ABD", "ABC ABD BCDE", "ABCD ABEF"),
    9: ("ABC BCD ACD ABD ABCD", "BCDE ACDE ABDE ABCE", "ABCD ACEF CDEF"),
    10: ("ABC BCD ACD ABD ABCD AB", "ABCD ABCE ABDE ACDE BCDE"),
    11: ("ABC BCD ACD ABD ABCD AB AC", "ABC BCD CDE ACD ADE BDE"),
}


class DesignError(InputError):
    """A design that cannot be. The message says why and how to mend it."""


@dataclasses.dataclass(frozen=True)
class Design:
    """Runs in standard order (the first factor changes slowest), each once. ``why`` says how it was chosen."""

    kind: Kind
    names: tuple[str, ...]
    runs: tuple[Run, ...]
    why: str = ""

    @cached_property
    def rows(self) -> tuple[tuple[int, ...], ...]:
        """The runs as rows of 0 and 1, [runs][factors]."""
        return tuple(tuple(int(name in run) for name in self.names) for run in self.runs)

    @cached_property
    def resolution(self) -> int | None:
        """The length of the shortest defining word; None if there is none, or the design is no regular fraction."""
        return min(map(len, self.words), default=None) if self.kind == "fraction" else None

    @cached_property
    def words(self) -> tuple[Effect, ...]:
        """The effects that have one value in all runs, and so cannot be told from the mean."""
        effects = list(every_effect(self.names, len(self.names)))[1:]
        table = columns(self, effects)
        return tuple(effect for effect, column in zip(effects, table.T, strict=True) if abs(column.sum()) == len(table))

    @cached_property
    def efficiency(self) -> float:
        """|X'X|^(1/p) / n of the mean and the main effects: 1 for an orthogonal design, 0 where the main effects
        cannot be told apart."""
        return efficiency(columns(self, every_effect(self.names, 1)))

    def aliases(self, order: int = 2) -> tuple[str, ...]:
        """What each estimate holds besides its own effect, of effects of up to ``order`` factors: ``A + B:C``, or
        ``A - 0.5 B:C`` where a part of it. The estimates are those of ``model``."""
        leading = self.model(order)
        others = [effect for effect in every_effect(self.names, order) if effect not in leading]
        shares = np.linalg.lstsq(columns(self, leading), columns(self, others), rcond=None)[0].round(6).tolist()
        chains = [[pair for pair in zip(others, row, strict=True) if pair[1]] for row in shares]  # one a leading effect
        return tuple(
            " ".join([":".join(effect) or "mean", *itertools.starmap(_term, chain)])
            for effect, chain in zip(leading, chains, strict=True)
            if effect or any(len(other) == 1 for other, _ in chain)
        )

    def model(self, order: int = 2) -> tuple[Effect, ...]:
        """The mean and all effects that the runs tell apart, low orders first; of designs that are neither full nor
        regular main effects alone, unless they tell all effects up to this order apart."""
        every = columns(self, every_effect(self.names, order))
        most = order if self.kind in ("full", "fraction") or np.linalg.matrix_rank(every) == every.shape[1] else 1
        leading: list[Effect] = []
        for effect in every_effect(self.names, most):
            if np.linalg.matrix_rank(columns(self, [*leading, effect])) == len(leading) + 1:
                leading.append(effect)
        return tuple(leading)

    def clear(self, order: int = 2) -> tuple[str, ...]:
        """The effects whose estimates hold no other effect of up to ``order`` factors."""
        return tuple(line for line in self.aliases(order) if " " not in line)


def with_letters(names: Sequence[str], line: str) -> str:
    """A line of ``Design.aliases`` with the factors' letters in position of their names: ``A + B:C``."""
    letters = dict(zip(names, ascii_uppercase, strict=False))
    return " ".join(":".join(letters.get(name, name) for name in word.split(":")) for word in line.split(" "))


def _term(effect: Effect, share: float) -> str:
    part = "" if abs(share) == 1 else f"{abs(share):.2g} "
    return f"{'-' if share < 0 else '+'} {part}{':'.join(effect)}"


def every_effect(names: Sequence[str], order: int) -> Iterator[Effect]:
    """The mean, the main effects, then interactions of up to ``order`` factors."""
    return itertools.chain.from_iterable(itertools.combinations(names, size) for size in range(order + 1))


def columns(design: Design, effects: Iterable[Effect]) -> np.ndarray:
    """The effects' columns, float [runs, effects], +1 and -1."""
    signs = {
        name: np.array([2.0 * row[position] - 1 for row in design.rows]) for position, name in enumerate(design.names)
    }
    ones = np.ones(len(design.runs))
    chosen = [np.prod(np.array([ones, *(signs[name] for name in effect)]), axis=0) for effect in effects]
    return np.array(chosen).reshape(len(chosen), len(ones)).T


def efficiency(model: np.ndarray) -> float:
    """|X'X|^(1/p) / n of X [n runs, p effects]."""
    runs, effects = model.shape
    sign, size = np.linalg.slogdet(model.T @ model)
    return float(np.exp(size / effects) / runs) if sign > 0 and np.linalg.matrix_rank(model) == effects else 0.0


def design(kind: Kind, names: Sequence[str], runs: Iterable[Run]) -> Design:
    """The runs in standard order."""
    return Design(kind, tuple(names), tuple(sorted(set(runs), key=lambda run: [name in run for name in names])))


def possible(names: Sequence[str], impossible: Collection[Run] = ()) -> list[Run]:
    """The combinations of factors that are possible, fewest factors first."""
    return [run for run in map(frozenset, every_effect(names, len(names))) if run not in impossible]


def recognise_design(names: Sequence[str], runs: Collection[Run], impossible: Collection[Run] = ()) -> Design:
    """The design that these runs are: a full one, a regular fraction, one factor at a time, or any other."""
    wanted = set(runs)
    for build in (full, leave_one_out, add_one):
        if set((candidate := build(names, impossible)).runs) == wanted:
            return candidate
    some = design("fraction", names, runs)
    regular = len(some.runs) * (1 + len(some.words)) == 2 ** len(names)
    return some if regular and (some.resolution or 3) >= 3 else dataclasses.replace(some, kind="some")


def full(names: Sequence[str], impossible: Collection[Run] = ()) -> Design:
    """Every combination that is possible."""
    return design("full", names, possible(names, impossible))


def leave_one_out(names: Sequence[str], impossible: Collection[Run] = ()) -> Design:
    """All factors on, and each one off in turn: each effect is the one beside all others."""
    every = frozenset(names)
    return design("leave one out", names, {every, *(every - {name} for name in names)} - set(impossible))


def add_one(names: Sequence[str], impossible: Collection[Run] = ()) -> Design:
    """No factor on, and each one on in turn: each effect is the one without any other."""
    return design("add one", names, {frozenset[str](), *(frozenset({name}) for name in names)} - set(impossible))


def fraction(names: Sequence[str], generators: Mapping[str, Sequence[str]], off: Collection[str] = ()) -> Design:
    """A regular fraction: each factor in ``generators`` has the product of these base factors' columns, negated where
    it is in ``off``. With none in ``off`` all factors are on in one run. ``DesignError`` below resolution III."""
    runs = []
    for run in possible([name for name in names if name not in generators]):
        signs = {name: math.prod(1 if each in run else -1 for each in word) for name, word in generators.items()}
        runs.append(run | {name for name, sign in signs.items() if (sign > 0) != (name in off)})
    regular = design("fraction", names, runs)
    if regular.resolution is not None and regular.resolution < 3:
        raise DesignError(f"{' '.join(regular.words[0])} has one value in all runs; give the fraction other generators")
    return regular


def fractions(names: Sequence[str], budget: int, impossible: Collection[Run] = ()) -> Iterator[Design]:
    """The tabled fractions within the budget whose runs are all possible, one a size: the first of its signs that
    fits, all factors on if that does."""
    for line in FRACTIONS.get(len(names), ()):
        words = line.split()
        base, others = names[: -len(words)], names[-len(words) :]
        if 2 ** len(base) <= budget:
            letters = dict(zip("ABCDEF", base, strict=False))
            generators = {name: [letters[each] for each in word] for name, word in zip(others, words, strict=True)}
            signed = (fraction(names, generators, off) for off in every_effect(others, len(others)))
            yield from itertools.islice((each for each in signed if not set(impossible) & set(each.runs)), 1)
