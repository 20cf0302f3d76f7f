"""Writes the report of the selected rows: results, verdicts, tables and figures."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.ablation import PAPER
from experiments.profiles import PROFILES
from experiments.suite import Suite, row_slug
from harness.cells.atomic import write_atomic
from harness.registry.selectors import Pair, suites
from harness.reporting.ablations import read_ablations
from harness.reporting.input_digest import digest_inputs
from harness.tracking.results_source import ResultsSource
from harness.tracking.studies import read_studies
from model.errors import InputError
from reports.ablation.results import AblationResults
from reports.document.blocks import Block, Grid, Heading
from reports.results import SetUp
from reports.tuning.results import StudyResults

TITLE = "Ablation report"
INDEX = "report.json"
OWN_FILES = re.compile(r"report\.(html|pdf)|(tables|figures)/[\w-]+\.\w+")  # what a report writes, and may remove


@dataclasses.dataclass(frozen=True)
class WrittenReport:
    """A report's folder, and whether it was written now or was there with the same inputs."""

    folder: Path
    new: bool


class ReportIndex(NamedTuple):
    """A digest of what a report was made from, and its files by name, with the SHA-256 of each."""

    inputs: str
    files: Mapping[str, str]


def require_setups(evidence: ResultsSource, pairs: Sequence[Pair], only: str | None = None) -> list[SetUp]:
    """The results of these rows and of all that the claims about them need, by set-up. ``InputError`` if there are none
    of these rows."""
    setups = find_setups(evidence, pairs, only)
    if not setups:
        raise InputError(f"{evidence.name} has no results of these rows{missing_results(evidence, pairs, only)}")
    return setups


def missing_results(evidence: ResultsSource, pairs: Sequence[Pair], only: str | None) -> str:
    """Why these rows have no results, and how to get them."""
    for setup in evidence.setups(pairs, only):
        for slug, faults in setup.left_out.items():
            seed, fault = next(iter(faults.items()))
            return f"; {slug} seed {seed} was {fault}; harness run trains it anew"
    return "; harness run makes them"


def find_setups(evidence: ResultsSource, pairs: Sequence[Pair], only: str | None = None) -> list[SetUp]:
    """The same; empty if there are none."""
    papers = {suite.paper for suite, _ in pairs}
    pairs_of_papers = [(suite, row) for suite in suites() if suite.paper in papers for row in suite.rows]
    pairs_of_papers += [(suite, row) for suite, row in pairs if suite.paper == PAPER]
    wanted = {row_slug(suite, row) for suite, row in pairs}
    return [setup for setup in evidence.setups(pairs_of_papers, only) if wanted & set(setup.rows)]


def write_report(
    evidence: ResultsSource,
    pairs: Sequence[Pair],
    out: Path,
    say: Callable[[str], None],
    *,
    tuned: Sequence[str] | None = None,
    ablated: Sequence[str] | None = None,
    only: str | None = None,
    force: bool = False,
) -> WrittenReport:
    """Write the report of these rows, of the studies ``tuned`` and of the ablations ``ablated`` (None: all, or those
    that the rows are of) into a folder, in one set-up (``only``) or in all of them; nothing is written when its inputs
    are those of the report that is there, unless asked for ``again``."""
    studies = [each for each in read_studies(evidence, only) if tuned is None or each.study in tuned]
    wanted = {suite.table for suite, _ in pairs if suite.paper == PAPER} if ablated is None else set(ablated)
    every_ablation = ablated is None and not wanted
    ablations = [each for each in read_ablations(evidence, only) if every_ablation or each.ablation.table in wanted]
    pairs = [(suite, row) for suite, row in pairs if suite.paper != PAPER]
    setups = (find_setups if studies or ablations else require_setups)(evidence, pairs, only)
    chosen = rows_by_suite(pairs)
    papers = {suite.paper for suite, _ in chosen}
    inputs = digest_inputs(setups, chosen, [suite for suite in suites() if suite.paper in papers], studies, ablations)
    before = read_report_index(out)
    intact = all(checksum(out / name) == written for name, written in before.files.items())
    if not force and before.inputs == inputs and before.files and intact:
        return WrittenReport(out, False)
    for folder in (out, out / "tables", out / "figures"):  # fails before the work if it cannot be written
        folder.mkdir(parents=True, exist_ok=True)
    blocks = compose_blocks(setups, chosen, studies, ablations, out, say)
    say("report: setting the pages")
    files = write_files(blocks, out)
    for name in set(before.files) - set(files):
        (out / name).unlink(missing_ok=True)
    written = {name: checksum(out / name) for name in sorted(files)}
    write_atomic(out / INDEX, json.dumps({"inputs": inputs, "files": written}, indent=1))
    return WrittenReport(out, True)


def rows_by_suite(pairs: Iterable[Pair]) -> list[tuple[Suite, frozenset[str]]]:
    """The suites, with the rows of each that are wanted."""
    rows: dict[str, tuple[Suite, set[str]]] = {}
    for suite, row in pairs:
        rows.setdefault(suite.slug, (suite, set()))[1].add(row.name)
    return [(suite, frozenset(names)) for suite, names in rows.values()]


def read_report_index(out: Path) -> ReportIndex:
    """The index of the folder's last report; empty unless a report wrote it."""
    try:
        contents = json.loads((out / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ReportIndex("", {})
    if isinstance(contents, dict):
        inputs, files = contents.get("inputs"), contents.get("files")
        if isinstance(inputs, str) and isinstance(files, dict) and all(map(OWN_FILES.fullmatch, files)):
            return ReportIndex(inputs, files)
    return ReportIndex("", {})


def checksum(path: Path) -> str:
    """The SHA-256 of a file; empty where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def compose_blocks(
    setups: Sequence[SetUp],
    chosen: Sequence[tuple[Suite, frozenset[str]]],
    studies: Sequence[StudyResults],
    ablations: Sequence[AblationResults],
    out: Path,
    say: Callable[[str], None],
) -> list[Block]:
    """The report's blocks; figures are written on the way."""
    from reports import overview as chapters
    from reports.ablation.analysis import analyse_metrics
    from reports.ablation.blocks import ablation_blocks
    from reports.ablation.figures import pictures as ablation_pictures
    from reports.audit import audit
    from reports.claim_verdicts import judge
    from reports.suite import blocks as sections
    from reports.suite.analysis import section
    from reports.suite.figures import pictures
    from reports.tuning.blocks import study_chapter
    from reports.tuning.figures import pictures as tuning_pictures

    judged = {setup.name: judge(setup, complete_suites(setup, chosen)) for setup in setups}
    blocks: list[Block] = chapters.opening(setups) if setups else []
    overview = chapters.overview(setups, judged)
    blocks += [overview] if overview else []
    for setup in setups:
        caveat = PROFILES[setup.facts["profile"]].says if setup.facts["profile"] in PROFILES else ""
        blocks += [*chapters.facts(setup, caveat), *chapters.verdicts(setup, judged[setup.name])]
        for suite, names in chosen:
            if any(f"{suite.slug}/{name}" in setup.rows for name in names):
                say(f"report: {suite.slug}, {setup.facts['profile']} profile")
                analysis = section(setup, suite, names, caveat)
                blocks += [*sections.blocks(analysis), *pictures(analysis, out / "figures")]
                for row in setup.suite(suite).values():
                    row.forget()  # a store may hold more runs than memory their items
    if ablations:
        blocks.append(Heading(1, "Which change did what"))
    for each in ablations:
        say(f"report: {each.ablation.slug}")
        analyses = analyse_metrics(each)
        blocks += [*ablation_blocks(each, analyses), *ablation_pictures(each, analyses, out / "figures")]
        for row in each.trained.values():
            row.forget()
    if studies:
        from harness.tune.importances import with_importances  # loads Optuna only where something was tuned

        say("report: tuning")
        with_weights = [with_importances(each) for each in studies]
        blocks += [*study_chapter(with_weights), *tuning_pictures(with_weights, out / "figures")]
    papers = {paper for setup in setups for paper in setup.papers}
    return [*blocks, *chapters.audit_blocks(audit([suite for suite, _ in chosen if suite.paper in papers]))]


def complete_suites(setup: SetUp, chosen: Sequence[tuple[Suite, frozenset[str]]]) -> list[Suite]:
    """The suites whose claims are judged: all rows are selected, and something of the paper has been run."""
    complete = [suite for suite, names in chosen if names >= {row.name for row in suite.rows}]
    return [suite for suite in complete if suite.paper in setup.papers]


def write_files(blocks: Sequence[Block], out: Path) -> list[str]:
    """Write HTML, PDF and tables; return the names of the report's files."""
    from reports.document import html, table_files, typst
    from reports.document.blocks import Picture

    texts = {"report.html": html.page(blocks, TITLE, out)}
    for block in blocks:
        if isinstance(block, Grid):
            texts |= {f"tables/{name}": text for name, text in table_files.tables(block).items()}
    for name, text in texts.items():
        write_atomic(out / name, text)
    write_atomic(out / "report.pdf", typst.pdf(blocks, TITLE, out))
    pictures = [block.name for block in blocks if isinstance(block, Picture)]
    figures = [f"figures/{name}.{kind}" for name in pictures for kind in ("svg", "pdf")]
    return [*texts, "report.pdf", *figures]
