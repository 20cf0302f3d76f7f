"""One suite in one set-up as blocks: table, effects, agreement, cost, alarms."""

from __future__ import annotations

import dataclasses
import re
import statistics
from collections.abc import Sequence
from typing import Any

from reports.document.blocks import Block, Bullets, Cell, Grid, Heading, Tone, Words
from reports.suite.analysis import Section
from reports.suite.effects import Agreement, Cost, Effect, metrics
from reports.suite.score_grid import scores
from reports.suite_table.symbols import SIGNS, number, p_text, signed

SUITE = re.compile(r"\b[\w-]+/[\w-]+/(?=[\w-])")


def blocks(told: Section) -> list[Block]:
    """Everything but the figures."""
    made: list[Block] = [Heading(2, f"{told.suite.slug}: {told.suite.title}")]
    made.append(Words(facts(told), "muted"))
    if told.alarms:
        made.append(Bullets(told.alarms, "Alarms", "bad"))
    made.append(scores(told))
    if told.effects:
        made.append(deltas(told))
    if told.agreements:
        made.append(Words(agreed(told.agreements)))
    if told.costs:
        made.append(cost(told))
    if told.table.footnotes:
        made.append(Bullets(told.table.footnotes, "Notes"))
    return made


def facts(told: Section) -> str:
    kept = [(name, value) for name, value in told.table.facts if name in ("overall", "seeds", "cells")]
    return "; ".join(f"{name}: {value}" for name, value in kept)


def deltas(told: Section) -> Grid:
    """Each row against the row it stands on."""
    names = metrics(told.suite)
    titles = {column.key: column.title for column in told.table.columns}
    by_row: dict[str, dict[str, Effect]] = {}
    for effect in told.effects:
        by_row.setdefault(effect.row.name, {})[effect.metric] = effect
    body = []
    for row, found in by_row.items():
        first = next(iter(found.values()))
        sign = f" {SIGNS['confounded'][0]}" if first.confounded else ""
        against = first.base.removeprefix(f"{told.suite.slug}/").removeprefix(f"{told.suite.paper}/")
        body.append((Cell(row + sign, below=f"against {against}"), *(delta(found[name]) for name in names)))
    return Grid(
        name=f"{told.name}-effects",
        caption="What each row changes against the row it stands on",
        head=((Cell("row"), *(Cell(titles[name]) for name in names)),),
        body=tuple(body),
        widths=(2.6, *(2.2 for _ in names)),
        notes=(
            "difference [95% interval over seeds and items]",
            "small print: p after Holm over this table, Hedges' g over seeds, printed difference",
            "bold: p < .05",
            f"{SIGNS['confounded'][0]} {SIGNS['confounded'][1]}",
            *cross_check(told.effects),
        ),
        records=tuple(record(told, effect) for effect in told.effects),
    )


def cross_check(found: Sequence[Effect]) -> list[str]:
    """How wide the hierarchical bootstrap's intervals are beside these, in words."""
    widths = [
        (each.found.bootstrap[1] - each.found.bootstrap[0]) / (estimate.high - estimate.low)
        for each in found
        if each.found.bootstrap and (estimate := each.found.estimate) and estimate.high > estimate.low
    ]
    if not widths:
        return []
    width = f"{statistics.median(widths):.2f}"
    return [
        f"cross-check of overall: a hierarchical bootstrap's intervals, too narrow with few seeds, are {width} as wide"
    ]


def delta(effect: Effect) -> Cell:
    found = effect.found
    printed = "" if effect.printed is None else f"printed {signed(effect.printed)}"
    if found.estimate is None:
        text = f"{signed(found.alike.mean)} in all" if found.alike else "none"
        return Cell(text, below="; ".join(filter(None, (short(found.reason), printed))), tone="muted")
    told = [f"p {p_text(effect.p)}" if effect.p is not None else "one seed"]
    told += [f"g {found.effect:.1f}"] if found.effect is not None else []
    text = f"{signed(found.estimate.mean)} [{signed(found.estimate.low)}, {signed(found.estimate.high)}]"
    tone: Tone = "" if not effect.supported else "good" if found.estimate.mean > 0 else "bad"
    return Cell(
        text,
        below=", ".join(filter(None, (*told, printed))),
        strong=effect.supported,
        tone=tone,
        value=found.estimate.mean,
    )


def record(told: Section, effect: Effect) -> dict[str, Any]:
    """One effect as data."""
    found, estimate = effect.found, effect.found.estimate
    low, high = found.bootstrap or (None, None)
    return {
        "suite": told.suite.slug,
        "row": effect.row.name,
        "base": effect.base,
        "metric": effect.metric,
        "difference": estimate.mean if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "p": estimate.p if estimate else None,
        "p_holm": effect.p,
        "hedges_g": found.effect,
        "bootstrap_low": low,
        "bootstrap_high": high,
        "seeds": len(found.seeds),
        "items": " ".join(f"{task}:{count}" for task, count in found.items.items()),
        "printed": effect.printed,
        "confounded_axes": " ".join(effect.confounded),
        "reason": found.reason,
        **told.setup.facts,
    }


def agreed(found: Sequence[Agreement]) -> str:
    """Rank agreement in words."""
    told = "; ".join(
        f"{each.metric.replace('_', ' ')} {number(each.tau)}"
        + ("" if each.low != each.low else f" [{number(each.low)}, {number(each.high)}]")
        + f" over {each.rows} rows"
        for each in found
    )
    return f"Rank agreement of printed figures and ours, Kendall's tau with 95% interval over seeds: {told}."


def cost(told: Section) -> Grid:
    names = ("row", "seconds a cell", "training items a second", "peak memory, MiB", "n")
    shared = {"suite": told.suite.slug, **told.setup.facts}
    return Grid(
        name=f"{told.name}-cost",
        caption="What the rows cost",
        head=(tuple(map(Cell, names)),),
        body=tuple(cost_cells(each) for each in told.costs),
        widths=(3, 1.3, 1.8, 1.5, 0.5),
        records=tuple(dataclasses.asdict(each) | shared for each in told.costs),
    )


def cost_cells(each: Cost) -> tuple[Cell, ...]:
    speed = each.items_per_second
    return (
        Cell(each.row),
        Cell(f"{each.seconds:,.1f}", value=each.seconds),
        Cell("·" if speed is None else f"{speed:,.0f}", value=speed),
        Cell(f"{each.memory / 2**20:,.0f}", value=each.memory),
        Cell(str(each.seeds), value=each.seeds),
    )


def short(reason: str) -> str:
    about, _, why = plainly(reason).partition(": ")
    told = why if " has no " in about else plainly(reason)
    return told if len(told) < 72 else f"{told[:69]}..."


def plainly(text: str) -> str:
    """Without the suites before rows' names."""
    return SUITE.sub("", text)
