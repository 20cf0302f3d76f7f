"""What to train: suites, rows, changes and claims of papers, as data.

What a file of one's own needs stands here: ``from experiments import Suite, row``. Files of this package import from
each other, never from here.
"""

from experiments import changes
from experiments.dsl import beats, claim, control, controls, row, scores
from experiments.search_space import Trial
from experiments.shared import HEAD_DROPOUT, LEARNING_RATE, TASK_WEIGHTS, WEIGHT_DECAY, Shared
from experiments.statements import ConstantAnswer, GatheredLine, StatedFigure, Statement, UndescribedChange
from experiments.study import Start, Study
from experiments.suite import Change, Claim, Contrast, Mark, RegistryError, Row, Suite


def find_suite(slug: str) -> Suite:
    """A built-in table by its slug, such as ``bertram/table1``. ``RegistryError`` if there is none."""
    from experiments.papers import SUITES

    for suite in SUITES:
        if suite.slug == slug:
            return suite
    raise RegistryError(f"there is no suite {slug!r}; choose from {', '.join(suite.slug for suite in SUITES)}")


__all__ = [
    "HEAD_DROPOUT",
    "LEARNING_RATE",
    "TASK_WEIGHTS",
    "WEIGHT_DECAY",
    "Change",
    "Claim",
    "ConstantAnswer",
    "Contrast",
    "GatheredLine",
    "Mark",
    "RegistryError",
    "Row",
    "Shared",
    "Start",
    "StatedFigure",
    "Statement",
    "Study",
    "Suite",
    "Trial",
    "UndescribedChange",
    "beats",
    "changes",
    "claim",
    "control",
    "controls",
    "find_suite",
    "row",
    "scores",
]
