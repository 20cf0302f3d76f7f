"""The short name of a figure: the same in a report's cells and in ``harness explain``."""

from __future__ import annotations

from collections.abc import Sequence

from model.digest import digest
from reports.results import Runs, Seed


def figure_id(setup: str, row: Runs, metric: str) -> str:
    """Six hex digits of what is behind a row's figure: set-up, row, metric and the trainings."""
    return digest([setup, row.slug, metric, behind(row.done)], 6)


def behind(seeds: Sequence[Seed]) -> list[tuple[int, str, str]]:
    """Each seed's cell and what its training left there."""
    return [(each.seed, each.cell, each.content) for each in seeds]
