"""The combinations that ``harness ablate`` trains for its budget, and their description."""

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
from experiments.suite import row_slug
from harness.execution.config import ExecutionConfig
from harness.execution.estimate import seconds_per_token
from harness.planning.cell_index import read_index
from harness.planning.cost import cost
from harness.planning.plan import PlannedRow, plan
from harness.planning.setup import Setup
from harness.registry import selectors
from harness.registry.selectors import ablation_rows
from model.errors import InputError, shown

RUNS = 16  # combinations that are trained without a budget, if so many do
LISTED = 32  # combinations named before training
LARGEST = 1e6
BUDGET = re.compile(r"(\d+(?:\.\d+)?)(h?)")


def choose_design(ablation: Ablation, kind: str, cells: int | None, setup: Setup) -> Design:
    """The combinations for a budget of cells over all seeds. ``DesignError``."""
    names, impossible = ablation.names, ablation.impossible
    possible = 2 ** len(names) - len(impossible)
    runs = max(RUNS, len(names) + 1) if cells is None else cells // setup.seeds
    if kind in ("auto", "fractional"):
        try:
            return choose(names, impossible, min(runs, possible - 1) if kind == "fractional" else runs)
        except DesignError as error:
            raise DesignError(f"{ablation.question}, {setup.seeds} seeds: {error}") from None
    design = {"factorial": full, "leave-one-out": leave_one_out, "add-one": add_one}[kind](names, impossible)
    wanted = 2 if kind != "factorial" else 1
    if len(design.runs) < wanted:
        raise DesignError(
            f"{ablation.question}: {kind} has no two combinations that can be trained; take --design factorial"
        )
    if cells is not None and len(design.runs) > runs:
        raise DesignError(
            f"{ablation.question}: {kind} takes {len(design.runs)} combinations, {len(design.runs) * setup.seeds} "
            f"cells with {setup.seeds} seeds, and the budget is {cells}; raise it, or take --design auto"
        )
    return dataclasses.replace(design, why="as asked for")


def cells_of_budget(text: str | None, ablation: Ablation, setup: Setup, config: ExecutionConfig) -> int | None:
    """A budget's cells: ``96``, or ``2.5h`` on this machine. ``InputError``."""
    if text is None:
        return None
    match = BUDGET.fullmatch(text)
    if match is None or not 0 < float(match[1]) <= LARGEST or not (match[2] or match[1].isdecimal()):
        raise InputError(f"--budget {shown(text, 40)} is neither cells, as in 96, nor hours, as in 2.5h")
    if not match[2]:
        return int(match[1])
    if config.cluster:
        raise InputError("--budget in hours is for this machine alone; on Ray give it in cells")
    every = [cell for row in plan(ablation_rows(ablation.slug), setup) for cell in row.cells[:1]]
    rate = seconds_per_token(read_index(config.home), every)
    if rate is None or not every:
        raise InputError(
            "--budget in hours needs to know how long a cell takes, and this results folder has trained none of "
            "these; give it in cells"
        )
    seconds = rate * sum(map(cost, every)) / len(every)
    return math.floor(3600 * float(match[1]) * config.jobs / seconds)


def rows_to_train(ablation: Ablation, design: Design, setup: Setup) -> list[PlannedRow]:
    """The design's rows."""
    wanted = {ablation.name(on) for on in design.runs}
    return [row for row in plan(ablation_rows(ablation.slug), setup) if row.row.name in wanted]


def describe_design(ablation: Ablation, design: Design) -> Iterator[str]:
    """The question, the factors, the combinations left out and trained, and the effects that the design separates."""
    width = max(map(len, ablation.names))
    yield f"{ablation.question}: {len(ablation.names)} factor{'s' * (len(ablation.names) > 1)}"
    for at, factor in enumerate(ablation.factors):
        yield f"  {ascii_uppercase[at]}  {factor.name:{width}}  {factor.says}"
    for factor in ablation.all_factors:
        if factor.name in ablation.fixed:
            yield f"  held {'on' if ablation.fixed[factor.name] else 'off'}: {factor.name}"
    if not ablation.path:
        yield "  in no order: the one row does not stand on the other"
    for why, runs in ruled_out(ablation).items():
        yield f"not trained, {why}: {', '.join(runs[:8])}{f' and {len(runs) - 8} more' if len(runs) > 8 else ''}"
    yield f"design {design.kind}: {design.why}"
    for on in design.runs[:LISTED]:
        row = ablation.registry_rows.get(on, "")
        yield f"  {factor_letters(ablation, on)}  {row or ablation.name(on)}"
    if len(design.runs) > LISTED:
        yield f"  and {len(design.runs) - LISTED} more"
    yield from separable_effects(ablation, design)


def factor_letters(ablation: Ablation, on: frozenset[str]) -> str:
    """A letter for each factor that is on, as ``A . C``."""
    return " ".join(ascii_uppercase[at] if name in on else "." for at, name in enumerate(ablation.names))


def ruled_out(ablation: Ablation) -> dict[str, list[str]]:
    """The combinations that are not trained, by reason."""
    by_reason: dict[str, list[str]] = {}
    for on, why in ablation.impossible.items():
        by_reason.setdefault(why, []).append(ablation.name(on))
    return by_reason


def separable_effects(ablation: Ablation, design: Design) -> Iterator[str]:
    """The effects that the design can and cannot separate, by the factors' letters."""
    model = design.model()
    pairs = len([effect for effect in every_effect(ablation.names, 2) if len(effect) == 2])
    seen = sum(len(effect) == 2 for effect in model)
    aliases = [with_letters(ablation.names, line) for line in design.aliases() if " " in line]
    yield f"told apart: {sum(len(effect) == 1 for effect in model)} of {len(ablation.names)} main effects" + (
        f", {seen} of {pairs} two-way interactions" if pairs else ""
    )
    if aliases:
        yield f"not told apart (A + B:C is the sum of both): {'; '.join(aliases[:LISTED])}"


def design_data(ablation: Ablation, design: Design) -> dict[str, Any]:
    """The design as JSON has it."""
    return {
        "ablation": ablation.slug,
        "row": row_slug(ablation.suite, ablation.row),
        "against": row_slug(ablation.other, ablation.against),
        "factors": [{"name": factor.name, "says": factor.says} for factor in ablation.factors],
        "held": dict(ablation.fixed),
        "ordered": bool(ablation.path),
        "not_trained": [{"factors": sorted(on), "reason": why} for on, why in ablation.impossible.items()],
        "design": {
            "kind": design.kind,
            "why": design.why,
            "combinations": [
                {"factors": [name for name in ablation.names if name in on], "row": ablation.registry_rows.get(on)}
                for on in design.runs
            ],
            "aliases": [line for line in design.aliases() if " " in line],
        },
    }


LEVELS = {"": False, "off": False, "on": True}


def question(row: str, against: str, added: Sequence[str], held_factors: Sequence[str]) -> Ablation:
    """The ablation of two rows by their full slugs. ``InputError``."""
    suite, own = selectors.find(row)
    other, theirs = selectors.find(against)
    levels: dict[str, bool] = {}
    for text in held_factors:
        name, _, level = text.partition("=")
        if level not in LEVELS or not name:
            raise InputError(f"--hold {shown(text, 80)} is not FACTOR, FACTOR=on or FACTOR=off")
        levels[name] = LEVELS[level]
    changes = tuple(map(selectors.change, added))
    ablation = Ablation(suite=suite, row=own, other=other, against=theirs, added=changes, fixed=levels)
    return selectors.ablation(ablation.table)
