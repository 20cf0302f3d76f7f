"""Many tests at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def holm(ps: Sequence[float]) -> list[float]:
    """Each p adjusted for all of them, in the same order; those at most alpha are the ones Holm's procedure rejects.

    Sorted ascending, ``p~_k = min(1, max_(j <= k) (m - j + 1) p_j)``.

    statsmodels' multipletests gives the same, after a second of importing and a garbage collection a call.

    Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 65-70.

    Raises:
        ValueError: a p outside 0..1 or NaN.
    """
    if not all(0 <= p <= 1 for p in ps):
        raise ValueError(f"a p-value lies between 0 and 1; got {list(ps)}")
    order = sorted(range(len(ps)), key=ps.__getitem__)
    stepped = accumulate((min(1.0, (len(ps) - rank) * ps[at]) for rank, at in enumerate(order)), max)
    adjusted = dict(zip(order, stepped, strict=True))
    return [adjusted[at] for at in range(len(ps))]
