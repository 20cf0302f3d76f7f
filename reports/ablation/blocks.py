"""Ablations in a report: what was combined, what each factor did, and what the paper's own path makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from reports.ablation.analysis import MEANING, Kind, MetricAnalysis
from reports.ablation.labels import (
    CORRECTED,
    alias_lines,
    estimate_cell,
    factor_label,
    factor_letter,
    factor_letters,
    metric_title,
    records,
    row_name,
)
from reports.ablation.order_effects import order_blocks
from reports.ablation.results import AblationResults
from reports.comparison import PAIRED
from reports.document.blocks import Block, Bullets, Cell, Grid, Heading, Words
from reports.number_format import format_number
from reports.statistics import mean_interval
from reports.suite.warnings import alarms

MOST = 64  # combinations shown
DOT = "●"


def ablation_blocks(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> list[Block]:
    """An ablation's pages; its figures are drawn by ``reports.ablation.figures``."""
    ablation = results.ablation
    blocks: list[Block] = [
        Heading(2, f"{ablation.row.name} against {ablation.against.name}: {results.setup.facts['profile']} profile"),
        Words(facts(results, analyses), "muted"),
        factors_grid(results),
    ]
    if alarm_texts := warnings(results):
        blocks.append(Bullets(tuple(alarm_texts), "Alarms", "bad"))
    if missing := [f"{metric_title(each.metric)}: {each.reason}" for each in analyses if each.reason]:
        blocks.append(Bullets(tuple(missing), "Left out", "warning"))
    scored = [each for each in analyses if not each.reason]
    blocks.append(combinations_grid(results, scored))
    if scored:
        blocks += [*effects(results, scored), *order_blocks(results, scored)]
    return blocks


def warnings(results: AblationResults) -> list[str]:
    """What should make a reader stop before reading the figures."""
    texts = alarms(results.setup, results.ablation.rows)
    for name in PAIRED:
        settings = sorted({seed.about.get(name, "") for row in results.trained.values() for seed in row.done})
        if len(settings) > 1:
            texts.append(f"not paired exactly: the combinations were trained with {name} {' and '.join(settings)}")
    for on, row in results.trained.items():
        failed = [str(seed.seed) for seed in row.seeds if not seed.done]
        if failed:
            texts.append(f"{results.ablation.name(on)}: seed {', '.join(failed)} failed, and is left out of all")
    if results.setup.stale:
        stale = (name.rpartition("/")[2] for name in sorted(results.setup.stale))
        texts.append(f"trained before an edit or by older code and left out: {', '.join(stale)}")
    return texts


def facts(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> str:
    ablation, setup_facts = results.ablation, results.setup.facts
    seeds = {each.scores.seeds for each in analyses if each.scores}
    fixed = [f"{name} {'on' if on else 'off'}" for name, on in ablation.fixed.items()]
    parts = {
        "rows": f"{ablation.suite.slug}/{ablation.row.name} against {ablation.other.slug}/{ablation.against.name}",
        "design": describe_design(results),
        "seeds in all combinations": " to ".join(sorted({str(len(each)) for each in seeds})),
        "split": ablation.row.split,
        "held": ", ".join(fixed),
        "data": f"{setup_facts['data_source']}, fingerprint {setup_facts['data']}",
        "encoder": setup_facts["encoder"],
        "variant": setup_facts["variant"].strip("[]"),
    }
    return "; ".join(f"{name}: {value}" for name, value in parts.items() if value)


def describe_design(results: AblationResults) -> str:
    """The design in words."""
    design, count = results.design, len(results.ablation.names)
    kind = {"full": "full factorial", "fraction": "regular fraction", "some": "some of the combinations"}
    text = f"{kind.get(design.kind, design.kind)}, {len(results.trained)} of {2**count} combinations trained"
    return text + (f", {len(results.filled)} more are the same training" if results.filled else "")


def factors_grid(results: AblationResults) -> Grid:
    ablation = results.ablation
    body = tuple(
        (Cell(factor_letter(results, factor.name)), Cell(factor.name), Cell(factor.says)) for factor in ablation.factors
    )
    order = "in the paper's order" if ablation.path else "by what they change: the one row does not stand on the other"
    return Grid(
        name=f"{results.name}-factors",
        caption=f"The factors, {order}",
        head=((Cell(""), Cell("factor"), Cell("what it is")),),
        body=body,
        widths=(0.3, 1.8, 4.5),
        left=(0, 1, 2),
        notes=tuple(ruled_out(results)),
    )


def ruled_out(results: AblationResults) -> list[str]:
    """Combinations that are no training of their own, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for on, why in results.ablation.impossible.items():
        by_reason.setdefault(why, []).append(factor_letters(results, on))
    return [f"{', '.join(runs)} not trained: {why}" for why, runs in by_reason.items()]


def combinations_grid(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> Grid:
    """The combinations and their scores."""
    names = results.ablation.names
    shown = results.runs[:MOST]
    metrics = [each for each in analyses if each.scores]
    body = tuple(
        (
            *(Cell(DOT if name in on else "") for name in names),
            Cell(row_name(results, on), tone="muted"),
            *(score_cell(each, on) for each in metrics),
        )
        for on in shown
    )
    notes = ["mean ±half the 95% interval over seeds"]
    notes += (
        [f"{MOST} of {len(results.runs)} combinations; the table's data has all"]
        if len(shown) < len(results.runs)
        else []
    )
    return Grid(
        name=f"{results.name}-combinations",
        caption="The combinations",
        head=(
            (
                *(Cell(factor_letter(results, name)) for name in names),
                Cell("the row"),
                *(Cell(metric_title(e.metric)) for e in metrics),
            ),
        ),
        body=body,
        widths=(*(0.25 for _ in names), 1.8, *(1.1 for _ in metrics)),
        left=tuple(range(len(names) + 1)),
        notes=tuple(notes),
        records=tuple(
            {
                **{name: name in on for name in names},
                "row": results.ablation.registry_rows.get(on, ""),
                "metric": each.metric,
                "seed": seed,
                "value": value,
                **results.setup.facts,
            }
            for each in metrics
            if each.scores
            for on, values in zip(each.scores.runs, each.scores.by_seed.tolist(), strict=True)
            for seed, value in zip(each.scores.seeds, values, strict=True)
        ),
    )


def score_cell(analysis: MetricAnalysis, on: frozenset[str]) -> Cell:
    assert analysis.scores is not None
    values = analysis.scores.by_seed[analysis.scores.runs.index(on)].tolist()
    mean, half = mean_interval(values)
    return Cell(format_number(mean) + (f" ±{format_number(half)}" if half is not None else ""), value=mean)


def effects(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> list[Block]:
    """Main effects, interactions and Shapley values."""
    names = results.ablation.names
    blocks: list[Block] = [main_effects_grid(results, analyses)]
    pairs = [pair for pair in combinations(names, 2) if any(each.get("interaction", *pair) for each in analyses)]
    if pairs:
        aliased = [line for line in alias_lines(results) if ":" in line.partition(" ")[0] and " " in line]
        lines = [
            (f"{factor_label(results, one)} : {factor_label(results, other)}", (one, other)) for one, other in pairs
        ]
        notes = [f"not told apart, the sum of: {'; '.join(aliased)}"] if aliased else []
        blocks.append(grid(results, analyses, "interaction", "Two-way interactions", lines, notes))
    if any(each.orders for each in analyses):
        blocks.append(shapley_grid(results, analyses))
    return blocks


def main_effects_grid(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> Grid:
    lines = [(factor_label(results, name), (name,)) for name in results.ablation.names]
    aliased = [line for line in alias_lines(results) if ":" not in line.partition(" ")[0] and " " in line]
    notes = [f"not told apart, the sum of: {'; '.join(aliased)} (an interaction by half)"] if aliased else []
    if all(len(effect) < 2 for effect in results.design.model()) and len(results.ablation.names) > 1:
        notes.append("interactions are taken to be nothing: too few combinations were trained to see them")
    return grid(results, analyses, "main", "Main effects", lines, notes)


def shapley_grid(results: AblationResults, analyses: Sequence[MetricAnalysis]) -> Grid:
    lines: list[tuple[str, tuple[str, ...]]] = [
        (factor_label(results, name), (name,)) for name in results.ablation.names
    ]
    share = min(each.orders for each in analyses if each.orders)
    notes = ["they sum to all factors on minus none"]
    notes += (
        [f"averaged over {share:.0%} of all orders: the others meet combinations that were not run"]
        if share < 1
        else []
    )
    table = grid(results, analyses, "shapley", "Shapley values", lines, notes)
    total = (Cell("all minus none", strong=True), *(estimate_cell(each.get("total")) for each in analyses))
    return Grid(
        name=table.name,
        caption=table.caption,
        head=table.head,
        body=(*table.body, total),
        widths=table.widths,
        notes=table.notes,
        records=(*table.records, *records(results, analyses, ("total",))),
    )


def grid(
    results: AblationResults,
    analyses: Sequence[MetricAnalysis],
    kind: Kind,
    caption: str,
    lines: Sequence[tuple[str, tuple[str, ...]]],
    notes: Sequence[str] = (),
) -> Grid:
    """A line a term, a column a metric."""
    return Grid(
        name=f"{results.name}-{kind}",
        caption=f"{caption}: {MEANING[kind]}",
        head=(
            (
                Cell("factor" if kind != "interaction" else "factors"),
                *(Cell(metric_title(each.metric)) for each in analyses),
            ),
        ),
        body=tuple(
            (Cell(label), *(estimate_cell(each.get(kind, *term)) for each in analyses)) for label, term in lines
        ),
        widths=(1.9, *(1.5 for _ in analyses)),
        notes=("difference [95% interval over seeds and items]", CORRECTED, *notes),
        records=records(results, analyses, (kind,)),
    )
