"""Printed scores beside those of answers that look at nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from experiments.statements import ConstantAnswer
from experiments.suite import Row, Suite
from reports.audit.finding import Finding, Kind, Severity
from reports.audit.rounding import Rounded, figures, short
from reports.number_format import format_number

CLASSES = {  # items of each class in the course's dev files
    "sst_accuracy": (139, 289, 229, 279, 165),
    "quora_accuracy": (12_627, 7_585),
    "cfimdb_accuracy": (123, 122),
}
PAIRS = 863  # in STS dev
CHANCE = 1.96 / math.sqrt(PAIRS)  # 95% of correlations of unrelated answers are closer to 0


def share(metric: str, answer: int) -> Fraction:
    """The accuracy of answering one class always."""
    return Fraction(CLASSES[metric][answer], sum(CLASSES[metric]))


def prints(score: Rounded, exact: Fraction) -> bool:
    return score.low <= exact <= score.high


def constant(metric: str, score: Rounded) -> int | None:
    """The class whose constant answer scores what is printed."""
    return next((answer for answer in range(len(CLASSES[metric])) if prints(score, share(metric, answer))), None)


def answers(suite: Suite, said: ConstantAnswer) -> Iterator[Finding]:
    """A row that is said to answer one class always and prints another score."""
    score = figures(suite.row(said.row).printed).get(said.metric)
    if score is None or prints(score, share(said.metric, said.answer)):
        return
    other = constant(said.metric, score)
    text = f"{short(said.metric)} is said to be answered {said.answer} always ({said.source}), which scores "
    text += f"{_share(said.metric, said.answer)}; {score.displayed} is "
    text += "what no constant answer scores" if other is None else f"what answering {other} always scores"
    severity: Severity = "contradicted" if other is None else "misprint"
    yield _finding(suite, said.row, "answer", severity, text, (said.row,))


def collapsed(suite: Suite) -> Iterator[Finding]:
    """Scores that are a constant answer's, without the paper saying so."""
    stated = {(said.row, said.metric) for said in suite.statements if isinstance(said, ConstantAnswer)}
    groups: dict[tuple[str, int], list[str]] = {}
    for row in suite.rows:
        for metric, score in figures(row.printed).items():
            if row.split == "dev" and metric in CLASSES and (row.name, metric) not in stated:
                answer = constant(metric, score)
                if answer is not None:
                    groups.setdefault((metric, answer), []).append(row.name)
    for (metric, answer), names in groups.items():
        text = f"{short(metric)} {_share(metric, answer)} is the score of answering {answer} always: {', '.join(names)}"
        yield _finding(suite, "", "answer", "note", text, tuple(names))


def below(suite: Suite) -> Iterator[Finding]:
    """Rows that train on a task and score no more than the majority class; for a correlation, no more than chance."""
    for metric in (*CLASSES, "sts_pearson"):
        trained = [row for row in suite.rows if metric in row.printed and trains(suite, row, metric)]
        low = [row for row in trained if _low(metric, figures(row.printed)[metric])]
        if not low:
            continue
        if metric in CLASSES:
            best = max(range(len(CLASSES[metric])), key=CLASSES[metric].__getitem__)
            bar = f"at or below the {_share(metric, best)} of answering {best} always"
        else:
            bar = f"within {format_number(CHANCE)} of 0, where 95% of unrelated answers to the {PAIRS} dev pairs fall"
        listed = ", ".join(f"{row.name} {figures(row.printed)[metric].displayed}{_split(row)}" for row in low)
        text = f"{len(low)} of {len(trained)} rows trained on {short(metric)} {'is' if len(low) == 1 else 'are'} {bar}"
        yield _finding(suite, "", "floor", "note", f"{text}: {listed}", tuple(row.name for row in low))


def trains(suite: Suite, row: Row, metric: str) -> bool:
    return short(metric) in suite.recipe(row).schedule.tasks()


def _low(metric: str, score: Rounded) -> bool:
    if metric in CLASSES:
        return score.low <= Fraction(max(CLASSES[metric]), sum(CLASSES[metric]))
    return abs(score.value) <= CHANCE


def _split(row: Row) -> str:
    return "" if row.split == "dev" else f" ({row.split}; the bar is dev's)"


def _share(metric: str, answer: int) -> str:
    return format_number(float(share(metric, answer)))


def _finding(suite: Suite, about: str, kind: Kind, severity: Severity, sentence: str, rows: tuple[str, ...]) -> Finding:
    return Finding(suite=suite.slug, about=about, kind=kind, severity=severity, sentence=sentence, rows=rows)
