"""Which design to train for a budget, and D-optimal designs where no regular fraction fits."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np

from experiments.factorial_designs import (
    Design,
    DesignError,
    Run,
    columns,
    design,
    efficiency,
    every_effect,
    fractions,
    full,
    leave_one_out,
    possible,
)

STARTS = 30  # of the exchange, which may stop at a local best
ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII")


def d_optimal(names: Sequence[str], size: int, impossible: Collection[Run] = (), kept: Collection[Run] = ()) -> Design:
    """The ``size`` possible runs, those ``kept`` among them, that tell the main effects apart best: the largest
    determinant |X'X| that exchanges of one run (Fedorov 1972, Theory of Optimal Experiments) reach from ``STARTS``
    random sets, drawn from a fixed seed. ``DesignError`` where no such runs tell the main effects apart."""
    runs = possible(names, impossible)
    model = columns(Design("D-optimal", tuple(names), tuple(runs)), every_effect(names, 1))
    first = [position for position, run in enumerate(runs) if run in kept]
    blurred = f"no {size} possible runs tell {len(names)} main effects apart; allow more runs or drop a factor"
    if size <= len(names) or not efficiency(model):
        raise DesignError(blurred)
    if not len(kept) == len(first) <= size <= len(runs):
        raise DesignError(f"{size} of {len(runs)} possible runs cannot be chosen, {len(kept)} of them kept; allow more")
    free, draws = np.setdiff1d(np.arange(len(runs)), first), np.random.default_rng(0)
    starts = ([*first, *draws.permutation(free)[: size - len(first)]] for _ in range(STARTS))
    ends = [exchange_runs(model, np.array(start), len(first)) for start in starts]
    best = max(ends, key=lambda end: round(efficiency(model[end]), 9))  # the first of equals
    if not efficiency(model[best]):
        raise DesignError(blurred)
    return design("D-optimal", names, [runs[position] for position in best])


def exchange_runs(model: np.ndarray, inside: np.ndarray, fixed: int) -> np.ndarray:
    """Positions of rows of ``model`` [rows, effects] after the best exchanges of one row inside against one outside, as
    long as one raises the determinant. The ``fixed`` first rows stay."""
    ridge = 1e-4 * model.T @ model / len(model)  # so that a start may be singular
    before, size = inside, -np.inf
    while True:
        information = model[inside].T @ model[inside] + ridge
        last, size = size, np.linalg.slogdet(information)[1]
        if size <= last + 1e-9:
            return before
        spread = np.linalg.inv(information)
        variance = np.einsum("ij,jk,ik->i", model, spread, model)  # [rows]
        between = model[inside] @ spread @ model.T  # [inside, rows]
        gain = np.outer(1 - variance[inside], 1 + variance) + between**2  # the determinant's factor
        gain[:fixed], gain[:, inside] = 0, 0
        out, new = np.unravel_index(np.argmax(gain.round(9)), gain.shape)
        before, inside = inside, np.where(np.arange(len(inside)) == out, new, inside)


def choose(names: Sequence[str], impossible: Collection[Run], budget: int) -> Design:
    """The design for ``budget`` cells a seed: every combination if they fit; else the regular fraction of the highest
    resolution, then of the fewest runs; else the D-optimal runs for the main effects, both ends (no factor on, all
    on) among them; else all factors and each one left out. ``DesignError`` where the budget is below factors + 1."""
    count, runs = len(names), len(possible(names, impossible))
    if budget <= count and budget < runs:
        raise DesignError(f"{count} factors take {count + 1} cells a seed or more and the budget is {budget}; raise it")
    ruled_out = f"; {2**count - runs} of {2**count} combinations are impossible" if impossible else ""
    if runs <= budget:
        return _because(full(names, impossible), f"all {runs} combinations fit {budget} cells a seed{ruled_out}")
    over = f"{runs} combinations do not fit {budget} cells a seed{ruled_out}"
    if regular := sorted(fractions(names, budget, impossible), key=lambda one: (-(one.resolution or 0), len(one.runs))):
        size = f"{len(regular[0].runs)} runs, resolution {ROMAN[regular[0].resolution or 0]}"
        return _because(regular[0], f"{over}: the regular fraction of {size}")
    try:
        best = d_optimal(names, budget, impossible, {frozenset[str](), frozenset(names)} - set(impossible))
    except DesignError as error:
        if not (left := leave_one_out(names, impossible)).runs:
            raise
        return _because(left, f"{error}: each one left out of all")
    apart = f"the {budget} runs that tell the main effects apart best, {best.efficiency:.0%} of an orthogonal design"
    return _because(best, f"{over}, and no regular fraction does: {apart}")


def _because(chosen: Design, why: str) -> Design:
    """The design with the reason for it, and what it cannot tell apart even of the main effects."""
    blurred = [line for line in chosen.aliases(1) if " " in line]
    return dataclasses.replace(chosen, why=why + (f"; not told apart: {', '.join(blurred)}" if blurred else ""))
