"""A paper's claims, held against the figures that it prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from experiments.statements import UndescribedChange
from experiments.suite import Claim, Contrast, Row, Suite
from reports.audit.confounds import also
from reports.audit.finding import Finding, Kind, Severity
from reports.audit.rounding import Rounded, figures, find, format_score, overall, score, short

Outcome = Literal["agrees", "contradicts", "hidden by rounding"]


def bigger(suite: Suite, claim: Claim) -> str:
    """The step that outdoes the one that is said to be the biggest; empty if none does. Where several changes lie
    between two figures, the largest gave at least their mean. Of an overall score and what the formula makes of its
    row, the one that makes the other step smaller counts: the claim has the benefit of the doubt."""
    contrast = claim.contrasts[0]
    own = step(suite, suite.row(contrast.better), contrast.metric)
    others = [(row, step(suite, row, contrast.metric)) for row in suite.rows if row.name != contrast.better]
    larger = [(row, other) for row, other in others if own and other and (other.mean - own.gain).sign > 0]
    if own is None or not larger:
        return ""
    row, other = max(larger, key=_mean)
    text = f"not the biggest step: from {other.start} to {row.name} it was at least {other.gain.signed}"
    if other.count > 1:
        text += f" by {other.count} changes, {other.mean.signed} each on average"
    return f"{text}, against {own.gain.signed}"


@dataclasses.dataclass(frozen=True)
class Step:
    start: str
    count: int
    gain: Rounded

    @property
    def mean(self) -> Rounded:
        return self.gain.linear(Fraction(1, self.count))


def step(suite: Suite, row: Row, metric: str) -> Step | None:
    """From the last row before this one with a figure, on the same split."""
    end = score(suite, row, metric)
    before, count = row, 0
    while before.on is not None:
        count += len(before.changes) or 1
        count += sum(isinstance(said, UndescribedChange) and said.row == before.name for said in suite.statements)
        before = suite.row(before.on)
        if before.split != row.split:
            return None
        starts = _both(suite, before, metric)
        if starts and end:
            return Step(before.name, count, end - max(starts, key=_value))
    return None


def _both(suite: Suite, row: Row, metric: str) -> list[Rounded]:
    """The figure, and what the formula gives where that is another."""
    recomputed = overall(suite.formula, figures(row.printed)) if metric == "overall" else None
    return [figure for figure in (score(suite, row, metric), recomputed) if figure is not None]


def _value(figure: Rounded) -> Fraction:
    return figure.value


def _mean(row_step: tuple[Row, Step]) -> Fraction:
    return row_step[1].mean.value


def claims(suite: Suite) -> Iterator[Finding]:
    """Each claim's contrasts on the printed figures; those without any in one note."""
    silent = []
    for claim in suite.claims:
        results = [
            result for contrast in claim.contrasts if (result := check_contrast(suite, claim, contrast)) is not None
        ]
        if not results:
            silent.append(claim.name)
            continue
        yield _claim(suite, claim, results)
    if silent:
        yield _finding(suite, "", "claim", "note", f"claims without printed figures on both sides: {', '.join(silent)}")


@dataclasses.dataclass(frozen=True)
class ContrastResult:
    contrast: Contrast
    outcome: Outcome
    figures: str
    beside: tuple[str, ...]


def check_contrast(suite: Suite, claim: Claim, contrast: Contrast) -> ContrastResult | None:
    """A contrast against the printed figures; None where the paper does not print both."""
    home, better = find(suite, contrast.better)
    there, worse = find(suite, contrast.worse)
    first, second = score(home, better, contrast.metric), score(there, worse, contrast.metric)
    if first is None or second is None:
        return None
    difference = first - second
    outcome = within(difference, claim.margin) if contrast.sign == 0 else outcome_of(difference, contrast.sign)
    pair = (format_score(home, better, contrast.metric, worse), format_score(there, worse, contrast.metric, better))
    text = f"{short(contrast.metric)} {difference.signed} ({pair[0]} {better.name}, {pair[1]} {worse.name})"
    return ContrastResult(contrast, outcome, text, also(suite, contrast.better, contrast.worse))


def _claim(suite: Suite, claim: Claim, results: list[ContrastResult]) -> Finding:
    groups = [(outcome, [each for each in results if each.outcome == outcome]) for outcome in WORDS]
    sentence = "; ".join(f"{WORDS[outcome]} {', '.join(each.figures for each in of)}" for outcome, of in groups if of)
    beside = dict.fromkeys(axis for each in results for axis in each.beside)
    contradicted = any(each.outcome == "contradicts" for each in results)
    if claim.biggest and (bigger_step := bigger(suite, claim)):
        sentence, contradicted = f"{bigger_step}; {sentence}", True
    if beside:
        sentence += f"; rows compared differ in {' + '.join(beside)}"
    severity: Severity = "contradicted" if contradicted else "confounded" if beside else "note"
    names = dict.fromkeys(
        find(suite, name)[1].name for each in results for name in (each.contrast.better, each.contrast.worse)
    )
    return _finding(suite, claim.name, "claim", severity, sentence, *names)


WORDS: dict[Outcome, str] = {
    "contradicts": "the figures contradict it on",
    "agrees": "the figures agree on",
    "hidden by rounding": "rounding hides the answer on",
}


def outcome_of(difference: Rounded, sign: int) -> Outcome:
    """Whether a difference has the sign that is claimed, whatever was rounded away."""
    return "hidden by rounding" if difference.sign == 0 else "agrees" if difference.sign == sign else "contradicts"


def within(difference: Rounded, margin: float) -> Outcome:
    """Whether a difference is smaller than the margin, both ways."""
    size, bar = abs(difference.value), Fraction(repr(margin))
    if size + difference.half < bar:
        return "agrees"
    return "contradicts" if size - difference.half >= bar else "hidden by rounding"


def _finding(suite: Suite, about: str, kind: Kind, severity: Severity, sentence: str, *rows: str) -> Finding:
    return Finding(suite=suite.slug, about=about, kind=kind, severity=severity, sentence=sentence, rows=rows)
