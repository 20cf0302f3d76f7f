"""What else differs between rows that the paper compares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from experiments.statements import UndescribedChange
from experiments.suite import Row, Suite, axes_changed
from reports.audit.finding import Finding, Kind
from reports.audit.rounding import figures, find, short


def axes(suite: Suite, one: Row, other: Row | None, home: Suite | None = None) -> tuple[str, ...]:
    """The axes on which a row differs from another (of the suite ``home``, if that is another one) or from its suite's
    base, split and selection among them; and what the paper changed without describing it."""
    home = home or suite
    recipe = home.recipe(other) if other else suite.base
    changed = list(axes_changed(recipe, suite.recipe(one)))
    if other and other.split != one.split:
        changed.append("split")
    if suite.selection_of(one) != (home.selection_of(other) if other else suite.selection):
        changed.append("selection")
    own, others = undescribed(suite, one), undescribed(home, other) if other else ()
    return (*changed, *(says for says in own if says not in others), *(says for says in others if says not in own))


def undescribed(suite: Suite, row: Row) -> tuple[str, ...]:
    """What came with the row, or with one that it stands on."""
    own = tuple(said.says for said in suite.statements if isinstance(said, UndescribedChange) and said.row == row.name)
    return own + (undescribed(suite, suite.row(row.on)) if row.on else ())


def several(suite: Suite) -> Iterator[Finding]:
    """Rows of the paper that differ from the row they stand on in more than one axis, or in the amount of data."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for row in suite.rows:
        base = suite.row(row.on) if row.on else None
        if base is None or row.origin == "ours" or not _comparable(suite, row, base):
            continue
        changed = tuple(axis for axis in axes(suite, row, base) if axis not in undescribed(suite, row))
        if len(changed) > 1 or "data" in changed:
            groups.setdefault(changed, []).append(row.name)
    if groups:
        text = "steps that change several axes or the data size: " + _grouped(
            {" + ".join(changed): names for changed, names in groups.items()}
        )
        yield _finding(suite, "axes", text, [name for names in groups.values() for name in names])


def sizes(suite: Suite) -> Iterator[Finding]:
    """Rows trained on other amounts of data than most. Only tasks that a row trains on count."""
    amounts = {row.name: _amounts(suite, row) for row in suite.rows if row.origin == "paper"}
    groups: dict[str, list[str]] = {}
    for task in sorted({task for by_task in amounts.values() for task in by_task}):
        usual, _ = Counter(by_task[task] for by_task in amounts.values() if task in by_task).most_common(1)[0]
        for name, by_task in amounts.items():
            if by_task.get(task, usual) != usual:
                groups.setdefault(f"{_rows(by_task[task])} of {task} instead of {_rows(usual)}", []).append(name)
    if groups:
        text = f"data sizes differ between rows: {_grouped(groups)}"
        yield _finding(suite, "data", text, dict.fromkeys(name for names in groups.values() for name in names))


def across_splits(suite: Suite) -> Iterator[Finding]:
    """Printed differences that subtract a score on one split from one on another."""
    for base in suite.rows:
        rows = [row for row in suite.rows if row.delta_from == base.name and row.split != base.split]
        if rows and any(row.printed_deltas for row in rows):
            listed = ", ".join(row.name for row in rows)
            text = f"printed differences subtract {base.name} on {base.split} from scores on {rows[0].split}: {listed}"
            yield _finding(suite, "split", text, [*(row.name for row in rows), base.name])


def repeats(suite: Suite) -> Iterator[Finding]:
    """Tasks that two trainings leave alone and on which they score the same to the last digit, which a fine-tuned
    encoder would not."""
    groups: dict[str, list[str]] = {}
    recipes = {row.name: suite.recipe(row) for row in suite.rows if row.printed}
    for one, other in combinations((row for row in suite.rows if row.printed), 2):
        first, second = recipes[one.name], recipes[other.name]
        if one.split != other.split or first == second or "heads" in (first.trainable, second.trainable):
            continue
        trained = {*first.schedule.tasks(), *second.schedule.tasks()}
        old, new = figures(one.printed), figures(other.printed)
        if not trained:
            continue
        for metric in old:
            if metric in new and metric != "overall" and short(metric) not in trained and old[metric] == new[metric]:
                names = groups.setdefault(f"{short(metric)} {old[metric].displayed}", [])
                names += [row.name for row in (one, other) if row.name not in names]
    if groups:
        text = f"scores of tasks not trained on repeat to the last digit, as with a frozen encoder: {_grouped(groups)}"
        rows = dict.fromkeys(name for names in groups.values() for name in names)
        yield Finding(suite=suite.slug, about="", kind="repeat", severity="note", sentence=text, rows=tuple(rows))


def undescribed_changes(suite: Suite, said: UndescribedChange) -> Iterator[Finding]:
    text = f"{said.says} came with it and is not described ({said.source})"
    yield Finding(suite=suite.slug, about=said.row, kind="axes", severity="confounded", sentence=text, rows=(said.row,))


def also(suite: Suite, one: str, other: str) -> tuple[str, ...]:
    """The axes on which two rows differ, if these are several; none for two scores of one training."""
    home, row = find(suite, one)
    there, base = find(suite, other)
    differing = axes(home, row, base, there)
    return differing if len(differing) > 1 and home.recipe(row) != there.recipe(base) else ()


def _comparable(suite: Suite, row: Row, base: Row) -> bool:
    """Whether the two rows have a task in common."""
    one, other = suite.recipe(row), suite.recipe(base)
    return bool({branch.key for branch in one.branches} & {branch.key for branch in other.branches})


def _amounts(suite: Suite, row: Row) -> dict[str, int | None]:
    recipe = suite.recipe(row)
    return {task: recipe.branch(task).rows for task in recipe.schedule.tasks()}


def _rows(amount: int | None) -> str:
    return "all" if amount is None else f"{amount:,}"


def _grouped(groups: Mapping[str, Iterable[str]]) -> str:
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in groups.items())


def _finding(suite: Suite, kind: Kind, sentence: str, rows: Iterable[str]) -> Finding:
    return Finding(suite=suite.slug, about="", kind=kind, severity="confounded", sentence=sentence, rows=tuple(rows))
