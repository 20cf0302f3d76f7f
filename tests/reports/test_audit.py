"""The audit finds what the papers' figures cannot be, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from experiments.dsl import beats, claim, row, scores
from experiments.papers import SUITES
from experiments.papers.bertram import BASE
from experiments.statements import ConstantAnswer, GatheredLine, StatedFigure, Statement
from experiments.suite import Formula, RegistryError, Row, Suite
from reports.audit import audit
from reports.audit.chance_level import CLASSES
from reports.audit.claims import step
from reports.audit.finding import SEVERITIES, Finding
from reports.audit.rounding import TASKS, decimals, figures, find, rounded, score
from reports.audit.terminal import page

FINDINGS = audit(SUITES)
BERTRAM, SVD, SMARTBERT, VALLEYS = (
    f"{paper}/table{number}"
    for paper, number in (("bertram", 1), ("smart-vs-deberta", 1), ("smartbert", 1), ("smooth-valleys", 2))
)

# what is wrong with the five papers: suite, row or claim, kind, severity, words of the sentence
FAULTS = [
    (
        SVD,
        "bert-v1",
        "overall",
        "impossible",
        (".478", ".545 by the normalised", ".471 by the plain", "repeats the sst"),
    ),
    (SVD, "siar-biggest-jump", "claim", "contradicted", ("+.168", "2 changes", "+.051", "+.084")),
    (SVD, "bert-v1", "answer", "contradicted", (".378", ".375", "no constant answer")),
    (SVD, "deberta-siar", "axes", "confounded", ("additional fine-tuning",)),
    (SVD, "", "data", "confounded", ("7,075 of quora instead of all", "deberta-siar")),
    (SVD, "", "floor", "note", ("bert-v1 .378", ".625")),
    (BERTRAM, "12-combined", "delta", "impossible", ("quora", "+.169", "+.147")),
    (BERTRAM, "01-baseline", "answer", "misprint", (".375", "answered 0", ".625", "answering 1")),
    (BERTRAM, "12-combined", "statement", "contradicted", ("2.5 times", "1.72 times", ".610")),
    (BERTRAM, "best results", "line", "confounded", ("(test)", "(dev)", ".610", ".625")),
    (
        BERTRAM,
        "14-full-quora",
        "statement",
        "confounded",
        (".604 (test)", ".608 (dev)", "13-combined-test's .598", "oppos"),
    ),
    (BERTRAM, "", "split", "confounded", ("13-combined-test", "14-full-quora", "01-baseline on dev")),
    (BERTRAM, "", "floor", "note", ("12 of 12 rows", "quora", ".625", "03-sst-quora .525", "12-combined .522")),
    (
        BERTRAM,
        "",
        "data",
        "confounded",
        ("9,000 of quora instead of 8,000: 08", "6,040 of sst", "all of quora", "14-full"),
    ),
    (BERTRAM, "", "axes", "confounded", ("08-pcgrad", "12-combined", "14-full-quora", "data")),
    (BERTRAM, "07-weakest-last", "statement", "confounded", ("regularizers + schedule", ".500", ".469")),
    (BERTRAM, "mse-helps-sts", "claim", "confounded", ("data + loss",)),
    (VALLEYS, "smart-helps", "claim", "contradicted", ("sst -.005", "quora -.021", "sts +.142")),
    (VALLEYS, "", "axes", "confounded", ("finetune-smart", "finetune-rrobin-smart", "optimizer")),
    (SMARTBERT, "interleaved-smart-test", "sign", "misprint", ("-.032", ".032", "sign turned", ".333 needs -.032")),
    (SMARTBERT, "interleaved-smart-test", "statement", "contradicted", ("-.032 (test) against .032 (dev)",)),
    (SMARTBERT, "interleaved-smart", "axes", "confounded", ("tuned hyperparameters",)),
    (SMARTBERT, "", "repeat", "note", ("quora .625", "sst .135", "frozen")),
    (SMARTBERT, "paraphrase-smart", "statement", "confounded", ("regularizers + schedule",)),
    (SMARTBERT, "", "answer", "note", (".625", "answering 0", "baseline, sentiment-smart")),
    (SMARTBERT, "", "floor", "note", ("all-three-smart .371",)),
    (SMARTBERT, "interleaving-beats-sequential", "claim", "confounded", ("sst +.040", "tuned hyperparameters")),
]


@pytest.mark.parametrize(("suite", "about", "kind", "severity", "words"), FAULTS)
def test_each_known_fault_is_found(suite: str, about: str, kind: str, severity: str, words: tuple[str, ...]) -> None:
    fitting = [
        each
        for each in FINDINGS
        if (each.suite, each.about, each.kind, each.severity) == (suite, about, kind, severity)
    ]
    assert any(all(word in each.sentence for word in words) for each in fitting), [each.sentence for each in fitting]


def test_nothing_else_is_called_wrong() -> None:
    """Every row and claim that the audit accuses was checked against its paper's text."""
    grave = ("impossible", "misprint", "contradicted")
    expected = sorted((fault[0], fault[1], fault[2]) for fault in FAULTS if fault[3] in grave)
    assert sorted((each.suite, each.about, each.kind) for each in FINDINGS if each.severity in grave) == expected


def test_findings_name_rows_that_exist_and_come_gravest_first() -> None:
    by_slug = {suite.slug: suite for suite in SUITES}
    order = list(SEVERITIES)
    for slug, suite in by_slug.items():
        own = [each for each in FINDINGS if each.suite == slug]
        assert [order.index(each.severity) for each in own] == sorted(order.index(each.severity) for each in own)
        assert all(find(suite, name)[1] for each in own for name in each.rows)
    assert audit(SUITES) == FINDINGS


@pytest.mark.parametrize("suite", [suite for suite in SUITES if suite.origin == "paper"], ids=lambda suite: suite.slug)
def test_every_statement_speaks_of_printed_figures(suite: Suite) -> None:
    for said in suite.statements:
        if isinstance(said, StatedFigure):
            for name in filter(None, (said.row, said.than, said.fair)):
                assert score(*find(suite, name), said.metric) is not None, said
        elif isinstance(said, ConstantAnswer):
            assert said.metric in suite.row(said.row).printed
            assert said.answer < len(CLASSES[said.metric])
        elif isinstance(said, GatheredLine):
            assert said.rows.keys() == said.printed.keys()
        else:
            assert suite.row(said.row)


# tables made up for one fault each


def table(*rows: Row, formula: Formula = "normalised", said: tuple[Statement, ...] = ()) -> Suite:
    return Suite(
        paper="made",
        table="up",
        title="Made up",
        source="",
        base=BASE,
        columns=TASKS,
        formula=formula,
        rows=rows,
        statements=said,
    )


def kinds(suite: Suite, *severities: str) -> set[str]:
    return {each.kind for each in audit([suite]) if each.severity in (severities or SEVERITIES)}


def printed(name: str, *values: float, **more: float) -> Row:
    return row(name, name, None, printed=scores(*values, **more))


def exactly(low: int, high: int = 10**6) -> st.SearchStrategy[Fraction]:
    return st.integers(low, high).map(lambda parts: Fraction(parts, 10**6))


def rounding(value: Fraction, digits: int, up: bool) -> float:
    """To the nearest, ties up or to even."""
    scaled = value * 10**digits
    return float(Fraction((scaled + Fraction(1, 2)).__floor__() if up else round(scaled), 10**digits))


UNROUNDED = st.fixed_dictionaries(
    {"sst_accuracy": exactly(0), "quora_accuracy": exactly(0), "sts_pearson": exactly(-(10**6))}
)
FORMULA = st.sampled_from(("plain", "normalised"))


def line(exact: Mapping[str, Fraction], formula: str, digits: int, up: bool) -> dict[str, float]:
    """What a careful author prints of unrounded scores, with the overall."""
    sst, quora, sts = (exact[task] for task in TASKS)
    whole = (sst + quora + (sts if formula == "plain" else (sts + 1) / 2)) / 3
    return {metric: rounding(value, digits, up) for metric, value in {**exact, "overall": whole}.items()}


@settings(max_examples=150, deadline=None)
@given(exact=UNROUNDED, base=UNROUNDED, formula=FORMULA, digits=st.sampled_from((2, 3, 4)), up=st.booleans())
def test_rounded_figures_of_consistent_scores_are_never_impossible(
    exact: dict[str, Fraction],
    base: dict[str, Fraction],
    formula: Formula,
    digits: int,
    up: bool,
) -> None:
    deltas = {task: rounding(exact[task] - base[task], digits, up) for task in TASKS}
    new = dataclasses.replace(
        printed("new"), printed=line(exact, formula, digits, up), printed_deltas=deltas, delta_from="old"
    )
    old = dataclasses.replace(printed("old"), printed=line(base, formula, digits, up))
    assert kinds(table(old, new, formula=formula), "impossible") == set()


@settings(max_examples=150, deadline=None)
@given(
    exact=UNROUNDED,
    formula=FORMULA,
    digits=st.sampled_from((2, 3, 4)),
    up=st.booleans(),
    by=st.integers(3, 40),
    sign=st.sampled_from((-1, 1)),
)
def test_an_overall_that_is_off_by_more_than_rounding_is_always_found(
    exact: dict[str, Fraction], formula: Formula, digits: int, up: bool, by: int, sign: int
) -> None:
    cells = line(exact, formula, digits, up)
    wrong = cells | {"overall": round(cells["overall"] + sign * by / 10**digits, digits)}
    assume(max(map(decimals, wrong.values())) == digits)
    findings = audit([table(dataclasses.replace(printed("new"), printed=wrong), formula=formula)])
    assert "overall" in {each.kind for each in findings if each.severity == "impossible"}


@settings(max_examples=150, deadline=None)
@given(
    exact=UNROUNDED,
    base=UNROUNDED,
    digits=st.sampled_from((2, 3, 4)),
    up=st.booleans(),
    by=st.integers(4, 40),
    task=st.sampled_from(TASKS),
)
def test_a_difference_that_is_off_by_more_than_rounding_is_always_found(
    exact: dict[str, Fraction], base: dict[str, Fraction], digits: int, up: bool, by: int, task: str
) -> None:
    new, old = ({name: rounding(each[name], digits, up) for name in TASKS} for each in (exact, base))
    deltas = {name: rounding(exact[name] - base[name], digits, up) for name in TASKS}
    deltas[task] = round(deltas[task] + by / 10**digits, digits)
    assume(all(max(map(decimals, each.values())) == digits for each in (new, old, deltas)))
    rows = (
        dataclasses.replace(printed("old"), printed=old),
        dataclasses.replace(printed("new"), printed=new, printed_deltas=deltas, delta_from="old"),
    )
    assert [each.kind for each in audit([table(*rows)]) if each.kind == "delta"] == ["delta"]


def test_a_line_is_read_at_the_precision_of_its_longest_figure() -> None:
    assert figures({"overall": 0.71})["overall"].half == Fraction(1, 200)
    assert figures({"overall": 0.59, "sst_accuracy": 0.463, "seconds_per_epoch": 9})["overall"].half == Fraction(
        1, 2000
    )


def test_a_tie_may_have_been_rounded_either_way() -> None:
    assert rounded(0.5, 1).meets(rounded(0.6, 1))
    assert not rounded(0.5, 1).meets(rounded(0.61, 2))


@pytest.mark.parametrize(("figure", "low"), [(0.525, True), (0.625, True), (0.626, False)])
def test_a_trained_task_at_the_majority_class_is_on_the_floor(figure: float, low: bool) -> None:
    assert ("floor" in kinds(table(printed("a", 0.5, figure)))) == low


def test_what_came_with_a_step_counts_as_a_change() -> None:
    suite = next(suite for suite in SUITES if suite.slug == SVD)
    for name, start, count in (("siar", "bce-logits", 1), ("deberta-siar", "deberta", 2), ("bce-logits", "bert-v1", 2)):
        change = step(suite, suite.row(name), "overall")
        assert change is not None
        assert (change.start, change.count) == (start, count)


def test_a_turned_sign_is_said_to_be_one() -> None:
    new = dataclasses.replace(
        printed("new", 0.4), printed_deltas=scores(-0.123), delta_from="old", printed=scores(0.423)
    )
    (finding,) = [each for each in audit([table(printed("old", 0.300), new)]) if each.kind == "delta"]
    assert "the sign is turned" in finding.sentence


@pytest.mark.parametrize(("formula", "fits"), [("plain", "normalised"), ("normalised", "plain")])
def test_an_overall_by_the_other_formula_is_told_which_fits(formula: Formula, fits: str) -> None:
    exact = {"sst_accuracy": Fraction("0.5"), "quora_accuracy": Fraction("0.7"), "sts_pearson": Fraction("0.4")}
    suite = table(dataclasses.replace(printed("new"), printed=line(exact, fits, 3, True)), formula=formula)
    (finding,) = [each for each in audit([suite]) if each.kind == "overall"]
    assert f"only the {fits} one fits" in finding.sentence
    assert kinds(dataclasses.replace(suite, formula="none"), "impossible") == set()


@pytest.mark.parametrize(
    ("figure", "wrong"),
    [
        *(({"sst": 1.2}, True), ({"sts": -1.01}, True), ({"sst": -0.11}, True), ({"overall": -0.21}, True)),
        *(({"sst": 1.0}, False), ({"sts": -1.0}, False), ({"quora": 0.0}, False), ({"overall": 0.0}, False)),
    ],
)
def test_a_score_outside_its_range_is_impossible(figure: dict[str, float], wrong: bool) -> None:
    assert ("range" in kinds(table(row("a", "a", None, printed=scores(**figure))))) == wrong


def ratio(value: float) -> Suite:
    said = StatedFigure(
        says="so many times",
        source="s",
        row="new",
        metric="quora_accuracy",
        relation="times",
        value=value,
        than="old",
    )
    return table(printed("old", 0.5, 0.301), printed("new", 0.5, 0.602), said=(said,))


def test_a_stated_ratio_is_held_against_the_cells() -> None:
    assert "contradicted" not in {each.severity for each in audit([ratio(2.0)])}
    (finding,) = [each for each in audit([ratio(2.5)]) if each.kind == "statement"]
    assert finding.severity == "contradicted"
    assert "2.00 times" in finding.sentence


def test_a_ratio_to_a_figure_that_is_not_above_zero_is_refused_in_one_sentence() -> None:
    suite = ratio(2.0)
    with pytest.raises(RegistryError, match="not above 0"):
        audit([dataclasses.replace(suite, rows=(printed("old", 0.5, 0.0), suite.rows[1]))])


@pytest.mark.parametrize(
    ("better", "worse", "sign", "severity"),
    [
        (0.52, 0.501, 1, "note"),
        (0.501, 0.52, 1, "contradicted"),
        (0.501, 0.52, -1, "note"),
        (0.502, 0.501, 1, "note"),  # .5015 may be behind both
        (0.502, 0.501, 0, "note"),
        (0.552, 0.501, 0, "contradicted"),
    ],
)
def test_a_claim_is_contradicted_by_figures_alone_that_rounding_cannot_mend(
    better: float, worse: float, sign: Literal[-1, 0, 1], severity: str
) -> None:
    said = claim("c", "", "", beats("new", "old", "sst_accuracy", sign=sign))
    suite = dataclasses.replace(table(printed("old", worse), printed("new", better)), claims=(said,))
    assert [each.severity for each in audit([suite]) if each.kind == "claim"] == [severity]


def test_a_score_of_one_answer_is_named_unless_it_is_said() -> None:
    suite = table(printed("all-ones", 0.3, 0.375))
    assert "answer" in kinds(suite, "note")
    said = ConstantAnswer(row="all-ones", metric="quora_accuracy", answer=1, source="s")
    assert "answer" not in kinds(dataclasses.replace(suite, statements=(said,)))
    other = dataclasses.replace(said, answer=0)
    assert "answer" in kinds(dataclasses.replace(suite, statements=(other,)), "misprint")


def test_a_gathered_line_of_one_row_must_have_its_rows_figures() -> None:
    rows = dict.fromkeys((*TASKS, "overall"), "a")
    cells = {"sst_accuracy": 0.5, "quora_accuracy": 0.6, "sts_pearson": 0.434, "overall": 0.606}
    suite = table(dataclasses.replace(printed("a"), printed=cells))
    same = GatheredLine(name="best", source="s", printed=cells, rows=rows)
    other = dataclasses.replace(same, printed=cells | {"sst_accuracy": 0.511})
    assert "line" not in kinds(dataclasses.replace(suite, statements=(same,)))
    assert "line" in kinds(dataclasses.replace(suite, statements=(other,)), "impossible")


@pytest.mark.parametrize("width", [40, 60, 76, 80, 120, 200])
def test_no_line_is_longer_than_the_screen_and_no_word_is_lost(width: int) -> None:
    lines = page(FINDINGS, [suite.slug for suite in SUITES], width).plain.splitlines()
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    for finding in FINDINGS:
        assert set(finding.sentence.split()) <= set(words), finding
    assert " ".join(lines[-3:]).split()[-1] == "note."


def test_a_page_of_nothing_says_so() -> None:
    lines = page([], ["made/up"], 80).plain.splitlines()
    assert lines == ["nothing found in made/up", "0 findings in 1 suite."]


def test_a_finding_is_plain_data() -> None:
    finding = Finding(suite="a/b", about="c", kind="delta", severity="note", sentence="s", rows=("c", "d"))
    assert finding.record() == {
        "suite": "a/b", "about": "c", "kind": "delta", "severity": "note", "sentence": "s", "rows": ["c", "d"],
    }  # fmt: skip
