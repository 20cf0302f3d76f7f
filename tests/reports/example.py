"""A small suite with made-up figures that meets every kind of cell."""

from __future__ import annotations

import math
from typing import Any

import pandas

from experiments.suite import Change, Row, Suite
from model.combiners.pcgrad import PcGrad
from model.objectives.bce import BceWithLogits
from model.objectives.cross_entropy import CrossEntropy
from model.pairing.separate import Difference
from model.recipe import Branch, Recipe
from model.schedules.sequential import Sequential
from model.schedules.single_task import Alone
from model.task import QUORA, SST, STS
from reports.suite_table.baselines import Reference, reference_lines
from reports.suite_table.build import Header, Table, build

METRICS = ("sst_accuracy", "quora_accuracy", "sts_pearson")
BASE = Recipe(
    branches=(
        Branch(task=SST, objective=CrossEntropy()),
        Branch(task=QUORA, pairing=Difference(), objective=BceWithLogits(), rows=8000),
        Branch(task=STS, pairing=Difference(), objective=BceWithLogits()),
    ),
    schedule=Sequential(),
)
ALONE = Change("sst-only", "trains SST alone", (("schedule", Alone()),))
SURGERY = Change("pcgrad", "projects conflicting gradients", (("combiner", PcGrad()),))
MORE = Change("9000", "takes 9,000 Quora rows", (("quora.rows", 9000),))


def printed(*figures: float) -> dict[str, float]:
    return dict(zip((*METRICS, "overall"), figures, strict=False))


SUITE = Suite(
    paper="made",
    table="up",
    title="A Paper That Nobody Wrote",
    source="",
    base=BASE,
    columns=METRICS,
    formula="normalised",
    rows=(
        Row(name="04-all-three", title="three tasks in turn", printed=printed(0.469, 0.526, 0.534, 0.587)),
        Row(name="02-sst-only", title="SST alone", changes=(ALONE,), printed=printed(0.316, 0.376, -0.019)),
        Row(name="08-pcgrad", title="PCGrad, 9,000 rows", changes=(SURGERY, MORE), printed=printed(0.498)),
        Row(name="09-in-words", title="what the paper tells", changes=(SURGERY,), printed_words="modest"),
        Row(name="10-running", title="still at it", printed=printed(0.5)),
        Row(name="11-idle", title="nobody asked", printed=printed(0.5), printed_words="above .3; the best"),
        Row(name="12-unwritten", title="no code yet", printed=printed(0.5)),
        Row(name="13-broken", title="fell over", printed=printed(0.5)),
        Row(name="14-too-big", title="needs another set-up", printed=printed(0.5)),
        Row(name="15-old", title="from older code", printed=printed(0.5)),
        Row(
            name="16-test",
            title="04 on test",
            on="04-all-three",
            split="test",
            printed=printed(0.5, 0.517, 0.555, 0.598),
        ),
        Row(name="one-seed", title="a control", changes=(SURGERY,), origin="ours"),
    ),
)
STATES = {
    ("made/up", "12-unwritten"): "not built",
    ("made/up", "14-too-big"): "unavailable: the demo has no such encoder",
    ("made/up", "15-old"): "stale",
}
HEADER = Header(
    profile="demo",
    caveat="shows the machinery; proves nothing about the papers",
    data="embedded",
    fingerprint="0123456789abcdef",
    encoder="tiny",
    seeds=(0, 1, 2),
    cells=36,
    duplicates={"sst": 2, "sts": 16},
)


def record(row: str, seed: int, metric: str | None, value: float | None, **more: Any) -> dict[str, Any]:
    return {
        "suite": "made/up",
        "row": row,
        "seed": seed,
        "cell": f"{row}-{seed}",
        "split": "dev",
        "metric": metric,
        "value": value,
        "epoch": 3,
        "status": "done",
        "reason": None,
    } | more


def records(row: str, *seeds: tuple[float, float, float], **more: Any) -> list[dict[str, Any]]:
    """Records of a row whose seeds scored (sst, quora, sts)."""
    return [
        record(row, seed, metric, value, **more)
        for seed, scores in enumerate(seeds)
        for metric, value in zip(METRICS, scores, strict=True)
    ]


def results() -> pandas.DataFrame:
    return pandas.DataFrame(
        [
            *records("04-all-three", (0.612, 0.701, 0.530), (0.598, 0.722, 0.551), (0.631, 0.709, 0.540)),
            *records("04-all-three", (0.7, 0.8, 0.6), split="train"),
            *records("02-sst-only", (0.520, 0.625, math.nan), (0.531, 0.625, math.nan), constant=True),
            record("02-sst-only", 2, None, None, status="failed", reason="out of memory"),
            *records("08-pcgrad", (0.601, 0.701, 0.530), (0.250, 0.722, math.nan), (0.201, 0.709, 0.540)),
            *records("09-in-words", (0.601, 0.701, 0.530), (0.611, 0.702, 0.530)),
            record("10-running", 0, None, None, status="running"),
            record("13-broken", 0, None, None, status="failed", reason="loss is not finite at step 12"),
            *records("one-seed", (0.601, 0.701, -0.120)),
        ]
    )


def references() -> list[Reference]:
    """Of ten labels a task."""
    return reference_lines({"sst": [0, 1, 2, 2, 3, 3, 3, 3, 4, 4], "quora": [0] * 6 + [1] * 4, "sts": [0.5, 4.0]})


def table() -> Table:
    return build(SUITE, results(), STATES, references(), HEADER)
