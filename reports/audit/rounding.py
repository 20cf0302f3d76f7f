"""Printed figures as what they are: intervals. Arithmetic is exact, so that a tie in rounding is never a fault."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from experiments.papers import SUITES
from experiments.suite import Formula, RegistryError, Row, Suite
from reports.number_format import format_number

TASKS = ("sst_accuracy", "quora_accuracy", "sts_pearson")
FIGURES = (*TASKS, "cfimdb_accuracy", "overall")  # not times


@dataclasses.dataclass(frozen=True)
class Rounded:
    """A figure and the closed interval of unrounded values behind it, however ties were rounded."""

    value: Fraction
    half: Fraction
    recomputed: bool = False  # by the table's formula, where the paper prints none

    @property
    def low(self) -> Fraction:
        return self.value - self.half

    @property
    def high(self) -> Fraction:
        return self.value + self.half

    def __add__(self, other: Rounded) -> Rounded:
        return Rounded(self.value + other.value, self.half + other.half)

    def __sub__(self, other: Rounded) -> Rounded:
        return Rounded(self.value - other.value, self.half + other.half)

    def linear(self, factor: Fraction, shift: Fraction = Fraction(0)) -> Rounded:
        return Rounded(self.value * factor + shift, self.half * abs(factor))

    def meets(self, other: Rounded) -> bool:
        """Whether one unrounded value can be behind both."""
        return self.low <= other.high and other.low <= self.high

    @property
    def sign(self) -> int:
        """That of every value in the interval; 0 if rounding hides it."""
        return 1 if self.low > 0 else -1 if self.high < 0 else 0

    @property
    def displayed(self) -> str:
        return format_number(float(self.value))

    @property
    def signed(self) -> str:
        return ("+" if self.value > 0 else "") + self.displayed


def decimals(value: float) -> int:
    """Digits after the point in the shortest way to write the value."""
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def rounded(value: float, digits: int) -> Rounded:
    return Rounded(Fraction(Decimal(repr(value))), Fraction(1, 2 * 10**digits))


def figures(printed: Mapping[str, float]) -> dict[str, Rounded]:
    """The scores in one printed line. A line is printed at one precision, that of its longest figure: .59 beside .463
    stands for .590, .71 alone for .71."""
    scores = {metric: value for metric, value in printed.items() if metric in FIGURES}
    digits = max((decimals(value) for value in scores.values()), default=0)
    return {metric: rounded(value, digits) for metric, value in scores.items()}


def overall(formula: Formula, scores: Mapping[str, Rounded]) -> Rounded | None:
    """The overall score by a formula, with what rounding of the tasks' figures leaves open, if all are there."""
    if formula == "none" or any(task not in scores for task in TASKS):
        return None
    sst, quora, sts = (scores[task] for task in TASKS)
    half = Fraction(1, 2)
    return (sst + quora + (sts if formula == "plain" else sts.linear(half, half))).linear(Fraction(1, 3))


def score(suite: Suite, row: Row, metric: str) -> Rounded | None:
    """A row's printed figure; an overall that is not printed is recomputed where it can be."""
    scores = figures(row.printed)
    if metric in scores or metric != "overall":
        return scores.get(metric)
    recomputed = overall(suite.formula, scores)
    return None if recomputed is None else dataclasses.replace(recomputed, recomputed=True)


def format_score(suite: Suite, row: Row, metric: str, besides: Row | None = None) -> str:
    """``.610``, with the split where it is not that of the row ``besides``, and whether it was recomputed."""
    figure = score(suite, row, metric)
    if figure is None:
        return "\N{MIDDLE DOT}"
    extra: list[str] = [row.split] if besides is not None and besides.split != row.split else []
    extra += ["recomputed"] if figure.recomputed else []
    return figure.displayed + (f" ({', '.join(extra)})" if extra else "")


def find(suite: Suite, name: str) -> tuple[Suite, Row]:
    """A row by its name in the suite or by its full slug."""
    if "/" not in name:
        return suite, suite.row(name)
    for other in (suite, *SUITES):
        for row in other.rows:
            if f"{other.slug}/{row.name}" == name:
                return other, row
    raise RegistryError(f"{suite.slug} speaks of a row {name!r}, which does not exist; correct it")


def short(metric: str) -> str:
    return metric.partition("_")[0]
