"""Writes a report: what was measured of the selected rows, judged, drawn and set."""

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
from harness.reporting.ablations import ablations
from harness.reporting.input_digest import inputs_of
from harness.tracking.results_source import ResultsSource
from harness.tracking.studies import studies
from model.errors import InputError
from reports.ablation.results import AblationResults
from reports.document.blocks import Block, Grid, Heading
from reports.results import SetUp
from reports.tuning.results import StudyResults

TITLE = "Ablation report"
INDEX = "report.json"
OWN = re.compile(r"report\.(html|pdf)|(tables|figures)/[\w-]+\.\w+")  # what a report writes, and may remove


@dataclasses.dataclass(frozen=True)
class Written:
    """Where a report is, and whether it was written now or was there with the same inputs."""

    folder: Path
    new: bool


class Index(NamedTuple):
    """A digest of what a report was made from, and its files by name, with the SHA-256 of each."""

    inputs: str
    files: Mapping[str, str]


def measured(evidence: ResultsSource, pairs: Sequence[Pair], only: str | None = None) -> list[SetUp]:
    """What was measured of these rows and of all that the claims about them need. ``InputError`` if nothing was of
    these rows."""
    found = measured_or_none(evidence, pairs, only)
    if not found:
        raise InputError(f"{evidence.name} has no results of these rows{why(evidence, pairs, only)}")
    return found


def why(evidence: ResultsSource, pairs: Sequence[Pair], only: str | None) -> str:
    """Why there are none, and what makes them."""
    for setup in evidence.setups(pairs, only):
        for slug, faults in setup.left_out.items():
            seed, fault = next(iter(faults.items()))
            return f"; {slug} seed {seed} was {fault}; harness run trains it anew"
    return "; harness run makes them"


def measured_or_none(evidence: ResultsSource, pairs: Sequence[Pair], only: str | None = None) -> list[SetUp]:
    """The same, and nothing where there is nothing."""
    papers = {suite.paper for suite, _ in pairs}
    every = [(suite, row) for suite in suites() if suite.paper in papers for row in suite.rows]
    every += [(suite, row) for suite, row in pairs if suite.paper == PAPER]
    wanted = {row_slug(suite, row) for suite, row in pairs}
    return [setup for setup in evidence.setups(every, only) if wanted & set(setup.rows)]


def write(
    evidence: ResultsSource,
    pairs: Sequence[Pair],
    out: Path,
    say: Callable[[str], None],
    *,
    tuned: Sequence[str] | None = None,
    ablated: Sequence[str] | None = None,
    only: str | None = None,
    again: bool = False,
) -> Written:
    """Write the report of these rows, of the studies ``tuned`` and of the ablations ``ablated`` (None: all, or those
    that the rows are of) into a folder, in one set-up (``only``) or in all of them; nothing is written when its inputs
    are those of the report that is there, unless asked for ``again``."""
    sought = [each for each in studies(evidence, only) if tuned is None or each.study in tuned]
    wanted = {suite.table for suite, _ in pairs if suite.paper == PAPER} if ablated is None else set(ablated)
    taken = [
        each for each in ablations(evidence, only) if each.ablation.table in wanted or (ablated is None and not wanted)
    ]
    pairs = [(suite, row) for suite, row in pairs if suite.paper != PAPER]
    found = (measured_or_none if sought or taken else measured)(evidence, pairs, only)
    chosen = grouped(pairs)
    papers = {suite.paper for suite, _ in chosen}
    inputs = inputs_of(found, chosen, [suite for suite in suites() if suite.paper in papers], sought, taken)
    before = index(out)
    whole = all(checksum(out / name) == written for name, written in before.files.items())
    if not again and before.inputs == inputs and before.files and whole:
        return Written(out, False)
    for folder in (out, out / "tables", out / "figures"):  # what cannot be written is told before the work
        folder.mkdir(parents=True, exist_ok=True)
    blocks = compose(found, chosen, sought, taken, out, say)
    say("report: setting the pages")
    files = render(blocks, out)
    for name in set(before.files) - set(files):
        (out / name).unlink(missing_ok=True)
    written = {name: checksum(out / name) for name in sorted(files)}
    write_atomic(out / INDEX, json.dumps({"inputs": inputs, "files": written}, indent=1))
    return Written(out, True)


def grouped(pairs: Iterable[Pair]) -> list[tuple[Suite, frozenset[str]]]:
    """The suites, with the rows of each that are wanted."""
    rows: dict[str, tuple[Suite, set[str]]] = {}
    for suite, row in pairs:
        rows.setdefault(suite.slug, (suite, set()))[1].add(row.name)
    return [(suite, frozenset(names)) for suite, names in rows.values()]


def index(out: Path) -> Index:
    """What the folder's last report was made from and which files it wrote; empty unless it is ours."""
    try:
        told = json.loads((out / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Index("", {})
    if not isinstance(told, dict) or not isinstance(told.get("files"), dict) or not isinstance(told.get("inputs"), str):
        return Index("", {})
    return Index(told["inputs"], told["files"]) if all(map(OWN.fullmatch, told["files"])) else Index("", {})


def checksum(path: Path) -> str:
    """Of a file's content; empty where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def compose(
    found: Sequence[SetUp],
    chosen: Sequence[tuple[Suite, frozenset[str]]],
    sought: Sequence[StudyResults],
    taken: Sequence[AblationResults],
    out: Path,
    say: Callable[[str], None],
) -> list[Block]:
    """The blocks, with the figures written on the way."""
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

    judged = {setup.name: judge(setup, whole_tables(setup, chosen)) for setup in found}
    made: list[Block] = chapters.opening(found) if found else []
    overview = chapters.overview(found, judged)
    made += [overview] if overview else []
    for setup in found:
        caveat = PROFILES[setup.facts["profile"]].says if setup.facts["profile"] in PROFILES else ""
        made += [*chapters.facts(setup, caveat), *chapters.verdicts(setup, judged[setup.name])]
        for suite, names in chosen:
            if any(f"{suite.slug}/{name}" in setup.rows for name in names):
                say(f"report: {suite.slug}, {setup.facts['profile']} profile")
                told = section(setup, suite, names, caveat)
                made += [*sections.blocks(told), *pictures(told, out / "figures")]
                for row in setup.suite(suite).values():
                    row.forget()  # a store may hold more runs than memory their items
    if taken:
        made.append(Heading(1, "Which change did what"))
    for each in taken:
        say(f"report: {each.ablation.slug}")
        every = analyse_metrics(each)
        made += [*ablation_blocks(each, every), *ablation_pictures(each, every, out / "figures")]
        for row in each.trained.values():
            row.forget()
    if sought:
        from harness.tune.importances import weighed  # Optuna is not wanted where nothing was tuned

        say("report: tuning")
        weighty = [weighed(each) for each in sought]
        made += [*study_chapter(weighty), *tuning_pictures(weighty, out / "figures")]
    papers = {paper for setup in found for paper in setup.papers}
    return [*made, *chapters.audit_blocks(audit([suite for suite, _ in chosen if suite.paper in papers]))]


def whole_tables(setup: SetUp, chosen: Sequence[tuple[Suite, frozenset[str]]]) -> list[Suite]:
    """The suites whose claims are judged: all rows are asked for, and something of the paper has been run."""
    whole = [suite for suite, names in chosen if names >= {row.name for row in suite.rows}]
    return [suite for suite in whole if suite.paper in setup.papers]


def render(blocks: Sequence[Block], out: Path) -> list[str]:
    """Write all forms; the files' names within the folder."""
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
    drawn = [f"figures/{name}.{kind}" for name in pictures for kind in ("svg", "pdf")]
    return [*texts, "report.pdf", *drawn]
