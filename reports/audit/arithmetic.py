"""Overall scores, differences and gathered lines, recomputed; and figures that no metric can take."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import get_args

from experiments.statements import GatheredLine
from experiments.suite import Formula, Row, Suite
from reports.audit.finding import Finding, Kind
from reports.audit.rounding import Rounded, figures, overall, short

FORMULAS = tuple(formula for formula in get_args(Formula) if formula != "none")


def ranges(suite: Suite) -> Iterator[Finding]:
    """Printed figures outside the metric's range. The plain overall of a bad correlation may be below 0."""
    for row in suite.rows:
        for metric, score in figures(row.printed).items():
            plain = metric == "overall" and suite.formula != "normalised"
            low, high = -1 if plain or metric.endswith("_pearson") else 0, 1
            if score.high < low or score.low > high:
                sentence = f"{short(metric)} is printed as {score.displayed}, outside {low} to {high}"
                yield _finding(suite, row.name, "range", sentence, row.name)


def overalls(suite: Suite) -> Iterator[Finding]:
    """Printed overall scores that the row's own figures cannot give by the table's formula (by either, if the table
    names none)."""
    for row in suite.rows:
        scores = figures(row.printed)
        recomputed = by_formula(scores)
        expected = [score for formula, score in recomputed.items() if suite.formula in ("none", formula)]
        printed = scores.get("overall")
        if printed is None or not expected or any(printed.meets(score) for score in expected):
            continue
        yield _finding(suite, row.name, "overall", _overall(suite.formula, scores, recomputed), row.name)


def by_formula(scores: dict[str, Rounded]) -> dict[Formula, Rounded]:
    recomputed = {formula: overall(formula, scores) for formula in FORMULAS}
    return {formula: score for formula, score in recomputed.items() if score is not None}


def _overall(own: Formula, scores: dict[str, Rounded], recomputed: dict[Formula, Rounded]) -> str:
    printed = scores["overall"]
    first = sorted(recomputed, key=lambda formula: formula != own)
    gives = " and ".join(f"{recomputed[formula].displayed} by the {formula} formula" for formula in first)
    fits = [formula for formula, score in recomputed.items() if printed.meets(score)]
    text = f"overall {printed.displayed} is printed; its figures give {gives}"
    text += f", so only the {fits[0]} one fits" if fits else ""
    twin = [short(metric) for metric, score in scores.items() if metric != "overall" and score == printed]
    return text + (f"; {printed.displayed} repeats the {twin[0]} score" if twin else "")


def deltas(suite: Suite) -> Iterator[Finding]:
    """Printed differences that the printed figures cannot give."""
    for row in suite.rows:
        if row.delta_from is None:
            continue
        base = suite.row(row.delta_from)
        new, old, printed = figures(row.printed), figures(base.printed), figures(row.printed_deltas)
        for metric in printed.keys() & new.keys() & old.keys() if printed else ():
            difference = new[metric] - old[metric]
            if difference.meets(printed[metric]):
                continue
            text = f"{short(metric)} difference {printed[metric].signed} is printed; "
            text += f"{new[metric].displayed} - {old[metric].displayed} is {difference.signed}"
            if difference.meets(printed[metric].linear(Fraction(-1))):
                text += ": the sign is turned"
            yield _finding(suite, row.name, "delta", text, row.name, base.name)


def lines(suite: Suite, line: GatheredLine) -> Iterator[Finding]:
    """A line that takes its figures from several rows is checked against them, and its overall against its figures."""
    scores = figures(line.printed)
    sources: dict[tuple[str, str], list[str]] = {}
    for metric, name in line.rows.items():
        row = suite.row(name)
        sources.setdefault((name, row.split), []).append(short(metric))
        source = figures(row.printed).get(metric)
        if source is not None and not source.meets(scores[metric]):
            text = f"{short(metric)} {scores[metric].displayed} is not {name}'s {source.displayed} ({line.source})"
            yield _finding(suite, line.name, "line", text, name)
    mixed = "; ".join(f"{', '.join(metrics)} of {name} ({split})" for (name, split), metrics in sources.items())
    text = f"{line.source}: {mixed}"
    recomputed = overall(suite.formula, scores)
    wrong = recomputed is not None and "overall" in scores and not recomputed.meets(scores["overall"])
    if recomputed is not None and wrong:
        text += f"; overall {scores['overall'].displayed} is printed, these figures give {recomputed.displayed}"
    if not wrong and len(sources) < 2:
        return
    yield Finding(
        suite=suite.slug,
        about=line.name,
        kind="line",
        severity="impossible" if len(sources) < 2 else "confounded",
        sentence=text,
        rows=tuple(dict.fromkeys(line.rows.values())),
    )


def turned(suite: Suite) -> Iterator[Finding]:
    """A score of one training that has the same size and the other sign on another split."""
    for row in suite.rows:
        base = suite.row(row.on) if row.on else None
        if base is None or base.split == row.split or row.changes:
            continue
        new, old = figures(row.printed), figures(base.printed)
        for metric in new:
            if metric in old and new[metric].value and new[metric].value == -old[metric].value:
                text = (
                    f"{short(metric)} {new[metric].displayed} on {row.split} is the {base.split} score of {base.name} "
                )
                text += f"({old[metric].displayed}) with its sign turned" + _deciding(suite, row, metric)
                yield Finding(
                    suite=suite.slug,
                    about=row.name,
                    kind="sign",
                    severity="misprint",
                    sentence=text,
                    rows=(row.name, base.name),
                )


def _deciding(suite: Suite, row: Row, metric: str) -> str:
    """Which sign the printed overall needs."""
    scores = figures(row.printed)
    printed, kept = scores.get("overall"), overall(suite.formula, scores)
    other = overall(suite.formula, scores | {metric: scores[metric].linear(Fraction(-1))})
    if printed is None or kept is None or other is None or kept.meets(printed) == other.meets(printed):
        return ""
    fitting = scores[metric] if kept.meets(printed) else scores[metric].linear(Fraction(-1))
    return f"; the printed overall {printed.displayed} needs {fitting.displayed} on {row.split}"


def _finding(suite: Suite, about: str, kind: Kind, sentence: str, *rows: str) -> Finding:
    return Finding(suite=suite.slug, about=about, kind=kind, severity="impossible", sentence=sentence, rows=rows)
