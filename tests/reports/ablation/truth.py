"""Ablations whose truth is known: every combination's answers drawn about chosen effects."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, permutations

import numpy as np
from scipy.special import ndtri

from experiments.ablation import Ablation
from experiments.factorial_designs import Effect, Run, possible
from experiments.papers import SUITES
from experiments.suite import Change, overall
from model.metrics import score
from model.task import TASKS
from reports.ablation.analysis import Key, Kind
from reports.ablation.results import AblationResults
from reports.results import Items, Runs, SetUp, per_item
from tests.reports.results_data import Floats, Kept, example_seed, measured, right, setup

BY_SLUG = {suite.slug: suite for suite in SUITES}
TABLE, CONTROLS = BY_SLUG["bertram/table1"], BY_SLUG["bertram/controls"]
Values = Mapping[Run, float]  # of each combination, the metric where there are endless seeds and items
Answers = Mapping[str, Floats]  # by task, [seeds, items]
METRICS = ("sst_accuracy", "quora_accuracy", "sts_pearson", "overall")


def ablation(
    row: str = "11-mse",
    against: str = "04-all-three",
    added: Sequence[Change] = (),
    fixed: Mapping[str, bool] | None = None,
) -> Ablation:
    """Of two of bertram's rows; four factors unless told otherwise."""
    one, other = TABLE.row(row), TABLE.row(against)
    return Ablation(suite=TABLE, row=one, other=TABLE, against=other, added=tuple(added), fixed=fixed or {})


FOUR = ablation()
NAMES = FOUR.names


def values(names: Sequence[str], effects: Mapping[Effect, float], mean: float = 0.6) -> Values:
    """``mean + sum effect_f x_f + sum effect_fg x_f x_g + ...`` with x 1/2 where a factor is on, else -1/2."""
    return {
        run: mean + sum(size * math.prod(0.5 if name in run else -0.5 for name in of) for of, size in effects.items())
        for run in possible(names)
    }


def truths(names: Sequence[str], of: Values) -> dict[Key, float]:
    """What each kind of figure is of these values, by walking every pair of combinations and every order."""
    every, none = frozenset(names), frozenset[str]()
    sizes: dict[Key, float] = {("total", ()): of[every] - of[none]}

    def step(name: str, before: Run) -> float:
        return of[before | {name}] - of[before - {name}]

    def mean(kind: Kind, term: Effect, steps: Iterable[float]) -> None:
        sizes[kind, term] = statistics.fmean(steps)

    for at, name in enumerate(names):
        mean("main", (name,), (step(name, run) for run in of if name in run))
        mean("alone", (name,), [step(name, none)])
        mean("last", (name,), [step(name, every)])
        mean("stated", (name,), [step(name, frozenset(names[:at]))])
        mean("shapley", (name,), (step(name, frozenset(o[: o.index(name)])) for o in permutations(names)))
        sizes["flattery", (name,)] = sizes["stated", (name,)] - sizes["shapley", (name,)]
    for one, other in combinations(names, 2):
        both = (step(one, run) - step(one, run - {other}) for run in of if {one, other} <= run)
        mean("interaction", (one, other), both)
    return sizes


def drawn(
    random: np.random.Generator, truth: Mapping[str, Values], seeds: int = 6, items: Sequence[int] = (160, 200, 120)
) -> tuple[dict[Run, Answers], Answers]:
    """Of each combination, answers by task [seeds, items]; and labels by task [items]. ``truth`` is by task."""
    counts = dict(zip(("sst", "quora", "sts"), items, strict=True))
    runs, luck = list(truth["sst"]), random.normal(0, 1, (1, seeds, 1))
    by_task: dict[str, Floats] = {}
    labels: dict[str, Floats] = {}
    for task, count in counts.items():
        wanted = np.array([truth[task][run] for run in runs])[:, None, None]
        make = correlated if task == "sts" else binary
        by_task[task], labels[task] = make(random, wanted, luck, count)
    return {run: {task: rows[at] for task, rows in by_task.items()} for at, run in enumerate(runs)}, labels


def noise(random: np.random.Generator, runs: int, seeds: int, count: int, luck: Floats) -> tuple[Floats, float]:
    """[runs, seeds, items] and its variance: of seed, item and both, shared by the combinations and each one's own."""
    total: Floats = 0.2 * luck
    variance = 0.04
    for shape, size in (
        ((1, 1, count), 0.5),
        ((1, seeds, count), 0.3),
        ((runs, seeds, 1), 0.005),
        ((runs, 1, count), 0.1),
        ((runs, seeds, count), 0.4),
    ):
        total = total + random.normal(0, math.sqrt(size), shape)
        variance += size
    return total, variance


def binary(random: np.random.Generator, wanted: Floats, luck: Floats, count: int) -> tuple[Floats, Floats]:
    """Right where a hidden normal value is above 0, as it is in this share of all seeds and items."""
    labels = random.integers(0, 2, count).astype(float)
    hidden, variance = noise(random, len(wanted), luck.shape[1], count, luck)
    return right(labels, (hidden + math.sqrt(variance) * ndtri(wanted) > 0).astype(float)), labels


def correlated(random: np.random.Generator, wanted: Floats, luck: Floats, count: int) -> tuple[Floats, Floats]:
    """Normal pairs whose r is the wanted one plus the seed's luck, the combinations' and each one's own."""
    labels = random.normal(0, 1, count)
    r = wanted + 0.02 * luck + random.normal(0, 0.015, (len(wanted), luck.shape[1], 1))
    other, variance = noise(random, len(wanted), luck.shape[1], count, np.zeros_like(luck))
    return r * labels + np.sqrt((1 - r**2) / (variance - 0.04)) * other, labels


def kept(of: Ablation, answers: Mapping[Run, Answers], labels: Answers, reader: Kept | None = None) -> SetUp:
    """As a tracking store would give it: tables of answers, read when asked for."""
    reader, rows = reader or Kept(), []
    for run, by_task in answers.items():
        seeds = range(len(next(iter(by_task.values()))))
        by_seed = {seed: {task: (by_task[task][seed], labels[task]) for task in by_task} for seed in seeds}
        row = measured(of.rows, of.rows.row(of.name(run)), by_seed, reader)
        row.seeds = [dataclasses.replace(seed, scores=with_overall(of, seed.scores)) for seed in row.seeds]
        rows.append(row)
    return setup(rows)


def quick(of: Ablation, answers: Mapping[Run, Answers], labels: Answers) -> SetUp:
    """The same without tables: the items' scores at once."""
    return setup([read(of, run, by_task, labels) for run, by_task in answers.items()])


def read(of: Ablation, run: Run, answers: Answers, labels: Answers) -> Runs:
    row, items, scores = of.rows.row(of.name(run)), {}, {}
    for task, by_seed in answers.items():
        count, gold = len(by_seed), labels[task]
        scored = [per_item(TASKS[task], each, gold) for each in by_seed]
        figures = np.stack([each for each in scored if each is not None])
        items[task] = Items(tuple(range(count)), tuple(f"{task}{at}" for at in range(len(gold))), gold, figures)
        scores[TASKS[task].metric_name] = [score(TASKS[task], each, gold) for each in by_seed]
    seeds = [
        example_seed(
            seed,
            f"{of.rows.slug}/{row.name}#{seed}",
            f"{row.name}-{seed}",
            with_overall(of, {metric: each[seed] for metric, each in scores.items()}),
            tuple(answers),
        )
        for seed in range(count)
    ]
    runs = Runs(of.rows, row, seeds, Kept())
    runs.__dict__["_read"] = (items, {})
    return runs


def with_overall(of: Ablation, scores: Mapping[str, float]) -> dict[str, float]:
    whole = overall(of.suite.formula, scores)
    defined = {name: value for name, value in scores.items() if not math.isnan(value)}
    return defined if whole is None or math.isnan(whole) else defined | {"overall": whole}


def exact(of: Ablation, wanted: Values, seeds: int = 2, items: int = 2000) -> SetUp:
    """SST alone, with just this accuracy in every seed: values must be whole numbers of items."""
    labels = {"sst": np.zeros(items)}
    answers: dict[Run, Answers] = {
        run: {"sst": np.tile(np.where(np.arange(items) < round(share * items), 0.0, 1.0), (seeds, 1))}
        for run, share in wanted.items()
    }
    return quick(of, answers, labels)


def only(of: SetUp, keep: Callable[[Runs], bool]) -> SetUp:
    return setup([row for row in of.rows.values() if keep(row)])


def on(row: Runs) -> Run:
    return frozenset(name for name, level in row.row.levels.items() if level)


def plain(of: Ablation, by_run: Mapping[Run, Sequence[float]]) -> AblationResults:
    """A metric ``figure`` that is known by seed alone."""
    rows = []
    for run, figures in by_run.items():
        row = of.rows.row(of.name(run))
        seeds = [example_seed(at, f"{row.name}{at}", "", {"figure": value}, ()) for at, value in enumerate(figures)]
        rows.append(Runs(of.rows, row, seeds, Kept()))
    return AblationResults(of, setup(rows))


def walks(names: Sequence[str], runs: Iterable[Run]) -> Iterator[tuple[str, ...]]:
    """The orders of adding the factors that meet no combination but these."""
    available = set(runs)
    for order in permutations(names):
        if all(frozenset(order[:size]) in available for size in range(len(order) + 1)):
            yield order
