"""Explains one figure of a report: the runs, data and code behind it."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from typing import Any

from experiments.suite import row_slug
from harness.registry.selectors import find, select
from harness.reporting.report import require_setups
from harness.tracking.results_source import ResultsSource
from model.errors import InputError, shown
from reports.figure_ids import figure_id
from reports.number_format import format_number
from reports.results import Runs, Seed, SetUp
from reports.suite.effects import metrics

FIGURE_ID = re.compile(r"[0-9a-f]{6}")


def explain_figure(evidence: ResultsSource, figure: str) -> list[dict[str, Any]]:
    """One object a set-up that has the figure. ``InputError`` for one that does not exist."""
    row, colon, metric = figure.rpartition(":")
    if FIGURE_ID.fullmatch(figure):
        setups = require_setups(evidence, select(("*",)))
        rows = [(setup, row) for setup in setups for row in setup.rows.values()]
        candidates = [(setup, row, name) for setup, row in rows for name in metrics(row.suite)]
        matches = [each for each in candidates if figure_id(each[0].name, each[1], each[2]) == figure]
        if not matches:
            raise InputError(f"no figure of {evidence.name} is named {figure}; a report of another may have it")
        return [figure_record(*each) for each in matches]
    if not colon:
        raise InputError(
            f"{shown(figure, 80)} is no figure; give SUITE/ROW:METRIC or a name from a report's small print"
        )
    suite, _ = pair = find(row)
    if metric not in metrics(suite):
        raise InputError(f"{suite.slug} has no metric {shown(metric, 80)}; it has {', '.join(metrics(suite))}")
    name = row_slug(*pair)
    setups = [setup for setup in require_setups(evidence, [pair]) if name in setup.rows]
    if not setups:
        raise InputError(f"no run of {name} in {evidence.name}; harness run trains it")
    return [figure_record(setup, setup.rows[name], metric) for setup in setups]


def figure_record(setup: SetUp, row: Runs, metric: str) -> dict[str, Any]:
    values = row.values(metric)
    return {
        "figure": f"{row.slug}:{metric}",
        "name": figure_id(setup.name, row, metric),
        "setup": dict(setup.facts),
        "split": row.row.split,
        "mean": statistics.fmean(values.values()) if values else None,
        "printed": row.row.printed.get(metric),
        "seeds": [seed_record(row, seed, values.get(seed.seed)) for seed in row.seeds],
        "left_out": {str(seed): fault for seed, fault in setup.left_out.get(row.slug, {}).items()},
    }


def seed_record(row: Runs, seed: Seed, value: float | None) -> dict[str, Any]:
    about = seed.about
    return {
        "seed": seed.seed,
        "value": value,
        "status": "done" if seed.done else "failed",
        "reason": seed.reason,
        "epoch": seed.epoch,
        "run": seed.run,
        "cell": seed.cell,
        "recipe": about.get("digest", ""),
        "trained": about.get("trained", ""),
        "predictions": row.prints().get(seed.seed, ""),
        "data": dict(seed.data),
        "code": {name: about[name] for name in ("version", "revision", "dirty") if name in about},
        "machine": {name: about[name] for name in ("device", "threads", "torch") if name in about},
    }


def format_explanations(records: Sequence[dict[str, Any]]) -> str:
    """Explanations as text for a terminal."""
    lines = []
    for record in records:
        facts = record["setup"]
        mean = "no value" if record["mean"] is None else format_number(record["mean"])
        printed = "not printed" if record["printed"] is None else f"printed {format_number(record['printed'])}"
        lines += [
            f"{record['figure']} ({record['name']}): "
            f"{mean} over {len(record['seeds'])} seeds on {record['split']}, {printed}",
            f"  {facts['profile']}, {facts['data_source']}, encoder {facts['encoder']} {facts['variant']}".rstrip(),
        ]
        lines += [f"  seed {seed}: left out, {fault}" for seed, fault in record["left_out"].items()]
        for seed in record["seeds"]:
            value = seed["reason"] or "no value" if seed["value"] is None else format_number(seed["value"])
            code = seed["code"].get("revision", seed["code"].get("version", "?"))[:12]
            dirty = ", changed since" if seed["code"].get("dirty") == "true" else ""
            lines += [
                f"  seed {seed['seed']}: {value} after epoch {seed['epoch']}, {seed['trained']}",
                f"    run {seed['run']}  cell {seed['cell']}  recipe {seed['recipe']}",
                f"    answers {seed['predictions'] or 'not kept'}  data "
                + ", ".join(f"{task} {digest}" for task, digest in seed["data"].items()),
                f"    code {code}{dirty}  " + ", ".join(f"{name} {value}" for name, value in seed["machine"].items()),
            ]
    return "\n".join(lines)
