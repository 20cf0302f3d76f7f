"""One suite in one set-up as blocks: table, effects, agreement, cost, alarms."""

from __future__ import annotations

import dataclasses
import re
import statistics
from collections.abc import Sequence
from typing import Any

from reports.document.blocks import Block, Bullets, Cell, Grid, Heading, Tone, Words
from reports.number_format import format_difference, format_number, format_p, format_signed
from reports.suite.analysis import Section
from reports.suite.effects import Agreement, Cost, Effect, metrics
from reports.suite.score_grid import scores
from reports.suite_table.symbols import SIGNS

SUITE = re.compile(r"\b[\w-]+/[\w-]+/(?=[\w-])")


def blocks(section: Section) -> list[Block]:
    """Everything but the figures."""
    parts: list[Block] = [Heading(2, f"{section.suite.slug}: {section.suite.title}")]
    parts.append(Words(facts(section), "muted"))
    if section.alarms:
        parts.append(Bullets(section.alarms, "Alarms", "bad"))
    parts.append(scores(section))
    if section.effects:
        parts.append(deltas(section))
    if section.agreements:
        parts.append(Words(agreement_text(section.agreements)))
    if section.costs:
        parts.append(cost(section))
    if section.table.footnotes:
        parts.append(Bullets(section.table.footnotes, "Notes"))
    return parts


def facts(section: Section) -> str:
    kept = [(name, value) for name, value in section.table.facts if name in ("overall", "seeds", "cells")]
    return "; ".join(f"{name}: {value}" for name, value in kept)


def deltas(section: Section) -> Grid:
    """Each row against the row it stands on."""
    names = metrics(section.suite)
    titles = {column.key: column.title for column in section.table.columns}
    by_row: dict[str, dict[str, Effect]] = {}
    for effect in section.effects:
        by_row.setdefault(effect.row.name, {})[effect.metric] = effect
    body = []
    for row, by_metric in by_row.items():
        first = next(iter(by_metric.values()))
        sign = f" {SIGNS['confounded'][0]}" if first.confounded else ""
        against = first.base.removeprefix(f"{section.suite.slug}/").removeprefix(f"{section.suite.paper}/")
        body.append((Cell(row + sign, below=f"against {against}"), *(delta(by_metric[name]) for name in names)))
    return Grid(
        name=f"{section.name}-effects",
        caption="What each row changes against the row it stands on",
        head=((Cell("row"), *(Cell(titles[name]) for name in names)),),
        body=tuple(body),
        widths=(2.6, *(2.2 for _ in names)),
        notes=(
            "difference [95% interval over seeds and items]",
            "small print: p after Holm over this table, Hedges' g over seeds, printed difference",
            "bold: p < .05",
            f"{SIGNS['confounded'][0]} {SIGNS['confounded'][1]}",
            *cross_check(section.effects),
        ),
        records=tuple(record(section, effect) for effect in section.effects),
    )


def cross_check(effects: Sequence[Effect]) -> list[str]:
    """How wide the hierarchical bootstrap's intervals are beside these, in words."""
    widths = [
        (each.comparison.bootstrap[1] - each.comparison.bootstrap[0]) / (estimate.high - estimate.low)
        for each in effects
        if each.comparison.bootstrap and (estimate := each.comparison.estimate) and estimate.high > estimate.low
    ]
    if not widths:
        return []
    width = f"{statistics.median(widths):.2f}"
    return [
        f"cross-check of overall: a hierarchical bootstrap's intervals, too narrow with few seeds, are {width} as wide"
    ]


def delta(effect: Effect) -> Cell:
    comparison, estimate = effect.comparison, effect.comparison.estimate
    printed = "" if effect.printed is None else f"printed {format_signed(effect.printed)}"
    if estimate is None:
        text = f"{format_signed(comparison.alike.mean)} in all" if comparison.alike else "none"
        return Cell(text, below="; ".join(filter(None, (short(comparison.reason), printed))), tone="muted")
    details = [f"p {format_p(effect.p)}" if effect.p is not None else "one seed"]
    details += [f"g {comparison.effect:.1f}"] if comparison.effect is not None else []
    tone: Tone = "" if not effect.supported else "good" if estimate.mean > 0 else "bad"
    return Cell(
        format_difference(estimate.mean, estimate.low, estimate.high),
        below=", ".join(filter(None, (*details, printed))),
        strong=effect.supported,
        tone=tone,
        value=estimate.mean,
    )


def record(section: Section, effect: Effect) -> dict[str, Any]:
    """One effect as data."""
    comparison, estimate = effect.comparison, effect.comparison.estimate
    low, high = comparison.bootstrap or (None, None)
    return {
        "suite": section.suite.slug,
        "row": effect.row.name,
        "base": effect.base,
        "metric": effect.metric,
        "difference": estimate.mean if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "p": estimate.p if estimate else None,
        "p_holm": effect.p,
        "hedges_g": comparison.effect,
        "bootstrap_low": low,
        "bootstrap_high": high,
        "seeds": len(comparison.seeds),
        "items": " ".join(f"{task}:{count}" for task, count in comparison.items.items()),
        "printed": effect.printed,
        "confounded_axes": " ".join(effect.confounded),
        "reason": comparison.reason,
        **section.setup.facts,
    }


def agreement_text(agreements: Sequence[Agreement]) -> str:
    """Rank agreement in words."""
    text = "; ".join(
        f"{each.metric.replace('_', ' ')} {format_number(each.tau)}"
        + ("" if each.low != each.low else f" [{format_number(each.low)}, {format_number(each.high)}]")
        + f" over {each.rows} rows"
        for each in agreements
    )
    return f"Rank agreement of printed figures and ours, Kendall's tau with 95% interval over seeds: {text}."


def cost(section: Section) -> Grid:
    names = ("row", "seconds a cell", "training items a second", "peak memory, MiB", "n")
    shared = {"suite": section.suite.slug, **section.setup.facts}
    return Grid(
        name=f"{section.name}-cost",
        caption="What the rows cost",
        head=(tuple(map(Cell, names)),),
        body=tuple(cost_cells(each) for each in section.costs),
        widths=(3, 1.3, 1.8, 1.5, 0.5),
        records=tuple(dataclasses.asdict(each) | shared for each in section.costs),
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
    about, _, why = without_suites(reason).partition(": ")
    text = why if " has no " in about else without_suites(reason)
    return text if len(text) < 72 else f"{text[:69]}..."


def without_suites(text: str) -> str:
    """Without the suites before rows' names."""
    return SUITE.sub("", text)
