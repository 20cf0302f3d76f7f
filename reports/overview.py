"""A report in reading order: each set-up's verdicts and suites, then what the papers' own figures say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.audit.finding import SEVERITIES, Finding, Severity
from reports.claim_verdicts import MEANING, ClaimVerdict, ContrastTest, Verdict, too_few
from reports.document.blocks import Block, Cell, Grid, Heading, Tone, Words
from reports.number_format import format_difference, format_p, format_signed
from reports.results import SetUp
from reports.statistics.crossed_effects import COVERAGE_AT_2, COVERAGE_AT_3, COVERAGE_AT_6
from reports.suite.blocks import without_suites

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
    setting = (
        "one set-up" if len(setups) == 1 else f"{len(setups)} set-ups; nothing of two set-ups is averaged or compared"
    )
    return [
        Words(
            f"The rows of the papers' tables, trained here, beside the figures they print: {setting}. Every "
            "difference is paired: the same seeds, the same initial weights, the same order of items, the same items "
            "scored."
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
    setup_facts = setup.facts
    title = f"{setup_facts['profile']} profile, {setup_facts['data_source']}, encoder {setup_facts['encoder']}"
    variant = setup_facts["variant"].strip("[]")
    text = f"Data fingerprint {setup_facts['data']}; set-up {setup.name}."
    blocks: list[Block] = [Heading(1, title + (f", with {variant}" if variant else ""))]
    if caveat:
        blocks.append(Words(f"{setup_facts['profile']}: {caveat}.", "warning"))
    return [*blocks, Words(text, "muted")]


def verdicts(setup: SetUp, judged: Sequence[ClaimVerdict]) -> list[Block]:
    """One grid a paper: each claim, its verdict and the contrasts behind it."""
    papers: dict[str, list[ClaimVerdict]] = {}
    for each in judged:
        papers.setdefault(each.suite.paper, []).append(each)
    blocks: list[Block] = []
    if papers:
        blocks.append(Heading(2, "Verdicts on the papers' claims"))
        blocks.append(Words("On {data_source}, {profile} profile, encoder {encoder} alone.".format(**setup.facts)))
    return [*blocks, *(of_paper(setup, paper, claims) for paper, claims in papers.items())]


def of_paper(setup: SetUp, paper: str, claims: Sequence[ClaimVerdict]) -> Grid:
    body: list[tuple[Cell, ...]] = []
    for each in claims:
        sign, tone = SIGN[each.verdict]
        body.append(
            (
                Cell(each.claim.says, below=each.claim.source, strong=True),
                Cell(f"{sign} {each.verdict}", below=each.why, strong=True, tone=tone),
                Cell(""),
                Cell("" if each.p is None else format_p(each.p), strong=True, value=each.p),
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
            *([ANYTIME] if any(tested.comparison.measured for each in claims for tested in each.tested) else []),
        ),
        records=tuple(record(setup, each, tested) for each in claims for tested in each.tested),
    )


def contrast(tested: ContrastTest) -> tuple[Cell, ...]:
    claimed, comparison = tested.contrast, tested.comparison
    relation = {1: ">", -1: "<", 0: "="}[claimed.sign]
    words = without_suites(comparison.reason) if tested.outcome == "not run" else tested.outcome
    detail = [" + ".join(comparison.axes)] if tested.outcome == "confounded" else []
    if tested.outcome == "undecided":
        detail += [why] if (why := too_few(comparison)) else [f"about {tested.needed} seeds"] if tested.needed else []
    detail += [comparison.reason] if comparison.alike else []
    if tested.anytime:
        detail.append(f"anytime: {tested.anytime}")
    estimate = comparison.estimate
    if estimate is None:
        figures = Cell("")
    else:
        figures = Cell(format_difference(estimate.mean, estimate.low, estimate.high), value=estimate.mean)
    return (
        Cell(
            f"\N{EM SPACE}{bare(claimed.better)} {relation} {bare(claimed.worse)}, {claimed.metric.replace('_', ' ')}",
            tone="muted",
        ),
        Cell(words, below=", ".join(detail), tone="muted"),
        figures,
        Cell("" if tested.p is None else format_p(tested.p)),
        Cell("" if tested.printed is None else format_signed(tested.printed)),
    )


def bare(name: str) -> str:
    return name.rpartition("/")[2]


def record(setup: SetUp, judged: ClaimVerdict, tested: ContrastTest) -> dict[str, object]:
    estimate = tested.comparison.estimate
    return {
        "paper": judged.suite.paper,
        "claim": judged.claim.name,
        "verdict": judged.verdict,
        "better": tested.comparison.first,
        "worse": tested.comparison.second,
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
        "seeds": len(tested.comparison.seeds),
        "seeds_needed": tested.needed,
        "anytime": tested.anytime,
        "printed": tested.printed,
        "axes": " ".join(tested.comparison.axes),
        "reason": tested.comparison.reason,
        **setup.facts,
    }


def overview(setups: Sequence[SetUp], judged: Mapping[str, Sequence[ClaimVerdict]]) -> Grid | None:
    """How many claims of each paper got which verdict, by set-up."""
    names = tuple(SIGN)
    body = []
    for setup in setups:
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


def audit_blocks(findings: Sequence[Finding]) -> list[Block]:
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
