"""Ablations in a report: what was combined, what each factor did, and what the paper's own path makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from reports.ablation.analysis import MEANING, Kind, Of
from reports.ablation.labels import CORRECTED, estimate, letter, lettered, letters, named, records, spelled, titled
from reports.ablation.order_effects import audited
from reports.ablation.results import AblationResults
from reports.comparison import PAIRED
from reports.document.blocks import Block, Bullets, Cell, Grid, Heading, Words
from reports.statistics import mean_interval
from reports.suite.warnings import alarms
from reports.suite_table.symbols import number

MOST = 64  # combinations shown
DOT = "●"


def of_ablation(taken: AblationResults, every: Sequence[Of]) -> list[Block]:
    """An ablation's pages; its figures are drawn by ``reports.ablation.figures``."""
    told = taken.ablation
    made: list[Block] = [
        Heading(2, f"{told.row.name} against {told.against.name}: {taken.setup.facts['profile']} profile"),
        Words(facts(taken, every), "muted"),
        factors(taken),
    ]
    if told_of := warnings(taken):
        made.append(Bullets(tuple(told_of), "Alarms", "bad"))
    if missing := [f"{titled(each.metric)}: {each.reason}" for each in every if each.reason]:
        made.append(Bullets(tuple(missing), "Left out", "warning"))
    known = [each for each in every if not each.reason]
    made.append(combined(taken, known))
    if known:
        made += [*effects(taken, known), *audited(taken, known)]
    return made


def warnings(taken: AblationResults) -> list[str]:
    """What should make a reader stop before reading the figures."""
    made = alarms(taken.setup, taken.ablation.rows)
    for name in PAIRED:
        found = sorted({seed.about.get(name, "") for row in taken.trained.values() for seed in row.done})
        if len(found) > 1:
            made.append(f"not paired exactly: the combinations were trained with {name} {' and '.join(found)}")
    for on, row in taken.trained.items():
        failed = [str(seed.seed) for seed in row.seeds if not seed.done]
        if failed:
            made.append(f"{taken.ablation.name(on)}: seed {', '.join(failed)} failed, and is left out of all")
    if taken.setup.stale:
        stale = (name.rpartition("/")[2] for name in sorted(taken.setup.stale))
        made.append(f"trained before an edit or by older code and left out: {', '.join(stale)}")
    return made


def facts(taken: AblationResults, every: Sequence[Of]) -> str:
    told, known = taken.ablation, taken.setup.facts
    seeds = {each.scores.seeds for each in every if each.scores}
    held = [f"{name} {'on' if on else 'off'}" for name, on in told.fixed.items()]
    parts = {
        "rows": f"{told.suite.slug}/{told.row.name} against {told.other.slug}/{told.against.name}",
        "design": designed(taken),
        "seeds in all combinations": " to ".join(sorted({str(len(each)) for each in seeds})),
        "split": told.row.split,
        "held": ", ".join(held),
        "data": f"{known['data_source']}, fingerprint {known['data']}",
        "encoder": known["encoder"],
        "variant": known["variant"].strip("[]"),
    }
    return "; ".join(f"{name}: {value}" for name, value in parts.items() if value)


def designed(taken: AblationResults) -> str:
    """The design in words."""
    design, count = taken.design, len(taken.ablation.names)
    kind = {"full": "full factorial", "fraction": "regular fraction", "some": "some of the combinations"}
    told = f"{kind.get(design.kind, design.kind)}, {len(taken.trained)} of {2**count} combinations trained"
    return told + (f", {len(taken.filled)} more are the same training" if taken.filled else "")


def factors(taken: AblationResults) -> Grid:
    told = taken.ablation
    body = tuple((Cell(letter(taken, factor.name)), Cell(factor.name), Cell(factor.says)) for factor in told.factors)
    order = "in the paper's order" if told.path else "by what they change: the one row does not stand on the other"
    return Grid(
        name=f"{taken.name}-factors",
        caption=f"The factors, {order}",
        head=((Cell(""), Cell("factor"), Cell("what it is")),),
        body=body,
        widths=(0.3, 1.8, 4.5),
        left=(0, 1, 2),
        notes=tuple(ruled_out(taken)),
    )


def ruled_out(taken: AblationResults) -> list[str]:
    """Combinations that are no training of their own, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for on, why in taken.ablation.impossible.items():
        by_reason.setdefault(why, []).append(letters(taken, on))
    return [f"{', '.join(runs)} not trained: {why}" for why, runs in by_reason.items()]


def combined(taken: AblationResults, every: Sequence[Of]) -> Grid:
    """The combinations and their scores."""
    names = taken.ablation.names
    shown = taken.runs[:MOST]
    metrics = [each for each in every if each.scores]
    body = tuple(
        (
            *(Cell(DOT if name in on else "") for name in names),
            Cell(named(taken, on), tone="muted"),
            *(score(each, on) for each in metrics),
        )
        for on in shown
    )
    notes = ["mean ±half the 95% interval over seeds"]
    notes += (
        [f"{MOST} of {len(taken.runs)} combinations; the table's data has all"] if len(shown) < len(taken.runs) else []
    )
    return Grid(
        name=f"{taken.name}-combinations",
        caption="The combinations",
        head=(
            (
                *(Cell(letter(taken, name)) for name in names),
                Cell("the row"),
                *(Cell(titled(e.metric)) for e in metrics),
            ),
        ),
        body=body,
        widths=(*(0.25 for _ in names), 1.8, *(1.1 for _ in metrics)),
        left=tuple(range(len(names) + 1)),
        notes=tuple(notes),
        records=tuple(
            {
                **{name: name in on for name in names},
                "row": taken.ablation.registry_rows.get(on, ""),
                "metric": each.metric,
                "seed": seed,
                "value": value,
                **taken.setup.facts,
            }
            for each in metrics
            if each.scores
            for on, values in zip(each.scores.runs, each.scores.by_seed.tolist(), strict=True)
            for seed, value in zip(each.scores.seeds, values, strict=True)
        ),
    )


def score(of: Of, on: frozenset[str]) -> Cell:
    assert of.scores is not None
    values = of.scores.by_seed[of.scores.runs.index(on)].tolist()
    mean, half = mean_interval(values)
    return Cell(number(mean) + (f" ±{number(half)}" if half is not None else ""), value=mean)


def effects(taken: AblationResults, every: Sequence[Of]) -> list[Block]:
    """Main effects, interactions and Shapley values."""
    names = taken.ablation.names
    made: list[Block] = [mains(taken, every)]
    pairs = [pair for pair in combinations(names, 2) if any(each.get("interaction", *pair) for each in every)]
    if pairs:
        aliased = [line for line in spelled(taken) if ":" in line.partition(" ")[0] and " " in line]
        lines = [(f"{lettered(taken, one)} : {lettered(taken, other)}", (one, other)) for one, other in pairs]
        notes = [f"not told apart, the sum of: {'; '.join(aliased)}"] if aliased else []
        made.append(grid(taken, every, "interaction", "Two-way interactions", lines, notes))
    if any(each.orders for each in every):
        made.append(shapley(taken, every))
    return made


def mains(taken: AblationResults, every: Sequence[Of]) -> Grid:
    lines = [(lettered(taken, name), (name,)) for name in taken.ablation.names]
    aliased = [line for line in spelled(taken) if ":" not in line.partition(" ")[0] and " " in line]
    notes = [f"not told apart, the sum of: {'; '.join(aliased)} (an interaction by half)"] if aliased else []
    if all(len(effect) < 2 for effect in taken.design.model()) and len(taken.ablation.names) > 1:
        notes.append("interactions are taken to be nothing: too few combinations were trained to see them")
    return grid(taken, every, "main", "Main effects", lines, notes)


def shapley(taken: AblationResults, every: Sequence[Of]) -> Grid:
    lines: list[tuple[str, tuple[str, ...]]] = [(lettered(taken, name), (name,)) for name in taken.ablation.names]
    share = min(each.orders for each in every if each.orders)
    notes = ["they sum to all factors on minus none"]
    notes += (
        [f"averaged over {share:.0%} of all orders: the others meet combinations that were not run"]
        if share < 1
        else []
    )
    made = grid(taken, every, "shapley", "Shapley values", lines, notes)
    total = (Cell("all minus none", strong=True), *(estimate(each.get("total")) for each in every))
    return Grid(
        name=made.name,
        caption=made.caption,
        head=made.head,
        body=(*made.body, total),
        widths=made.widths,
        notes=made.notes,
        records=(*made.records, *records(taken, every, ("total",))),
    )


def grid(
    taken: AblationResults,
    every: Sequence[Of],
    kind: Kind,
    caption: str,
    lines: Sequence[tuple[str, tuple[str, ...]]],
    notes: Sequence[str] = (),
) -> Grid:
    """A line a term, a column a metric."""
    return Grid(
        name=f"{taken.name}-{kind}",
        caption=f"{caption}: {MEANING[kind]}",
        head=(
            (Cell("factor" if kind != "interaction" else "factors"), *(Cell(titled(each.metric)) for each in every)),
        ),
        body=tuple((Cell(label), *(estimate(each.get(kind, *term)) for each in every)) for label, term in lines),
        widths=(1.9, *(1.5 for _ in every)),
        notes=("difference [95% interval over seeds and items]", CORRECTED, *notes),
        records=records(taken, every, (kind,)),
    )
