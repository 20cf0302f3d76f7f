"""Which combinations ``harness ablate`` trains for its budget, and what it says of them before."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import Any

from experiments.ablation import Ablation
from experiments.design_choice import choose
from experiments.factorial_designs import Design, DesignError, add_one, every_effect, full, leave_one_out, with_letters
from harness.execution.config import ExecutionConfig
from harness.execution.estimate import seconds_per_token
from harness.planning.cost import cost
from harness.planning.ledger import read_index
from harness.planning.plan import Planned, plan
from harness.planning.setup import Setup
from harness.registry import selectors
from harness.registry.selectors import combined
from model.errors import InputError, shown

RUNS = 16  # combinations that are trained without a budget, if so many do
LISTED = 32  # combinations named before training
LARGEST = 1e6
BUDGET = re.compile(r"(\d+(?:\.\d+)?)(h?)")


def designed(told: Ablation, kind: str, cells: int | None, setup: Setup) -> Design:
    """The combinations for a budget of cells over all seeds. ``DesignError``."""
    names, impossible = told.names, told.impossible
    possible = 2 ** len(names) - len(impossible)
    runs = max(RUNS, len(names) + 1) if cells is None else cells // setup.seeds
    if kind in ("auto", "fractional"):
        try:
            return choose(names, impossible, min(runs, possible - 1) if kind == "fractional" else runs)
        except DesignError as error:
            raise DesignError(f"{told.question}, {setup.seeds} seeds: {error}") from None
    made = {"factorial": full, "leave-one-out": leave_one_out, "add-one": add_one}[kind](names, impossible)
    wanted = 2 if kind != "factorial" else 1
    if len(made.runs) < wanted:
        raise DesignError(
            f"{told.question}: {kind} has no two combinations that can be trained; take --design factorial"
        )
    if cells is not None and len(made.runs) > runs:
        raise DesignError(
            f"{told.question}: {kind} takes {len(made.runs)} combinations, {len(made.runs) * setup.seeds} cells with "
            f"{setup.seeds} seeds, and the budget is {cells}; raise it, or take --design auto"
        )
    return dataclasses.replace(made, why="as asked for")


def cells_of_budget(text: str | None, told: Ablation, setup: Setup, machine: ExecutionConfig) -> int | None:
    """A budget's cells: ``96``, or ``2.5h`` on this machine. ``InputError``."""
    if text is None:
        return None
    found = BUDGET.fullmatch(text)
    if found is None or not 0 < float(found[1]) <= LARGEST or not (found[2] or found[1].isdecimal()):
        raise InputError(f"--budget {shown(text, 40)} is neither cells, as in 96, nor hours, as in 2.5h")
    if not found[2]:
        return int(found[1])
    if machine.cluster:
        raise InputError("--budget in hours is for this machine alone; on Ray give it in cells")
    every = [cell for row in plan(combined(told.slug), setup) for cell in row.cells[:1]]
    rate = seconds_per_token(read_index(machine.home), every)
    if rate is None or not every:
        raise InputError(
            "--budget in hours needs to know how long a cell takes, and this home has trained none of these; give it "
            "in cells"
        )
    seconds = rate * sum(map(cost, every)) / len(every)
    return math.floor(3600 * float(found[1]) * machine.jobs / seconds)


def trained(told: Ablation, design: Design, setup: Setup) -> list[Planned]:
    """The design's rows."""
    wanted = {told.name(on) for on in design.runs}
    return [row for row in plan(combined(told.slug), setup) if row.row.name in wanted]


def lines(told: Ablation, design: Design) -> Iterator[str]:
    """The question, the factors, what cannot be, and what the design tells apart."""
    width = max(map(len, told.names))
    yield f"{told.question}: {len(told.names)} factor{'s' * (len(told.names) > 1)}"
    for at, factor in enumerate(told.factors):
        yield f"  {ascii_uppercase[at]}  {factor.name:{width}}  {factor.says}"
    for factor in told.all_factors:
        if factor.name in told.fixed:
            yield f"  held {'on' if told.fixed[factor.name] else 'off'}: {factor.name}"
    if not told.path:
        yield "  in no order: the one row does not stand on the other"
    for why, runs in ruled_out(told).items():
        yield f"not trained, {why}: {', '.join(runs[:8])}{f' and {len(runs) - 8} more' if len(runs) > 8 else ''}"
    yield f"design {design.kind}: {design.why}"
    for on in design.runs[:LISTED]:
        known = told.registry_rows.get(on, "")
        yield f"  {spots(told, on)}  {known or told.name(on)}"
    if len(design.runs) > LISTED:
        yield f"  and {len(design.runs) - LISTED} more"
    yield from apart(told, design)


def spots(told: Ablation, on: frozenset[str]) -> str:
    """``A . C``."""
    return " ".join(ascii_uppercase[at] if name in on else "." for at, name in enumerate(told.names))


def ruled_out(told: Ablation) -> dict[str, list[str]]:
    """The combinations that are no training of their own, by reason."""
    found: dict[str, list[str]] = {}
    for on, why in told.impossible.items():
        found.setdefault(why, []).append(told.name(on))
    return found


def apart(told: Ablation, design: Design) -> Iterator[str]:
    """What the design can and cannot separate, by the factors' letters."""
    model = design.model()
    pairs = len([effect for effect in every_effect(told.names, 2) if len(effect) == 2])
    seen = sum(len(effect) == 2 for effect in model)
    aliases = [with_letters(told.names, line) for line in design.aliases() if " " in line]
    yield f"told apart: {sum(len(effect) == 1 for effect in model)} of {len(told.names)} main effects" + (
        f", {seen} of {pairs} two-way interactions" if pairs else ""
    )
    if aliases:
        yield f"not told apart (A + B:C is the sum of both): {'; '.join(aliases[:LISTED])}"


def data(told: Ablation, design: Design) -> dict[str, Any]:
    """The same for a program."""
    return {
        "ablation": told.slug,
        "row": f"{told.suite.slug}/{told.row.name}",
        "against": f"{told.other.slug}/{told.against.name}",
        "factors": [{"name": factor.name, "says": factor.says} for factor in told.factors],
        "held": dict(told.fixed),
        "ordered": bool(told.path),
        "not_trained": [{"factors": sorted(on), "reason": why} for on, why in told.impossible.items()],
        "design": {
            "kind": design.kind,
            "why": design.why,
            "combinations": [
                {"factors": [name for name in told.names if name in on], "row": told.registry_rows.get(on)}
                for on in design.runs
            ],
            "aliases": [line for line in design.aliases() if " " in line],
        },
    }


LEVELS = {"": False, "off": False, "on": True}


def question(row: str, against: str, added: Sequence[str], held: Sequence[str]) -> Ablation:
    """The ablation of two rows by their full slugs. ``InputError``."""
    suite, own = selectors.find(row)
    other, theirs = selectors.find(against)
    levels: dict[str, bool] = {}
    for text in held:
        name, _, level = text.partition("=")
        if level not in LEVELS or not name:
            raise InputError(f"--hold {shown(text, 80)} is not FACTOR, FACTOR=on or FACTOR=off")
        levels[name] = LEVELS[level]
    changes = tuple(map(selectors.change, added))
    told = Ablation(suite=suite, row=own, other=other, against=theirs, added=changes, fixed=levels)
    return selectors.ablation(told.table)
