"""What an ablation's tables have in common: names of factors and metrics, and estimates in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_uppercase
from typing import Any

from experiments.factorial_designs import Run, with_letters
from model.task import of_metric
from reports.ablation.analysis import Found, Key, Of
from reports.ablation.results import AblationResults
from reports.document.blocks import Cell, Tone
from reports.suite_table.symbols import p_text, signed

MEASURE = {"accuracy": "accuracy", "pearson": "Pearson r"}
CORRECTED = "small print: p after Holm over this table; bold: p < .05"


def titled(metric: str) -> str:
    """``SST-5 accuracy``."""
    task = of_metric(metric)
    return f"{task.short} {MEASURE[task.metric]}" if task else metric.replace("_", " ")


def letter(taken: AblationResults, name: str) -> str:
    """The factor's, as in textbooks: A, B, C ..."""
    return ascii_uppercase[taken.ablation.names.index(name)]


def lettered(taken: AblationResults, name: str) -> str:
    return f"{letter(taken, name)} {name}"


def letters(taken: AblationResults, on: Iterable[str]) -> str:
    """The factors of a combination, or of an effect, in order: ``A+C``."""
    wanted = set(on)
    return "+".join(letter(taken, name) for name in taken.ablation.names if name in wanted) or "none"


def spelled(taken: AblationResults) -> list[str]:
    """What the design's estimates hold, by letters: ``A``, or ``A + B:C``."""
    return [with_letters(taken.ablation.names, line) for line in taken.design.aliases()]


def interval(found: Found) -> str:
    ends = found.ends
    return signed(found.mean) + (f" [{signed(ends[0])}, {signed(ends[1])}]" if ends else "")


def estimate(found: Found | None, below: str = "") -> Cell:
    """The estimate with its interval, p in small print."""
    if found is None:
        return Cell("·", below=below, tone="muted")
    tone: Tone = "" if not found.supported else "good" if found.mean > 0 else "bad"
    small = found.reason or (f"p {p_text(found.p)}" if found.p is not None else "one seed")
    return Cell(
        interval(found),
        below="; ".join(filter(None, (small, below))),
        strong=found.supported,
        tone=tone,
        value=found.mean,
    )


def records(taken: AblationResults, every: Sequence[Of], kinds: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """The estimates of these kinds as data, unrounded."""
    return tuple(
        record(taken, each, key, found) for each in every for key, found in each.found.items() if key[0] in kinds
    )


def record(taken: AblationResults, of: Of, key: Key, found: Found) -> dict[str, Any]:
    kind, term = key
    low, high = found.ends or (None, None)
    return {
        "ablation": taken.ablation.slug,
        "metric": of.metric,
        "kind": kind,
        "factors": ":".join(term),
        "estimate": found.mean,
        "low": low,
        "high": high,
        "p": found.estimate.p if found.estimate else None,
        "p_holm": found.p,
        "seeds": found.seeds,
        "items": " ".join(f"{task}:{count}" for task, count in of.scores.items.items()) if of.scores else "",
        **taken.setup.facts,
    }


def named(taken: AblationResults, on: Run) -> str:
    """The registry's row that a combination is, without its suite; else nothing."""
    return taken.ablation.registry_rows.get(on, "").rpartition("/")[2]
