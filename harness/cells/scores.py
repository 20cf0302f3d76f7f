"""A suite's overall beside the scores it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.suite import Formula, overall


def with_overall(formula: Formula, scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """Scores plus the overall by this formula, where all its parts exist."""
    existing = {name: score for name, score in scores.items() if score is not None}
    total = overall(formula, existing)
    return dict(scores) | ({} if total is None else {"overall": total})


def comparable(formula: Formula, dev: Sequence[Mapping[str, float | None]]) -> list[dict[str, float]]:
    """Dev scores of each epoch as a selection reads them: with overall, NaN where there is none."""
    return [
        {name: float("nan") if score is None else score for name, score in with_overall(formula, scores).items()}
        for scores in dev
    ]
