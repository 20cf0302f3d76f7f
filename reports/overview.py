"""A report in reading order: each set-up's verdicts and suites, then what the papers' own figures say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.audit.finding import SEVERITIES, Finding, Severity
from reports.claim_verdicts import MEANING, Judged, Tested, Verdict, too_few
from reports.document.blocks import Block, Cell, Grid, Heading, Tone, Words
from reports.results import SetUp
from reports.statistics.crossed_effects import COVERAGE_AT_2, COVERAGE_AT_3, COVERAGE_AT_6
from reports.suite.blocks import plainly
from reports.suite_table.symbols import p_text, signed

SIGN: dict[Verdict, tuple[str, Tone]] = {
    "reproduced": ("✓", "good"),
    "contradicted": ("✗", "bad"),
    "equivalent": ("≈", ""),
    "underpowered": ("?", "warning"),
    "confounded": ("≠", "warning"),
    "not run": ("·", "muted"),
}

TONES: dict[Severity, Tone] = {
    "impossible": "bad",
    "misprint": "bad",
    "contradicted": "bad",
    "confounded": "warning",
    "note": "muted",
}

ANYTIME = (
    "verdicts and p hold for a number of seeds fixed beforehand; where seeds were added until something was decided, "
    "read anytime, which is wrong in 5% of papers at most, all clean contrasts together, however often one looked"
)


def opening(setups: Sequence[SetUp]) -> list[Block]:
    told = (
        "one set-up" if len(setups) == 1 else f"{len(setups)} set-ups; nothing of two set-ups is averaged or compared"
    )
    return [
        Words(
            f"The rows of the papers' tables, trained here, beside the figures they print: {told}. Every difference is "
            "paired: the same seeds, the same initial weights, the same order of items, the same items scored."
        ),
        Words(
            "Intervals of differences are 95% over seeds and items at once (crossed random effects, Satterthwaite's "
            "degrees of freedom), unless one seed was run: then they are over items and say nothing of other seeds. In "
            f"simulations, {COVERAGE_AT_6}, {COVERAGE_AT_3}, and {COVERAGE_AT_2}."
        ),
        Words(
            "What is called supported or decided passed a stricter test: the same standard error, a t with one degree "
            "of freedom less than seeds, and Holm's correction over the table or the paper. With few seeds hardly "
            "anything can."
        ),
    ]


def facts(setup: SetUp, caveat: str) -> list[Block]:
    known = setup.facts
    title = f"{known['profile']} profile, {known['data_source']}, encoder {known['encoder']}"
    variant = known["variant"].strip("[]")
    told = f"Data fingerprint {known['data']}; set-up {setup.name}."
    made: list[Block] = [Heading(1, title + (f", with {variant}" if variant else ""))]
    if caveat:
        made.append(Words(f"{known['profile']}: {caveat}.", "warning"))
    return [*made, Words(told, "muted")]


def verdicts(setup: SetUp, judged: Sequence[Judged]) -> list[Block]:
    """One grid a paper: each claim, its verdict and the contrasts behind it."""
    papers: dict[str, list[Judged]] = {}
    for each in judged:
        papers.setdefault(each.suite.paper, []).append(each)
    made: list[Block] = []
    if papers:
        made.append(Heading(2, "Verdicts on the papers' claims"))
        known = setup.facts
        made.append(Words(f"On {known['data_source']}, {known['profile']} profile, encoder {known['encoder']} alone."))
    return [*made, *(of_paper(setup, paper, claims) for paper, claims in papers.items())]


def of_paper(setup: SetUp, paper: str, claims: Sequence[Judged]) -> Grid:
    body: list[tuple[Cell, ...]] = []
    for each in claims:
        sign, tone = SIGN[each.verdict]
        body.append(
            (
                Cell(each.claim.says, below=each.claim.source, strong=True),
                Cell(f"{sign} {each.verdict}", below=each.why, strong=True, tone=tone),
                Cell(""),
                Cell("" if each.p is None else p_text(each.p), strong=True, value=each.p),
                Cell(""),
            )
        )
        body += [contrast(tested) for tested in each.tested]
    used = dict.fromkeys(each.verdict for each in claims)
    return Grid(
        name=f"{paper}-verdicts-{setup.facts['profile']}-{setup.name[:6]}",
        caption=f"{paper}: {len(claims)} claims",
        head=(tuple(map(Cell, ("claim, and the rows that test it", "verdict", "difference", "p", "printed"))),),
        body=tuple(body),
        widths=(3.9, 2.9, 1.9, 0.6, 0.7),
        left=(0, 1),
        notes=(
            *(f"{SIGN[name][0]} {name}: {MEANING[name]}" for name in used),
            "p: of a claim after Holm's correction over the paper's claims, of a contrast alone",
            *([ANYTIME] if any(tested.found.measured for each in claims for tested in each.tested) else []),
        ),
        records=tuple(record(setup, each, tested) for each in claims for tested in each.tested),
    )


def contrast(tested: Tested) -> tuple[Cell, ...]:
    told, found = tested.contrast, tested.found
    relation = {1: ">", -1: "<", 0: "="}[told.sign]
    words = plainly(found.reason) if tested.outcome == "not run" else tested.outcome
    detail = [" + ".join(found.axes)] if tested.outcome == "confounded" else []
    if tested.outcome == "undecided":
        detail += [why] if (why := too_few(found)) else [f"about {tested.needed} seeds"] if tested.needed else []
    detail += [found.reason] if found.alike else []
    if tested.anytime:
        detail.append(f"anytime: {tested.anytime}")
    estimate = found.estimate
    if estimate is None:
        figures = Cell("")
    else:
        interval = f"[{signed(estimate.low)}, {signed(estimate.high)}]"
        figures = Cell(f"{signed(estimate.mean)} {interval}", value=estimate.mean)
    return (
        Cell(
            f"\N{EM SPACE}{bare(told.better)} {relation} {bare(told.worse)}, {told.metric.replace('_', ' ')}",
            tone="muted",
        ),
        Cell(words, below=", ".join(detail), tone="muted"),
        figures,
        Cell("" if tested.p is None else p_text(tested.p)),
        Cell("" if tested.printed is None else signed(tested.printed)),
    )


def bare(name: str) -> str:
    return name.rpartition("/")[2]


def record(setup: SetUp, judged: Judged, tested: Tested) -> dict[str, object]:
    estimate = tested.found.estimate
    return {
        "paper": judged.suite.paper,
        "claim": judged.claim.name,
        "verdict": judged.verdict,
        "better": tested.found.first,
        "worse": tested.found.second,
        "metric": tested.contrast.metric,
        "sign": tested.contrast.sign,
        "outcome": tested.outcome,
        "difference": estimate.mean if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "p_claim_holm": judged.p,
        "p_as_claimed": tested.agree,
        "p_other_way": tested.differ,
        "p_below_margin": tested.same,
        "margin": judged.claim.margin,
        "seeds": len(tested.found.seeds),
        "seeds_needed": tested.needed,
        "anytime": tested.anytime,
        "printed": tested.printed,
        "axes": " ".join(tested.found.axes),
        "reason": tested.found.reason,
        **setup.facts,
    }


def overview(found: Sequence[SetUp], judged: Mapping[str, Sequence[Judged]]) -> Grid | None:
    """How many claims of each paper got which verdict, by set-up."""
    names = tuple(SIGN)
    body = []
    for setup in found:
        mine = judged[setup.name]
        where = f"{setup.facts['profile']}, {setup.facts['encoder']}"
        for paper in dict.fromkeys(each.suite.paper for each in mine):
            counts = [sum(each.verdict == name and each.suite.paper == paper for each in mine) for name in names]
            cells = [Cell(str(count) if count else "", value=count) for count in counts]
            body.append((Cell(where), Cell(paper), *cells))
    if not body:
        return None
    return Grid(
        name="verdicts",
        caption="Claims by verdict",
        head=(
            (
                Cell("set-up"),
                Cell("paper"),
                *(
                    Cell(SIGN[name][0] + "\N{NO-BREAK SPACE}" + name.replace(" ", "\N{NO-BREAK SPACE}"))
                    for name in names
                ),
            ),
        ),
        body=tuple(body),
        widths=(1.9, 1.8, *(1.4 for _ in names)),
        left=(0, 1),
    )


def audited(findings: Sequence[Finding]) -> list[Block]:
    """What the papers' own figures say, one grid a suite; notes are left to ``harness audit``."""
    grave = [each for each in findings if each.severity != "note"]
    suites = dict.fromkeys(each.suite for each in grave)
    if not suites:
        return []
    words = Words(
        "Recomputed from the printed figures alone, whatever was trained here. harness audit prints "
        f"{len(findings) - len(grave)} notes more."
    )
    return [Heading(1, "The papers' own arithmetic"), words, *(audit_of(suite, grave) for suite in suites)]


def audit_of(suite: str, findings: Sequence[Finding]) -> Grid:
    mine = [each for each in findings if each.suite == suite]
    used = dict.fromkeys(each.severity for each in mine)
    return Grid(
        name=f"{suite.replace('/', '-')}-audit",
        caption=suite,
        head=(tuple(map(Cell, ("where", "what", "the figures"))),),
        body=tuple(
            (Cell(each.about or "the table"), Cell(each.severity, tone=TONES[each.severity]), Cell(each.sentence))
            for each in mine
        ),
        widths=(1.7, 1.1, 6),
        left=(0, 1, 2),
        notes=tuple(f"{name}: {SEVERITIES[name]}" for name in used),
        records=tuple(each.record() for each in mine),
    )
