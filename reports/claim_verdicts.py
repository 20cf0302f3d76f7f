"""What the evidence of one set-up says of each claim that a paper makes.

A claim is the conjunction of its clean contrasts, those between rows that differ on one axis or that it compares as
wholes. It is reproduced where all of them hold, so its p is the largest of theirs (Berger 1982, "Multiparameter
hypothesis testing and acceptance sampling", Technometrics 24, 295-300); it is contradicted where one is the other way
round, so that p is the smallest times their number (Bonferroni). The claims of one paper are corrected together by
Holm's method. Every p is that of
``reports.statistics.crossed_effects.cautious``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Literal

from experiments.papers import SUITES
from experiments.suite import Claim, Contrast, Suite
from reports.anytime_valid import Anytime, anytime_decision, family, full
from reports.comparison import RowComparison, compare, differences
from reports.results import SetUp
from reports.statistics.crossed_effects import cautious
from reports.statistics.equivalence import tost
from reports.statistics.multiple_testing import holm
from reports.statistics.power import seeds_needed

Verdict = Literal["reproduced", "contradicted", "equivalent", "underpowered", "confounded", "not run"]
Outcome = Literal["as claimed", "other way round", "below margin", "undecided", "confounded", "not run"]

LEVEL = 0.05
# Of 2 seeds' intervals up to 12% miss, and two seeds of counts tie in 1 to 5% of comparisons; from 3 seeds on an
# interval misses in 7% at most, and a paper is wrong in 5% at most: docs/statistics.md has the table.
LEAST_SEEDS = 3
LEAST_ITEMS = 6  # fewer agree in sign by chance in more than 5%: 2^(1 - m)
MEANING: dict[Verdict, str] = {
    "reproduced": "every clean contrast is as claimed, p < .05 after Holm's correction over the paper's claims",
    "contradicted": "a clean contrast is the other way round, by the same test",
    "equivalent": "every clean contrast is shown to be smaller than the margin, by the same test",
    "underpowered": f"the evidence decides neither way; a decision takes {LEAST_SEEDS} seeds and {LEAST_ITEMS} items",
    "confounded": "the rows compared differ on several axes, so no change can be credited",
    "not run": "a row that the claim needs has not been trained, or has no such figure",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContrastTest:
    """One contrast, judged alone. ``agree``, ``differ`` and ``same`` are the p values for what is claimed, for the
    opposite, and for a difference below the margin. ``needed`` seeds would show the larger of margin and found
    difference with 80% power, at the level that the paper's first claim has to pass; None where items forbid it.
    ``anytime`` is what holds however often one looked."""

    contrast: Contrast
    comparison: RowComparison
    outcome: Outcome
    printed: float | None = None  # the paper's own difference
    agree: float = 1.0
    differ: float = 1.0
    same: float = 1.0
    needed: int | None = None
    anytime: Anytime = ""

    @property
    def p(self) -> float | None:
        """That the two rows are the same, alone."""
        if self.comparison.estimate is None or not self.comparison.measured:
            return None
        return cautious(self.comparison.estimate, collapsed=self.comparison.collapsed).p


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClaimVerdict:
    """A claim with its verdict, the p behind it after correction, and its contrasts."""

    suite: Suite
    claim: Claim
    verdict: Verdict
    p: float | None
    tested: tuple[ContrastTest, ...]

    @property
    def why(self) -> str:
        """What the contrasts say alone, in a few words."""
        outcomes = [each.outcome for each in self.tested]
        texts = [f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes)]
        if self.verdict == "underpowered":
            texts.append(describe_seeds_needed(clean(self.tested)))
        return ", ".join(texts)


def judge(setup: SetUp, suites: Iterable[Suite]) -> list[ClaimVerdict]:
    """The verdicts on all claims of these suites; those of one paper are corrected together."""
    by_paper: dict[str, list[tuple[Suite, Claim]]] = {}
    for suite in suites:
        by_paper.setdefault(suite.paper, []).extend((suite, claim) for claim in suite.claims)
    return [judged for claims in by_paper.values() for judged in of_paper(setup, claims)]


def of_paper(setup: SetUp, claims: Sequence[tuple[Suite, Claim]]) -> list[ClaimVerdict]:
    together = family(setup.rows, claims)
    tested = [
        tuple(
            with_anytime(setup, claim, test(setup, suite, claim, contrast, len(claims)), together)
            for contrast in claim.contrasts
        )
        for suite, claim in claims
    ]
    reproduced, contradicted = [conjunction(each) for each in tested], [opposition(each) for each in tested]
    decided = holm([min(pair) for pair in zip(reproduced, contradicted, strict=True)])
    same = holm([equivalence(each) for each in tested])
    return [
        ClaimVerdict(suite=suite, claim=claim, tested=own, verdict=name, p=p)
        for (suite, claim), own, (name, p) in zip(
            claims, tested, map(verdict, tested, reproduced, contradicted, decided, same), strict=True
        )
    ]


def clean(tested: Sequence[ContrastTest]) -> list[ContrastTest]:
    """The contrasts that can credit one change."""
    return [each for each in tested if each.outcome != "confounded"]


def conjunction(tested: Sequence[ContrastTest]) -> float:
    """The p that all is as claimed; 1 where something has not been run."""
    return max((each.agree for each in clean(tested)), default=1.0)


def opposition(tested: Sequence[ContrastTest]) -> float:
    """The p that something is the other way round."""
    own = clean(tested)
    return min([1.0, *(len(own) * each.differ for each in own)])


def equivalence(tested: Sequence[ContrastTest]) -> float:
    """The p that no contrast is as large as the margin."""
    return max((each.same for each in clean(tested)), default=1.0)


def verdict(
    tested: Sequence[ContrastTest], reproduced: float, contradicted: float, decided: float, same: float
) -> tuple[Verdict, float | None]:
    """The verdict, and the corrected p behind it."""
    own = clean(tested)
    if decided < LEVEL:
        return ("reproduced" if reproduced <= contradicted else "contradicted"), decided
    if all(each.outcome == "not run" for each in own):
        return ("confounded" if any(each.outcome == "confounded" for each in tested) else "not run"), None
    if any(each.outcome == "not run" for each in own):
        return "not run", None
    return ("equivalent", same) if same < LEVEL else ("underpowered", decided)


def test(setup: SetUp, suite: Suite, claim: Claim, contrast: Contrast, claims: int) -> ContrastTest:
    """One contrast of a paper with so many claims."""
    comparison = compare(setup, full(suite, contrast.better), full(suite, contrast.worse), contrast.metric)
    tested = ContrastTest(
        contrast=contrast, comparison=comparison, outcome="not run", printed=printed_difference(suite, contrast)
    )
    if comparison.estimate is None and comparison.alike is None:
        return tested
    if len(comparison.axes) > 1 and not claim.as_wholes:
        return dataclasses.replace(tested, outcome="confounded")
    agree, differ, same = (1.0, 1.0, 1.0) if too_few(comparison) else values(comparison, contrast, claim.margin)
    outcome, needed = alone(agree, differ, same), None
    if outcome == "undecided" and comparison.estimate is not None and comparison.measured:
        effect, level = max(abs(comparison.estimate.mean), claim.margin), 1 - LEVEL / claims
        needed = seeds_needed(comparison.estimate, effect, level=level, cautiously=True)
        needed = None if needed is None or any(count < LEAST_ITEMS for count in comparison.items.values()) else needed
    return dataclasses.replace(tested, outcome=outcome, agree=agree, differ=differ, same=same, needed=needed)


def too_few(comparison: RowComparison) -> str:
    """Why nothing is decided from so few seeds or items, nothing where there are enough."""
    if len(comparison.seeds) == 1:
        return "one seed says nothing of others"
    if len(comparison.seeds) < LEAST_SEEDS:
        return f"{len(comparison.seeds)} seeds are too few for a verdict, which takes {LEAST_SEEDS}"
    task = min(comparison.items, key=lambda name: comparison.items[name], default=None)
    if task is not None and comparison.items[task] < LEAST_ITEMS:
        return f"{comparison.items[task]} items of {task} are too few for a verdict, which takes {LEAST_ITEMS}"
    return ""


def values(comparison: RowComparison, contrast: Contrast, margin: float) -> tuple[float, float, float]:
    """The p for what is claimed, for the opposite and for a difference below the margin. Where nothing varies, only
    the last can be shown, from many items."""
    if comparison.estimate is None:
        assert comparison.alike is not None
        same = tost(comparison.alike, margin)
        return (same if contrast.sign == 0 else 1.0), 1.0, same
    careful = cautious(comparison.estimate, collapsed=comparison.collapsed)
    same, apart = tost(careful, margin), careful.p
    if contrast.sign == 0:
        return same, apart, same
    return (apart, 1.0, same) if careful.mean * contrast.sign > 0 else (1.0, apart, same)


def with_anytime(setup: SetUp, claim: Claim, tested: ContrastTest, together: int) -> ContrastTest:
    """The same with what the rule of ``reports.anytime_valid`` says of a clean contrast, one of so many."""
    if tested.outcome in ("not run", "confounded") or not tested.comparison.paired:
        return tested
    pairs = differences(
        setup.rows[tested.comparison.first], setup.rows[tested.comparison.second], tested.comparison.metric
    )
    return dataclasses.replace(tested, anytime=anytime_decision(pairs, claim.margin, together))


def alone(agree: float, differ: float, same: float) -> Outcome:
    """What a contrast's p values say where it is the only one."""
    if agree < LEVEL:
        return "as claimed"
    if differ < LEVEL:
        return "other way round"
    return "below margin" if same < LEVEL else "undecided"


def describe_seeds_needed(tested: Sequence[ContrastTest]) -> str:
    """How many seeds it would take, in words."""
    undecided = [each for each in tested if each.outcome == "undecided"]
    for each in undecided:
        if why := too_few(each.comparison) or (each.comparison.reason if each.comparison.alike else ""):
            return why
    if any(each.needed is None for each in undecided):
        return "more seeds alone would not do: there are too few items"
    if not undecided:
        return "not after correction"
    return f"about {max(each.needed or 0 for each in undecided)} seeds would show what was found"


def printed_difference(suite: Suite, contrast: Contrast) -> float | None:
    """The difference between the printed figures, where the paper prints both."""
    by_row = {f"{each.slug}/{row.name}": row.printed for each in (*SUITES, suite) for row in each.rows}
    better, worse = (
        by_row.get(full(suite, name), {}).get(contrast.metric) for name in (contrast.better, contrast.worse)
    )
    return None if better is None or worse is None else better - worse
