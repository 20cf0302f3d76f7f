"""One suite in one set-up as blocks: table, effects, agreement, cost, alarms."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Sequence
from typing import Any

from experiments.variant import Split, Suite
from model.task import TASKS
from reports.alarms import alarms
from reports.blocks import Block, Bullets, Cell, Grid, Heading, Tone, Words
from reports.effects import Agreement, Cost, Effect, agreement, best, costs, effects, metrics
from reports.evidence import SetUp, frame
from reports.ids import figure_id
from reports.marks import SIGNS, number, score
from reports.reference_lines import Reference, reference_lines
from reports.shape import Header, Line, Table
from reports.table import build
from reports.words import count, label, legend, ours, printed, reference_label

BEST = "★"


@dataclasses.dataclass(frozen=True)
class Section:
    """What is computed of a suite, for its blocks and its figures."""

    setup: SetUp
    suite: Suite
    table: Table
    effects: tuple[Effect, ...]
    agreements: tuple[Agreement, ...]
    costs: tuple[Cost, ...]
    alarms: tuple[str, ...]
    best: frozenset[tuple[str, str]]  # (row, metric)

    @property
    def name(self) -> str:
        """Of its files."""
        return f"{self.suite.slug.replace('/', '-')}-{self.setup.facts['profile']}-{self.setup.name[:6]}"


def section(setup: SetUp, suite: Suite, names: Container[str], caveat: str) -> Section:
    """Of these rows of the suite."""
    shown = [row for row in suite.rows if row.name in names]
    setup = dataclasses.replace(
        setup, rows={slug: row for slug, row in setup.rows.items() if row.suite.slug != suite.slug or row.row in shown}
    )
    held = setup.suite(suite)
    results = frame(list(held.values()))
    splits = dict.fromkeys(row.split for row in shown)
    tops = [(best(setup, suite, metric, split), metric) for metric in metrics(suite) for split in splits]
    return Section(
        setup=setup,
        suite=suite,
        table=build(suite, results, {}, references(setup, suite), header(setup, suite, caveat), names),
        effects=tuple(effects(setup, suite)),
        agreements=tuple(found for metric in metrics(suite) if (found := agreement(setup, suite, metric)) is not None),
        costs=tuple(costs(list(held.values()))),
        alarms=tuple(alarms(setup, suite)),
        best=frozenset((row, metric) for row, metric in tops if row is not None),
    )


def header(setup: SetUp, suite: Suite, caveat: str) -> Header:
    held = setup.suite(suite).values()
    used = {branch.key for each in held for branch in suite.recipe(each.row).branches}
    facts = setup.facts
    return Header(
        profile=facts["profile"],
        caveat=caveat,
        data=facts["data_source"],
        fingerprint=facts["data"],
        encoder=facts["encoder"],
        seeds=tuple(sorted({seed.seed for each in held for seed in each.seeds})),
        variant=facts["variant"].strip("[]"),
        duplicates={task: count for task, count in setup.duplicates.items() if task in used},
        notes=tuple(setup.notes),
    )


def references(setup: SetUp, suite: Suite) -> list[Reference]:
    """From the labels that the runs kept with their answers."""
    found: dict[Split, dict[str, Any]] = {}
    for each in setup.suite(suite).values():
        for task in TASKS:
            if task not in found.setdefault(each.row.split, {}) and (items := each.items_or_none(task)) is not None:
                found[each.row.split][task] = items.labels
    lines: list[Reference] = []
    for split, labels in found.items():
        lines += reference_lines(labels, split)
    return lines


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


def scores(told: Section) -> Grid:
    """Printed beside ours."""
    table = told.table
    head = (
        (Cell(""), *(Cell(column.title, span=2) for column in table.columns), Cell("")),
        (Cell("row"), *(Cell(text) for _ in table.columns for text in ("printed", "ours")), Cell("n")),
    )
    body = [row_cells(told, line) for line in table.lines]
    body += [reference_cells(table, line) for line in table.references]
    notes = [f"{sign} {meaning}" for sign, meaning in legend(table)]
    if told.best:
        notes.append(f"{BEST} higher than every other row of its split (paired, p < .05 after Holm)")
    notes.append("small print: the figure's name in harness explain")
    return Grid(
        name=f"{told.name}-scores",
        caption="Printed and ours: means over seeds and the half-width of their 95% intervals",
        head=head,
        body=tuple(body),
        widths=(3.4, *(width for _ in table.columns for width in (1.0, 2.0)), 0.5),
        notes=tuple(notes),
    )


def row_cells(told: Section, line: Line) -> tuple[Cell, ...]:
    held = told.setup.suite(told.suite).get(line.name)
    cells = [Cell(label(line), tone="muted" if line.state != "done" else "")]
    for column, entry in zip(told.table.columns, line.entries, strict=True):
        name = figure_id(told.setup.name, held, column.key) if held is not None and entry.mean is not None else ""
        top = (line.name, column.key) in told.best
        cells.append(Cell(printed(entry), value=entry.printed, tone="muted" if entry.printed is None else ""))
        cells.append(
            Cell(
                ours(entry) + (BEST if top else ""),
                below=name,
                strong=top,
                tone="muted" if entry.mean is None else "",
                value=entry.mean,
            )
        )
    return (*cells, Cell(count(line), value=line.n))


def reference_cells(table: Table, line: Reference) -> tuple[Cell, ...]:
    cells = [Cell(reference_label(line), tone="muted")]
    for column in table.columns:
        known = column.key in line.values
        cells += [Cell(""), Cell(score(line.values[column.key]) if known else "", tone="muted")]
    return (*cells, Cell(""))


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
        against = first.base.removeprefix(f"{told.suite.slug}/")
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
        ),
        records=tuple(record(told, effect) for effect in told.effects),
    )


def delta(effect: Effect) -> Cell:
    found = effect.found
    printed = "" if effect.printed is None else f"printed {signed(effect.printed)}"
    if found.estimate is None:
        return Cell("none", below="; ".join(filter(None, (short(found.reason), printed))), tone="muted")
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


def signed(value: float) -> str:
    text = number(value)
    return text if text.startswith("-") or text == ".000" else f"+{text}"


def p_text(p: float) -> str:
    return "<.001" if p < 0.001 else number(p)


def short(reason: str) -> str:
    return reason if len(reason) < 60 else f"{reason[:57]}..."
