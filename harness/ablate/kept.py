"""Ablations as a tracking store or a home holds them, for reports."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.ablation import PAPER, Ablation
from experiments.variant import RegistryError
from harness.campaign import tags
from harness.catalogue import ablation, combined
from harness.measured import measured
from harness.plan import Setup, ledger, plan
from harness.store import Store
from harness.stored import asked, setups
from reports.ablation.evidence import Taken


def ablations(store: Store, only: str | None = None) -> list[Taken]:
    """All that the store holds (of one set-up), by name; those whose rows the registry no longer has are left out.
    ``InputError`` where it cannot be read."""
    found = []
    for name in tables(store):
        try:
            told = ablation(name)
        except RegistryError:
            continue
        found += [Taken(told, each) for each in setups(store, combined(told.slug), only)]
    return found


def tables(store: Store) -> Sequence[str]:
    """The names of the ablations that have an experiment."""
    with asked(store):
        held = store.client.search_experiments(filter_string=f"name LIKE '{PAPER}/%'")
        return sorted(each.name.removeprefix(f"{PAPER}/") for each in held)


def at_home(told: Ablation, setup: Setup, store: Store) -> Taken:
    """What the home's cells say, of every combination that has been trained."""
    rows = plan(combined(told.slug), setup)
    return Taken(told, measured(rows, tags(setup), ledger(store.home)))
