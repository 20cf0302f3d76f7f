"""What an ablation's tables have in common: names of factors and metrics, and estimates in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_uppercase
from typing import Any

from experiments.factorial_designs import Run, with_letters
from model.task import of_metric
from reports.ablation.analysis import ContrastEstimate, Key, MetricAnalysis
from reports.ablation.results import AblationResults
from reports.document.blocks import Cell, Tone
from reports.number_format import format_difference, format_p, format_signed

MEASURE = {"accuracy": "accuracy", "pearson": "Pearson r"}
CORRECTED = "small print: p after Holm over this table; bold: p < .05"


def metric_title(metric: str) -> str:
    """``SST-5 accuracy``."""
    task = of_metric(metric)
    return f"{task.short} {MEASURE[task.metric]}" if task else metric.replace("_", " ")


def factor_letter(results: AblationResults, name: str) -> str:
    """The factor's, as in textbooks: A, B, C ..."""
    return ascii_uppercase[results.ablation.names.index(name)]


def factor_label(results: AblationResults, name: str) -> str:
    return f"{factor_letter(results, name)} {name}"


def factor_letters(results: AblationResults, on: Iterable[str]) -> str:
    """The factors of a combination, or of an effect, in order: ``A+C``."""
    wanted = set(on)
    return "+".join(factor_letter(results, name) for name in results.ablation.names if name in wanted) or "none"


def alias_lines(results: AblationResults) -> list[str]:
    """What the design's estimates hold, by letters: ``A``, or ``A + B:C``."""
    return [with_letters(results.ablation.names, line) for line in results.design.aliases()]


def format_interval(contrast: ContrastEstimate) -> str:
    return format_difference(contrast.mean, *contrast.ends) if contrast.ends else format_signed(contrast.mean)


def estimate_cell(contrast: ContrastEstimate | None, below: str = "") -> Cell:
    """The estimate with its interval, p in small print."""
    if contrast is None:
        return Cell("·", below=below, tone="muted")
    tone: Tone = "" if not contrast.supported else "good" if contrast.mean > 0 else "bad"
    small = contrast.reason or (f"p {format_p(contrast.p)}" if contrast.p is not None else "one seed")
    return Cell(
        format_interval(contrast),
        below="; ".join(filter(None, (small, below))),
        strong=contrast.supported,
        tone=tone,
        value=contrast.mean,
    )


def records(
    results: AblationResults, analyses: Sequence[MetricAnalysis], kinds: Sequence[str]
) -> tuple[dict[str, Any], ...]:
    """The estimates of these kinds as data, unrounded."""
    return tuple(
        record(results, each, key, contrast)
        for each in analyses
        for key, contrast in each.estimates.items()
        if key[0] in kinds
    )


def record(results: AblationResults, analysis: MetricAnalysis, key: Key, contrast: ContrastEstimate) -> dict[str, Any]:
    kind, term = key
    low, high = contrast.ends or (None, None)
    return {
        "ablation": results.ablation.slug,
        "metric": analysis.metric,
        "kind": kind,
        "factors": ":".join(term),
        "estimate": contrast.mean,
        "low": low,
        "high": high,
        "p": contrast.estimate.p if contrast.estimate else None,
        "p_holm": contrast.p,
        "seeds": contrast.seeds,
        "items": " ".join(f"{task}:{count}" for task, count in analysis.scores.items.items())
        if analysis.scores
        else "",
        **results.setup.facts,
    }


def row_name(results: AblationResults, on: Run) -> str:
    """The registry's row that a combination is, without its suite; else nothing."""
    return results.ablation.registry_rows.get(on, "").rpartition("/")[2]
