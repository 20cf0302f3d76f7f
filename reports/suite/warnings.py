"""What should make a reader stop before reading a suite's figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.suite import Suite
from reports.comparison import PAIRED
from reports.results import Runs, SetUp
from reports.suite.effects import base_slug

INERT = 1e-3  # of the loss's gradient


def alarms(setup: SetUp, suite: Suite) -> list[str]:
    """Each one sentence; none is good."""
    rows = [each for each in setup.suite(suite).values() if each.done]
    by_text: dict[str, list[str]] = {}
    for name, text in [*not_replayed(setup, suite, rows), *inert(rows), *collapsed(rows)]:
        by_text.setdefault(text, []).append(name)
    grouped = [f"{', '.join(names)}: {text}" for text, names in by_text.items()]
    return [*same_answers(rows), *grouped]


def same_answers(rows: Sequence[Runs]) -> Iterator[str]:
    """Rows whose different trainings answered alike on every item and seed that both have."""
    for at, one in enumerate(rows):
        for other in rows[:at]:
            if one.row.split != other.row.split:
                continue
            ours, theirs = one.prints(), other.prints()
            both = sorted(set(ours) & set(theirs))
            cells = {seed.seed: seed.cell for seed in one.done}, {seed.seed: seed.cell for seed in other.done}
            apart = [seed for seed in both if cells[0][seed] != cells[1][seed]]
            if apart and all(ours[seed] == theirs[seed] for seed in apart):
                yield (
                    f"{one.row.name} answers every item exactly as {other.row.name} ({count_seeds(len(apart))}): "
                    "what differs between them did nothing"
                )


def inert(rows: Sequence[Runs]) -> Iterator[tuple[str, str]]:
    """(row, what): penalties whose gradient is next to nothing beside the loss's."""
    for each in rows:
        shares: dict[str, float] = {}
        for seed in each.done:
            for name, value in seed.health.items():
                signal, _, task = name.partition("/")
                if signal.endswith("_gradient"):
                    penalty = f"{signal.removesuffix('_gradient')} on {task}"
                    shares[penalty] = max(shares.get(penalty, 0.0), value)
        small = {name: share for name, share in shares.items() if share < INERT}
        if small:
            largest = max(small.values())
            share = f"at most {largest:.0e}" if largest else "0"
            yield each.row.name, f"inert: {', '.join(small)}, {share} of the loss's gradient"


def collapsed(rows: Sequence[Runs]) -> Iterator[tuple[str, str]]:
    """(row, what): networks that give one answer for everything."""
    for each in rows:
        by_alarm: dict[str, list[int]] = {}
        for seed in each.done:
            if "alarm" in seed.about:
                by_alarm.setdefault(seed.about["alarm"], []).append(seed.seed)
        for alarm, seeds in by_alarm.items():
            yield each.row.name, f"{alarm} ({count_seeds(len(seeds))} of {len(each.done)})"


def not_replayed(setup: SetUp, suite: Suite, rows: Sequence[Runs]) -> Iterator[tuple[str, str]]:
    """(row, what): rows that were not trained like the row they stand on."""
    for each in rows:
        base = setup.rows.get(base_slug(suite, each.row) or "")
        if base is None or not base.done:
            continue
        ours, theirs = ({seed.seed: seed for seed in row.done} for row in (each, base))
        both = sorted(set(ours) & set(theirs))
        if not both:
            yield each.row.name, f"no seed in common with {base.row.name}, so nothing is paired"
        for name in PAIRED:
            apart = [seed for seed in both if ours[seed].about.get(name) != theirs[seed].about.get(name)]
            if apart:
                one, other = ours[apart[0]].about.get(name, "not known"), theirs[apart[0]].about.get(name, "not known")
                yield each.row.name, f"not paired exactly with the row it stands on: {name} {one} against {other}"
        tasks = {task for seed in both for task in {*ours[seed].data} & {*theirs[seed].data}}
        mixed = sorted(task for task in tasks if each.data(task) != base.data(task))
        if mixed:
            yield each.row.name, f"other data than the row it stands on: {', '.join(mixed)}"


def count_seeds(seeds: int) -> str:
    return "1 seed" if seeds == 1 else f"{seeds} seeds"
