"""What a paper says of its figures in words, held against them."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.statements import StatedFigure
from experiments.suite import RegistryError, Suite
from reports.audit.claims import Outcome, outcome_of
from reports.audit.confounds import also
from reports.audit.finding import Finding, Kind, Severity
from reports.audit.rounding import Rounded, decimals, find, format_score, rounded, score, short


def statements(suite: Suite) -> Iterator[Finding]:
    """Each statement with its figures; those that agree, of rows that can be compared, in one note."""
    agreeing: list[tuple[str, str]] = []
    for said in suite.statements:
        outcome = check_statement(suite, said) if isinstance(said, StatedFigure) else None
        if isinstance(outcome, Finding):
            yield outcome
        elif outcome is not None:
            agreeing.append(outcome)
    if agreeing:
        sentence = "said and so printed: " + "; ".join(says for _, says in agreeing)
        yield _finding(suite, "", "statement", "note", sentence, *dict.fromkeys(name for name, _ in agreeing))


def check_statement(suite: Suite, said: StatedFigure) -> Finding | tuple[str, str] | None:
    """One statement: its row and words where it agrees; None where a figure is not printed."""
    home, row = find(suite, said.row)
    there, base = find(suite, said.than or said.row)
    figure, other = score(home, row, said.metric), score(there, base, said.metric)
    if figure is None or other is None:
        return None
    both = f"{short(said.metric)} {format_score(home, row, said.metric, base)}"
    if said.value is not None:
        result, shown = _result(said, figure, other)
        both += shown.format(format_score(there, base, said.metric, row))
        outcome: Outcome = "agrees" if result.meets(rounded(said.value, decimals(said.value))) else "contradicts"
    else:
        both += f" against {format_score(there, base, said.metric, row)}"
        outcome = outcome_of(figure - other, 1 if said.relation == "more" else -1)
    beside = also(suite, said.row, said.than) if said.than else ()
    return _judge(suite, said, outcome, both, beside)


def _result(said: StatedFigure, figure: Rounded, other: Rounded) -> tuple[Rounded, str]:
    """What the statement puts a figure to, and how it comes about; the second figure goes into the braces."""
    if said.relation == "is":
        return figure, ""
    if said.relation == "times":
        result = ratio(figure, other)
        return result, f" / {{}} is {float(result.value):.2f} times"
    result = figure - other
    return result, f" - {{}} is {result.signed}"


def _judge(
    suite: Suite, said: StatedFigure, outcome: Outcome, both: str, beside: tuple[str, ...]
) -> Finding | tuple[str, str]:
    rows = tuple(name for name in (said.row, said.than, said.fair) if name)
    quoted = f"said in {said.source}: {said.says}; {both}"
    if outcome == "contradicts":
        return _finding(suite, said.row, "statement", "contradicted", quoted, *rows)
    if outcome == "hidden by rounding":
        return _finding(suite, said.row, "statement", "note", f"{quoted}, which rounding does not tell apart", *rows)
    if said.value is not None and "split" in beside:
        return _finding(suite, said.row, "statement", "confounded", f"{quoted}, but on different splits", *rows)
    if said.value is None and beside:
        quoted += f", but the rows differ in {' + '.join(beside)}" + _fair(suite, said)
        return _finding(suite, said.row, "statement", "confounded", quoted, *rows)
    return said.row, f"{said.says} ({both})"


def _fair(suite: Suite, said: StatedFigure) -> str:
    """What the rows on one split say."""
    if said.fair is None:
        return ""
    row, base = suite.row(said.row), suite.row(said.fair)
    figure, other = score(suite, row, said.metric), score(suite, base, said.metric)
    if figure is None or other is None:
        return ""
    outcome = outcome_of(figure - other, 1 if said.relation == "more" else -1)
    says = {"agrees": "the same", "contradicts": "the opposite", "hidden by rounding": "nothing"}[outcome]
    return f"; on {row.split}, {said.fair}'s {other.displayed} says {says}"


def ratio(over: Rounded, under: Rounded) -> Rounded:
    """A ratio of figures above 0; ``RegistryError`` where the second is not."""
    if under.low <= 0:
        raise RegistryError(
            f"{under.displayed} is not above 0, so that nothing is a number of times it; state a difference"
        )
    low, high = over.low / under.high, over.high / under.low
    return Rounded((low + high) / 2, (high - low) / 2)


def _finding(suite: Suite, about: str, kind: Kind, severity: Severity, sentence: str, *rows: str) -> Finding:
    return Finding(suite=suite.slug, about=about, kind=kind, severity=severity, sentence=sentence, rows=rows)
