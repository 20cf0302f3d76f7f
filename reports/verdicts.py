"""What the evidence of one set-up says of each claim that a paper makes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Literal

from experiments.variant import Claim, Contrast, Suite
from reports.contrasts import Compared, compare
from reports.evidence import SetUp
from reports.statistics.crossed import cautious
from reports.statistics.equivalence import tost
from reports.statistics.multiple import holm
from reports.statistics.power import seeds_needed

Verdict = Literal["reproduced", "contradicted", "equivalent", "underpowered", "confounded", "not run"]
Outcome = Literal["holds", "opposite", "no difference", "undecided", "confounded", "not measured"]

LEVEL = 0.05  # of every decision, after Holm's correction over the paper's contrasts
MEANING: dict[Verdict, str] = {
    "reproduced": "every clean contrast of the claim holds, p < .05 after Holm's correction over the paper",
    "contradicted": "at least one clean contrast is the other way round, by the same test",
    "equivalent": "at least one clean contrast is shown to be smaller than the claim's margin, and none is undecided",
    "underpowered": "the evidence decides neither way",
    "confounded": "the rows compared differ on several axes, so no change can be credited",
    "not run": "a row that the claim needs has not been trained, or has no such figure",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tested:
    """One contrast. ``p`` and ``p_same`` (that the difference is not below the margin) come from the cautious t and are
    Holm-adjusted over the paper's contrasts; ``needed`` is the number of seeds at which the larger of margin and found
    difference would show with 80% power among as many contrasts, None where the items alone forbid it."""

    contrast: Contrast
    found: Compared
    outcome: Outcome
    printed: float | None = None  # the paper's own difference
    p: float | None = None
    p_same: float | None = None
    needed: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judged:
    """A claim with its verdict and the contrasts behind it."""

    suite: Suite
    claim: Claim
    verdict: Verdict
    tested: tuple[Tested, ...]

    @property
    def why(self) -> str:
        """The verdict's reason in a few words."""
        counts = [(outcome, sum(each.outcome == outcome for each in self.tested)) for outcome in WORDS]
        told = [f"{count} {WORDS[outcome]}" for outcome, count in counts if count]
        if self.verdict == "underpowered":
            told.append(seeds_told([each for each in self.tested if each.outcome == "undecided"]))
        return ", ".join(told)


WORDS: dict[Outcome, str] = {
    "holds": "as claimed",
    "opposite": "the other way round",
    "no difference": "below the margin",
    "undecided": "undecided",
    "confounded": "confounded",
    "not measured": "not run",
}


def judge(setup: SetUp, suites: Iterable[Suite]) -> list[Judged]:
    """The verdicts on all claims of these suites; those of one paper are corrected together."""
    by_paper: dict[str, list[tuple[Suite, Claim]]] = {}
    for suite in suites:
        by_paper.setdefault(suite.paper, []).extend((suite, claim) for claim in suite.claims)
    return [judged for claims in by_paper.values() for judged in of_paper(setup, claims)]


def of_paper(setup: SetUp, claims: Sequence[tuple[Suite, Claim]]) -> list[Judged]:
    contrasts = [
        (suite, claim, contrast, measure(setup, suite, contrast))
        for suite, claim in claims
        for contrast in claim.contrasts
    ]
    clean = [number for number, (*_, found) in enumerate(contrasts) if found.measured and len(found.axes) < 2]
    estimates = {number: cautious(found.estimate) for number, (*_, found) in enumerate(contrasts) if found.estimate}
    different = dict(zip(clean, holm([estimates[number].p for number in clean]), strict=True))
    same = dict(
        zip(clean, holm([tost(estimates[number], contrasts[number][1].margin) for number in clean]), strict=True)
    )
    tested: dict[int, list[Tested]] = {}
    for number, (suite, claim, contrast, found) in enumerate(contrasts):
        made = test(suite, claim, contrast, found, different.get(number), same.get(number), len(clean))
        tested.setdefault(id(claim), []).append(made)
    return [
        Judged(suite=suite, claim=claim, verdict=verdict(tested[id(claim)]), tested=tuple(tested[id(claim)]))
        for suite, claim in claims
    ]


def full(suite: Suite, name: str) -> str:
    return name if "/" in name else f"{suite.slug}/{name}"


def measure(setup: SetUp, suite: Suite, contrast: Contrast) -> Compared:
    """The better row minus the worse one."""
    return compare(setup, full(suite, contrast.better), full(suite, contrast.worse), contrast.metric)


def test(
    suite: Suite,
    claim: Claim,
    contrast: Contrast,
    found: Compared,
    p: float | None,
    p_same: float | None,
    among: int,
) -> Tested:
    """The contrast's outcome by its adjusted p values; ``among`` so many contrasts."""
    on_paper = printed(suite, contrast)
    told = Tested(contrast=contrast, found=found, outcome="not measured", printed=on_paper, p=p, p_same=p_same)
    estimate = found.estimate
    if estimate is None:
        return told
    if len(found.axes) > 1:
        return dataclasses.replace(told, outcome="confounded")
    if p is None or p_same is None:  # one seed says nothing of others
        return dataclasses.replace(told, outcome="undecided")
    outcome = decide(contrast.sign, estimate.mean, p, p_same)
    needed = None
    if outcome == "undecided":
        needed = seeds_needed(estimate, max(abs(estimate.mean), claim.margin), level=1 - LEVEL / among)
    return dataclasses.replace(told, outcome=outcome, needed=needed)


def decide(sign: int, mean: float, p: float, p_same: float) -> Outcome:
    """What a difference's two p values say of a claimed sign (0: that there is none)."""
    if sign == 0:
        return "holds" if p_same < LEVEL else "opposite" if p < LEVEL else "undecided"
    if p < LEVEL:
        return "holds" if mean * sign > 0 else "opposite"
    return "no difference" if p_same < LEVEL else "undecided"


def verdict(tested: Sequence[Tested]) -> Verdict:
    outcomes = [each.outcome for each in tested if each.outcome != "confounded"]
    if "opposite" in outcomes:
        return "contradicted"
    if not outcomes or all(each == "not measured" for each in outcomes):
        return "confounded" if len(outcomes) < len(tested) else "not run"
    if "not measured" in outcomes:
        return "not run"
    if "undecided" in outcomes:
        return "underpowered"
    return "equivalent" if "no difference" in outcomes else "reproduced"


def seeds_told(undecided: Sequence[Tested]) -> str:
    """How many seeds it would take, in words."""
    if any(each.found.measured and each.needed is None for each in undecided):
        return "more seeds alone would not do: there are too few items"
    if any(not each.found.measured for each in undecided):
        return "one seed says nothing of others"
    return f"about {max(each.needed or 0 for each in undecided)} seeds would show what was found"


def printed(suite: Suite, contrast: Contrast) -> float | None:
    """The difference between the printed figures, where the paper prints both."""
    from experiments.papers import SUITES

    rows = {f"{each.slug}/{row.name}": row for each in SUITES for row in each.rows}
    both = [rows[full(suite, name)].printed.get(contrast.metric) for name in (contrast.better, contrast.worse)]
    better, worse = both
    return None if better is None or worse is None else better - worse
