"""Factors that can be on or off, and the recipes of their combinations."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter

from experiments.suite import Change, RegistryError
from model.combiners.sum import Sum
from model.declaration import SettingError
from model.heads.identity import Direct
from model.interfaces import History, Sizes
from model.recipe import Branch, Recipe

MOST_FACTORS = 12  # factors whose every combination is looked at: 4,096 recipes


@dataclasses.dataclass(frozen=True)
class Factor:
    """Changes that are on or off together, and their ``positions`` in the order in which the paper made all changes."""

    name: str
    says: str
    changes: tuple[Change, ...]
    positions: tuple[int, ...]


def combine(base: Recipe, factors: Sequence[Factor], on: frozenset[str]) -> Recipe:
    """``base`` with the factors that are on, their changes in the paper's order whichever factor they belong to.
    ``SettingError`` where no recipe can be so, ``RegistryError`` for a factor that there is not."""
    if strange := on - {factor.name for factor in factors}:
        choice = ", ".join(factor.name for factor in factors) or "none"
        raise RegistryError(f"there is no factor {', '.join(sorted(strange))}; the factors are: {choice}")
    ordered = [pair for each in factors if each.name in on for pair in zip(each.positions, each.changes, strict=True)]
    for _, change in sorted(ordered, key=itemgetter(0)):
        base = change.apply(base)
    return base


def combinations(factors: Sequence[Factor]) -> Iterator[frozenset[str]]:
    """Every combination, fewest factors first. ``SettingError`` above ``MOST_FACTORS`` factors."""
    if len(factors) > MOST_FACTORS:
        raise SettingError(
            f"{len(factors)} factors have too many combinations; compare rows that {MOST_FACTORS} or fewer part"
        )
    for size in range(len(factors) + 1):
        for some in itertools.combinations([factor.name for factor in factors], size):
            yield frozenset(some)


def impossible(
    base: Recipe, factors: Sequence[Factor], always: frozenset[str] = frozenset()
) -> dict[frozenset[str], str]:
    """The combinations that are no training of their own, and why: no recipe or network can be so, or it would be
    trained as a combination of fewer factors is (see ``repeats``). The factors ``always`` on are in none of them."""
    order = [factor.name for factor in factors]
    trained = _all_recipes(base, factors, always)
    same = {
        on: f"it trains what {' + '.join(sorted(less, key=order.index)) or 'no factor'} trains"
        for on, less in _find_repeats(trained).items()
    }
    faults = {on: why for on, why in trained.items() if isinstance(why, str)}
    return {on: (faults | same)[on] for on in trained if on in faults or on in same}


def repeats(
    base: Recipe, factors: Sequence[Factor], always: frozenset[str] = frozenset()
) -> dict[frozenset[str], frozenset[str]]:
    """Combinations that would be trained to the same bits as one with fewer factors, and that one: a combiner that
    never has two tasks to combine, a penalty that is always 0. An analysis may take the figures from there."""
    return _find_repeats(_all_recipes(base, factors, always))


def effective_recipe(recipe: Recipe) -> Recipe:
    """The recipe without what computes nothing in it. Recipes that are equal then are trained to the same bits."""
    tasks = recipe.schedule.tasks()
    planned = list(recipe.schedule.epoch(0, Sizes(rows=dict.fromkeys(tasks, 2), batch=1), History()))
    shared = recipe.trainable == "all" and any(len(step.tasks) > 1 for step in planned)
    adds_steps = list(recipe.combiner.steps(iter(planned), tasks)) != planned
    return dataclasses.replace(
        recipe,
        combiner=recipe.combiner if shared or adds_steps else Sum(),
        regularizers=tuple(
            part
            for part in recipe.regularizers
            if part.weight and not getattr(part, "is_no_op", False) and any(map(part.applies, tasks))
        ),
        encoder_dropout_when_frozen=recipe.trainable == "all" or recipe.encoder_dropout_when_frozen,
    )


def _all_recipes(base: Recipe, factors: Sequence[Factor], always: frozenset[str]) -> dict[frozenset[str], Recipe | str]:
    varied = [factor for factor in factors if factor.name not in always]
    return {on: _recipe_or_fault(base, factors, on | always) for on in combinations(varied)}


def _recipe_or_fault(base: Recipe, factors: Sequence[Factor], on: frozenset[str]) -> Recipe | str:
    """What the combination trains, or why it cannot be trained."""
    try:
        recipe = combine(base, factors, on)
    except SettingError as error:
        return str(error)
    return next((fault for branch in recipe.branches if (fault := _head_fault(branch))), effective_recipe(recipe))


def _find_repeats(trained: Mapping[frozenset[str], Recipe | str]) -> dict[frozenset[str], frozenset[str]]:
    first: dict[Recipe, frozenset[str]] = {}
    recipes = {on: recipe for on, recipe in trained.items() if isinstance(recipe, Recipe)}
    earlier = {on: first.setdefault(recipe, on) for on, recipe in recipes.items()}
    return {on: less for on, less in earlier.items() if less != on}


def _head_fault(branch: Branch) -> str:
    """What the network would say of a head that does not fit its features, or nothing."""
    width, outputs = branch.pairing.width(768), branch.objective.outputs(branch.task)
    if isinstance(branch.head, Direct) and width != outputs:
        return f"{branch.key}'s direct head needs {outputs} feature(s) but its pairing gives {width}"
    if branch.head.reads_states and branch.pairing.sentences == 2 and not branch.pairing.joint:
        return f"{branch.key}'s {branch.head.slug} head needs both sentences in one row of tokens"
    return ""
