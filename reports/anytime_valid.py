"""What the rule that holds however often one looks says of two rows, from all their seeds in order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import takewhile
from typing import Literal

import numpy as np

from experiments.suite import Claim, Contrast, Suite
from reports.comparison import Differences, axes
from reports.results import Runs
from reports.statistics.sequential import Comparison, Decision, Items, decide, first_possible, items_of, log_e, shares

LEVEL = 0.95  # of all comparisons of a family together

Anytime = Decision | Literal["undecided", ""]  # nothing: too few seeds to decide anything, or one was left out


@cache
def least(items: bool, family: int, level: float = LEVEL) -> int:
    """The fewest seeds that can decide one of a family of comparisons."""
    none = Comparison(differences=(), margin=1.0, items=Items(0.0, 1) if items else None)
    return first_possible(shares(none, level, family)[0])


def possible(differences: Sequence[float], margin: float, alpha: float, beyond: float = 0.0) -> bool:
    """Whether the seeds refuse what one of the decisions has to refuse, and lie on its side. It costs a fiftieth of
    ``sequential.decide``, which need not be asked where they do not."""
    room, data = margin - beyond, np.array(differences)
    evidence = log_e(data[:, None] - np.array([beyond, -beyond, room, -room])).max(axis=0)
    above, below, *within = (float(each) >= -math.log(alpha) - 1e-6 for each in evidence)
    low, high = float(data.min()), float(data.max())
    return (above and high > beyond) or (below and low < -beyond) or (all(within) and -room < high and low < room)


def decide_quickly(comparison: Comparison, family: int, level: float = LEVEL) -> Decision | None:
    """``sequential.decide``, quickly where there is nothing to decide."""
    if not possible(comparison.differences, comparison.margin, *shares(comparison, level, family)):
        return None
    return decide(comparison, level=level, family=family)


def anytime_decision(pairs: Differences, margin: float, family: int) -> Anytime:
    """The first decision on seeds 0, 1, 2, ... up to the first that is missing; it stands. Where seeds are missing
    before anything was decided, nothing."""
    count = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], enumerate(pairs.seeds)))
    first = least(bool(pairs.by_item), family)
    for n in range(first, count + 1):
        if not possible(pairs.by_seed[:n], margin, (1 - LEVEL) / family):
            continue  # not even on these items
        items = items_of(pairs.crossed(n)) if pairs.by_item else None
        decision = decide_quickly(Comparison(differences=pairs.by_seed[:n], margin=margin, items=items), family)
        if decision is not None:
            return decision
    return "undecided" if count >= first and count == len(pairs.seeds) else ""


def clean(claim: Claim, better: Runs, worse: Runs) -> bool:
    """Whether a contrast of these rows credits one change, or is one of wholes, and can be paired at all."""
    return better.row.split == worse.row.split and (claim.as_wholes or len(axes(better, worse)) < 2)


def full(suite: Suite, name: str) -> str:
    """A row's full slug as a contrast of the suite names it."""
    return name if "/" in name else f"{suite.slug}/{name}"


def pair(suite: Suite, contrast: Contrast) -> tuple[frozenset[str], str]:
    """What is the same comparison, whichever row is named first."""
    return frozenset((full(suite, contrast.better), full(suite, contrast.worse))), contrast.metric


def family(rows: Mapping[str, Runs], claims: Iterable[tuple[Suite, Claim]]) -> int:
    """How many comparisons the clean contrasts of these claims are, of those whose rows were both run."""
    comparisons = set()
    for suite, claim in claims:
        for contrast in claim.contrasts:
            better, worse = (rows.get(full(suite, name)) for name in (contrast.better, contrast.worse))
            if better is not None and worse is not None and clean(claim, better, worse):
                comparisons.add(pair(suite, contrast))
    return len(comparisons)
