"""What is computed of one suite in one set-up, for its pages and its figures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Container, Mapping, Sequence
from typing import Any

from experiments.suite import Split, Suite
from model.task import TASKS
from reports.results import Runs, SetUp, frame
from reports.suite.effects import Agreement, Cost, Effect, agreement, best, costs, effects, metrics
from reports.suite.warnings import alarms
from reports.suite_table.baselines import Reference, reference_lines
from reports.suite_table.build import build
from reports.suite_table.model import Header, Table


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
    rows = setup.suite(suite)
    splits = dict.fromkeys(row.split for row in shown)
    tops = [(best(setup, suite, metric, split), metric) for metric in metrics(suite) for split in splits]
    return Section(
        setup=setup,
        suite=suite,
        table=build_table(setup, suite, names, header(setup, suite, caveat), references(setup, suite)),
        effects=tuple(effects(setup, suite)),
        agreements=tuple(tau for metric in metrics(suite) if (tau := agreement(setup, suite, metric)) is not None),
        costs=tuple(costs(list(rows.values()))),
        alarms=tuple(alarms(setup, suite)),
        best=frozenset((row, metric) for row, metric in tops if row is not None),
    )


def build_table(
    setup: SetUp,
    suite: Suite,
    names: Container[str],
    header: Header,
    references: Sequence[Reference],
    states: Mapping[tuple[str, str], str] | None = None,
) -> Table:
    """The table of these rows. ``states`` are known of rows without results, by suite and row."""
    stale = {(suite.slug, row.name): "stale" for row in suite.rows if f"{suite.slug}/{row.name}" in setup.stale}
    results = frame(list(setup.suite(suite).values()))
    return build(suite, results, stale | dict(states or {}), references, header, names)


def header(setup: SetUp, suite: Suite, caveat: str) -> Header:
    rows = setup.suite(suite).values()
    used = {branch.key: branch.task for each in rows for branch in suite.recipe(each.row).branches}
    own = [task for task in used.values() if task.file]
    all_own = len(own) == len(used) > 0
    facts = setup.facts
    files = [task.file.name for task in own if task.file]
    prints = sorted({fingerprint for task in own for each in rows for fingerprint in each.data(task.name)})
    return Header(
        profile=facts["profile"],
        caveat=caveat,
        data=" + ".join(files if all_own else [facts["data_source"], *files]),
        fingerprint=" + ".join(prints if all_own else [facts["data"], *prints]),
        encoder=facts["encoder"],
        seeds=tuple(sorted({seed.seed for each in rows for seed in each.seeds})),
        variant=facts["variant"].strip("[]"),
        duplicates={task: count for task, count in setup.duplicates.items() if task in used},
        notes=(*(() if all_own else setup.notes), *training_warnings(list(rows)), *left_out(setup, suite)),
    )


def training_warnings(rows: Sequence[Runs]) -> list[str]:
    """What the trainings of the rows warned of, each once, with the rows it holds for."""
    by_text: dict[str, dict[str, None]] = {}
    for row in rows:
        for seed in row.done:
            for text in (*json.loads(seed.about.get("warnings", "[]")), *json.loads(seed.about.get("fresh", "[]"))):
                by_text.setdefault(text, {})[row.row.name] = None
    return [f"{', '.join(names)}: {text}" for text, names in by_text.items()]


def left_out(setup: SetUp, suite: Suite) -> list[str]:
    """Which trainings of the suite's rows are not in its figures, and why."""
    texts = []
    for row in suite.rows:
        by_fault: dict[str, list[int]] = {}
        for seed, fault in setup.left_out.get(f"{suite.slug}/{row.name}", {}).items():
            by_fault.setdefault(fault, []).append(seed)
        for fault, seeds in by_fault.items():
            numbers = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
            texts.append(f"{row.name}: {numbers} left out, {fault}")
    return texts


def references(setup: SetUp, suite: Suite) -> list[Reference]:
    """From the labels that the runs kept with their answers."""
    labels_by_split: dict[Split, dict[str, Any]] = {}
    for each in setup.suite(suite).values():
        for task in TASKS:
            if (
                task not in labels_by_split.setdefault(each.row.split, {})
                and (items := each.items_or_none(task)) is not None
            ):
                labels_by_split[each.row.split][task] = items.labels
    lines: list[Reference] = []
    for split, labels in labels_by_split.items():
        lines += reference_lines(labels, split)
    return lines
