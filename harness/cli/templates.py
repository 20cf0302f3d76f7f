"""Templates of ``harness new``: NAME is the file's, SLUG the same with hyphens, CLASS as a class is named."""

PAPER = '''"""SLUG: what the paper asks, and where its numbers stand."""

from __future__ import annotations

from experiments import Suite, beats, changes, claim, row, scores
from model import SST, STS, Branch, Cosine, CrossEntropy, Direct, Linear, Mse, Recipe, Sequential

# What all rows share. Fields that are left out have the values that `harness show FILE:base` prints.
BASE = Recipe(
    branches=(
        Branch(task=SST, head=Linear(), objective=CrossEntropy()),
        Branch(task=STS, pairing=Cosine(), head=Direct(), objective=Mse()),
    ),
    schedule=Sequential(order=("sst", "sts")),
)
ROWS = (
    row("base", "as it is", None, printed=scores(sst=0.5)),  # printed figures, if there are any
    row("frozen", "encoder frozen", "base", changes.FROZEN),  # stands on base and changes one thing
)
CLAIMS = (claim("tuning-helps", "Fine-tuning helps.", "section 1", beats("base", "frozen", "sst_accuracy")),)
SUITES = (
    Suite(
        paper="SLUG",
        table="table1",
        title="SLUG",
        source="Table 1",
        base=BASE,
        columns=("sst_accuracy", "sts_pearson"),
        formula="normalised",
        rows=ROWS,
        claims=CLAIMS,
    ),
)
'''

PAPER_TEST = '''"""Every row of SLUG is a recipe of its own, and every claim names rows that exist."""

from __future__ import annotations

import sys
from pathlib import Path

import harness  # noqa: F401  (first: it says so if a file here has the name of one of its packages)

sys.path.append(str(Path(__file__).parent))
from NAME import SUITES


def test_rows_differ_from_those_they_stand_on() -> None:
    for suite in SUITES:
        for row in suite.rows:
            assert row.on is None or suite.recipe(row) != suite.recipe(suite.row(row.on)), row.name


def test_claims_name_rows() -> None:
    for suite in SUITES:
        for claim in suite.claims:
            for contrast in claim.contrasts:
                assert suite.row(contrast.better) is not suite.row(contrast.worse)
'''

TECHNIQUE = '''"""CLASS: what it does, in a line."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from model import Forward, Regularizer

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True, kw_only=True)
class CLASS(Regularizer):
    """weight times the mean of (scale x logits) squared (paper, equation). A task's loss has it added."""

    slug: ClassVar[str] = "NAME"  # its name in settings, as in --set NAME.scale=2
    scale: float = 1.0

    def penalty(self, forward: Forward) -> Tensor | None:
        """A number that gradients flow through; None where there is nothing to add, so that the bits stay."""
        if not self.applies(forward.task.name) or self.weight == 0:
            return None
        return (self.scale * forward.logits).square().mean()
'''

TECHNIQUE_TEST = '''"""CLASS: a value computed by hand, and that weight 0 and other tasks are left alone."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import harness  # noqa: F401  (first: it says so if a file here has the name of one of its packages)
import torch

sys.path.append(str(Path(__file__).parent))
from NAME import CLASS


def forward(*logits: float) -> Any:
    """As much of a task's forward pass as the penalty reads."""
    return SimpleNamespace(task=SimpleNamespace(name="sst"), logits=torch.tensor(logits))


def test_the_penalty_is_what_the_equation_says() -> None:
    penalty = CLASS(scale=2.0).penalty(forward(1.0, 3.0))
    assert penalty is not None and penalty.item() == 20.0  # (4 + 36) / 2


def test_without_weight_or_on_another_task_there_is_none() -> None:
    assert CLASS(weight=0.0).penalty(forward(1.0)) is None
    assert CLASS(tasks=("sts",)).penalty(forward(1.0)) is None
'''
