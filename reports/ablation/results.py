"""What a tracking store holds of one ablation in one set-up: the scores of its combinations, paired."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from experiments.ablation import Ablation
from experiments.factorial_designs import Design, Run, recognise_design
from reports.results import Mismatch, Runs, SetUp, blocks
from reports.statistics.attribution import Array


@dataclasses.dataclass(frozen=True)
class AblationResults:
    """An ablation as far as it was trained in one set-up."""

    ablation: Ablation
    setup: SetUp

    @property
    def name(self) -> str:
        """Of its files."""
        table = self.ablation.table.replace("..", "-to-")
        letters = "".join(c if c.isalnum() else "-" for c in table)
        return f"ablation-{letters}-{self.setup.facts['profile']}-{self.setup.name[:6]}"

    @cached_property
    def trained(self) -> Mapping[Run, Runs]:
        """The combinations with a finished seed, fewest factors first."""
        rows = {
            frozenset(name for name, on in each.row.levels.items() if on): each
            for each in self.setup.suite(self.ablation.rows).values()
            if each.done
        }
        return dict(sorted(rows.items(), key=lambda pair: self.place(pair[0])))

    @cached_property
    def filled(self) -> Mapping[Run, Run]:
        """The combinations that train what a trained one does, to the same bits, and that one."""
        return {on: less for on, less in self.ablation.repeats.items() if less in self.trained}

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Trained and filled."""
        return tuple(sorted([*self.trained, *self.filled], key=self.place))

    def place(self, on: Run) -> tuple[int, list[int]]:
        """What combinations are sorted by: the number of factors, then which."""
        return len(on), [at for at, name in enumerate(self.ablation.names) if name in on]

    def row(self, on: Run) -> Runs:
        """What was trained of a combination."""
        return self.trained[self.filled.get(on, on)]

    @cached_property
    def design(self) -> Design:
        """The design that the combinations come to, filled ones too where there are no others but impossible ones."""
        design = recognise_design(self.ablation.names, self.trained, self.ablation.impossible)
        if design.kind == "full":
            return recognise_design(self.ablation.names, self.runs, set(self.ablation.impossible) - set(self.filled))
        return design


@dataclasses.dataclass(frozen=True)
class Scores:
    """One metric of all ``runs`` of an ablation, on the seeds that all of them have. ``blocks`` are [runs, seeds,
    items] a task, none for a metric without items; ``by_seed`` is the metric itself, [runs, seeds]."""

    metric: str
    runs: tuple[Run, ...]
    seeds: tuple[int, ...]
    blocks: tuple[Array, ...]
    weights: tuple[float, ...]
    by_seed: Array
    items: Mapping[str, int]

    @property
    def means(self) -> Array:
        means: Array = self.by_seed.mean(axis=1)
        return means

    def levels(self, names: Sequence[str]) -> Array:
        """The runs as rows of 0 and 1, [runs, factors]."""
        return np.array([[name in run for name in names] for run in self.runs], dtype=np.float64)


def scores(results: AblationResults, metric: str) -> Scores | str:
    """The metric of every run, or why it cannot be set side by side."""
    rows = {on: results.row(on) for on in results.runs}
    if not rows:
        return "no combination has a finished seed"
    values = {on: row.values(metric) for on, row in rows.items()}
    without = [results.ablation.name(on) for on, by_seed in values.items() if not by_seed]
    if without:
        return f"{without[0]} has no {metric}"
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in values.values())))
    try:
        parts = {task: tuple(items(rows, task)) for task, _ in blocks(results.ablation.suite.formula, metric)}
    except Mismatch as error:
        return str(error)
    for by_seed in parts.values():
        seeds = [seed for seed in seeds if all(seed in item_seeds for item_seeds, _ in by_seed)]
    if not seeds:
        return f"no seed has {metric} in all combinations"
    item_blocks = tuple(
        np.stack([each[[item_seeds.index(seed) for seed in seeds]] for item_seeds, each in by_seed])
        for by_seed in parts.values()
    )
    return Scores(
        metric=metric,
        runs=tuple(rows),
        seeds=tuple(seeds),
        blocks=item_blocks,
        weights=tuple(weight for _, weight in blocks(results.ablation.suite.formula, metric)),
        by_seed=np.array([[values[on][seed] for seed in seeds] for on in rows]),
        items={task: block.shape[2] for task, block in zip(parts, item_blocks, strict=True)},
    )


def items(rows: Mapping[Run, Runs], task: str) -> list[tuple[tuple[int, ...], Array]]:
    """Each run's seeds and [seeds, items]. ``Mismatch`` where runs did not score the same items."""
    row_items = [(row, row.items(task)) for row in rows.values()]
    first, reference = row_items[0]
    pairs = []
    for row, each in row_items:
        if each is None or reference is None:
            raise Mismatch(f"{row.slug} has kept no answers of {task}")
        if (
            each.names != reference.names
            or not np.array_equal(each.labels, reference.labels)
            or row.data(task) != first.data(task)
        ):
            raise Mismatch(f"{row.slug} and {first.slug} did not score the same {task} items")
        pairs.append((each.seeds, each.values))
    return pairs
