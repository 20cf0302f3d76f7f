"""Reads ablations from a tracking store or a results folder, for reports."""

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


def read_ablations(evidence: ResultsSource, only: str | None = None) -> list[AblationResults]:
    """Ablations with any runs (in one set-up), by name; those whose rows the registry no longer has are left out.
    ``InputError`` where they cannot be read."""
    results = []
    for name in evidence.ablations():
        try:
            declared = ablation(name)
        except RegistryError:
            continue
        setups = evidence.setups(ablation_rows(declared.slug), only)
        results += [AblationResults(declared, setup) for setup in setups]
    return results


def ablation_in_home(ablation: Ablation, setup: Setup, home: Path) -> AblationResults:
    """The results of every combination that the results folder's cells have."""
    rows = plan(ablation_rows(ablation.slug), setup)
    return AblationResults(ablation, measured_setup(rows, setup_tags(setup), read_index(home)))
