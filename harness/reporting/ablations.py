"""Ablations as a tracking store or a home holds them, for reports."""

from __future__ import annotations

from pathlib import Path

from experiments.ablation import Ablation
from experiments.suite import RegistryError
from harness.planning.cell_index import read_index
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.planning.setup_tags import setup_tags
from harness.registry.selectors import ablation, ablation_rows
from harness.tracking.from_cells import measured_setup
from harness.tracking.results_source import ResultsSource
from reports.ablation.results import AblationResults


def ablations(evidence: ResultsSource, only: str | None = None) -> list[AblationResults]:
    """All of which something was run (in one set-up), by name; those whose rows the registry no longer has are left
    out. ``InputError`` where it cannot be read."""
    found = []
    for name in evidence.ablations():
        try:
            told = ablation(name)
        except RegistryError:
            continue
        found += [AblationResults(told, each) for each in evidence.setups(ablation_rows(told.slug), only)]
    return found


def at_home(told: Ablation, setup: Setup, home: Path) -> AblationResults:
    """What the home's cells say, of every combination that has been trained."""
    rows = plan(ablation_rows(told.slug), setup)
    return AblationResults(told, measured_setup(rows, setup_tags(setup), read_index(home)))
