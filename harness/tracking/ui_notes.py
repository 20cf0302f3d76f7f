"""What MLflow's pages say of a suite, its rows and their parts, and how they show the table: all of it in tags that
these pages read. No harness reads them back."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from experiments.ablation import PAPER
from experiments.suite import Row, Suite, row_slug
from harness.cells.row_result import ResultEntry
from harness.registry.plugins import installed_suites
from harness.registry.plugins import suites as brought
from harness.tracking import ui_app
from harness.tracking.current_runs import LINE
from harness.tracking.run_payload import RunPayload
from reports.number_format import number_or_dot

NOTE = "mlflow.note.content"
KEY = "table"  # of the prepared view, in its address too
VIEW = f"mlflow.sharedViewState.{KEY}"
RUN = "attributes.`Run Name`"  # a column
PLACE = "place"  # the tag by which they are sorted
LONGEST = 5000  # characters of a tag
MOST = 20  # rows in a chart
FORMULAS = {
    "plain": "Overall is (sst + quora + sts) / 3",
    "normalised": "Overall is (sst + quora + (sts + 1) / 2) / 3",
    "none": "The paper prints no overall",
}
ROWS = """\
The saved view **Table** (above the runs) has a group a row: its means over seeds, `reported/...`, beside the printed
figures, `printed/...`. In a group are the row's own run, which holds what is printed, and a run a seed. Means are over
the runs that are loaded, at first 100; Load more, below them, gives the rest."""
TRIALS = "The saved view **Table** (above the runs) has the best trials first; `state` says how one ended."
READING = """\
`reported/...` is read at the epoch that the row's selection chose, `dev/...` and `train/...` are curves by epoch, and
`health/...` is what the training tells of itself. `alarm` names the tasks that have one answer for everything."""


def experiment_tags(suite: Suite, kind: str) -> dict[str, str]:
    """An experiment's tags; ``kind`` are its rows' parts, seeds or trials."""
    texts = {"paper": suite.paper, "source": suite.source, "formula": suite.formula}
    shown = {NOTE: experiment_note(suite, kind), VIEW: saved_view(suite, kind, (), None)}
    return {name: value for name, value in texts.items() if value} | shown


def experiment_note(suite: Suite, kind: str) -> str:
    titles = ", ".join(filter(None, (suite.title, suite.source)))
    opening, view = ("rows", ROWS) if kind == "seed" else ("trials", TRIALS)
    notes = "\n".join(f"- {note}" for note in suite.notes)
    return truncate(
        [f"{titles}: the {opening} of `{suite.slug}`.", view, f"{READING} {FORMULAS[suite.formula]}.", notes]
    )


def row_tags(entry: ResultEntry) -> dict[str, str]:
    """The tags of a row's own run."""
    suite, row = entry.suite, entry.row
    registered = row in suite.rows  # else it is a study's
    lines = [f"**{row.title}**" + (f", `{command_slug(suite, row)}`" if registered else ""), figures_table(suite, row)]
    if row.printed_words:
        lines.append(f"Printed: {row.printed_words}.")
    if registered:
        lines.append(f"`harness show {command_slug(suite, row)}` shows its recipe, {report_hint(entry)}.")
    return position_tags(entry) | {NOTE: truncate([*lines, *row.notes])}


def part_tags(entry: ResultEntry, payload: RunPayload) -> dict[str, str]:
    """The tags of a seed's run, or a trial's."""
    suite, row = entry.suite, entry.row
    reported = {
        name.removeprefix("reported/"): value for name, value, _ in payload.metrics if name.startswith("reported/")
    }
    at = f"; {row.split}, epoch {reported['epoch']:.0f}" if "epoch" in reported else ""
    lines = [f"{entry.part.capitalize()} of **{entry.name}**, {row.title}{at}"]
    if at:
        lines.append(figures_table(suite, row, {entry.part: reported}))
    if payload.tags.get("reason"):
        lines.append(f"{payload.status.capitalize()}: {payload.tags['reason']}")
    if payload.tags.get("alarm"):
        lines.append(f"Alarm: {payload.tags['alarm']}.")
    return position_tags(entry, 1 + int(entry.part.split()[-1])) | {NOTE: truncate(lines)}


def position_tags(entry: ResultEntry, part: int = 0) -> dict[str, str]:
    """Which line of the table a run belongs to, and where it stands: every row's own run first, then every row's first
    seed. MLflow loads 100 runs at a time, so that all rows are there from the start."""
    names = [row.name for row in entry.suite.rows]
    place = names.index(entry.row.name) + 1 if entry.row.name in names else 0
    return {LINE: f"{entry.name} ({setup_label(entry)})", PLACE: f"{part:04d} {place:03d}"}


def setup_label(entry: ResultEntry) -> str:
    return f"{entry.tags.get('profile', '')} {entry.tags['setup'][:6]}"


def command_slug(suite: Suite, row: Row) -> str:
    """What names the row on the command line."""
    in_file = suite in brought() and suite not in installed_suites()
    return f"FILE.py:{row.name}" if in_file else row_slug(suite, row)


def report_hint(entry: ResultEntry) -> str:
    """Where the figures are judged: a row of a file is in the reports of commands that were given the file."""
    from harness.cells.home import file_name

    slug = command_slug(entry.suite, entry.row)
    command = f"harness report {slug} --out DIR"
    if slug.startswith("FILE.py"):
        return f"`{command}` judges it"
    folder = file_name(setup_label(entry).split(), entry.tags.get("variant", ""))
    if entry.suite.paper == PAPER:
        folder = entry.suite.slug.replace("/", "-")
    link = f"[a report]({ui_app.report_address('', Path(folder, 'report.html'))})"
    return f"`{command}` judges it; `harness run` leaves {link}, which `harness ui` serves"


def figures_table(suite: Suite, row: Row, others: Mapping[str, Mapping[str, float]] | None = None) -> str:
    """The printed figures, and others below them, as a Markdown table; empty where there are none."""
    names = [*suite.columns, "overall"] if suite.formula != "none" else [*suite.columns]
    figures = ({"printed": row.printed} if row.printed else {}) | dict(others or {})
    if not figures:
        return ""
    lines = [["", *(name.partition("_")[0] for name in names)], ["---"] * (1 + len(names))]
    lines += [[whose, *(number_or_dot(values.get(name)) for name in names)] for whose, values in figures.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def truncate(paragraphs: Sequence[str]) -> str:
    text = "\n\n".join(filter(None, paragraphs))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."


def saved_view(suite: Suite, kind: str, lines: Collection[str], stored: str | None) -> str:
    """The experiment's saved view, as MLflow 3.17 writes it, with these lines folded; or what is ``stored`` if a user
    has changed it. The format is not documented: a release that cannot read it shows its plain page."""
    with suppress(ValueError, AttributeError):
        if stored and json.loads(stored).get("updatedAt"):
            return stored
    packed = base64.b64encode(zlib.compress(json.dumps(view_state(suite, kind, lines)).encode(), 9)).decode()
    packed_view = json.dumps({"name": KEY.capitalize(), "createdAt": 0, "updatedAt": 0, "state": f"deflate;{packed}"})
    return packed_view if len(packed_view) <= LONGEST or not lines else saved_view(suite, kind, (), stored)


def view_state(suite: Suite, kind: str, lines: Collection[str]) -> dict[str, Any]:
    """Rows in the paper's order, their means beside the printed figures, or trials, the best first; charts of the
    overall score, or of the first column where there is none."""
    names = [*suite.columns] if suite.formula == "none" else ["overall", *suite.columns]
    sources = ["printed", "reported"] if kind == "seed" else ["reported"]
    figures = [f"metrics.`{whose}/{name}`" for name in names for whose in sources]
    tag_columns = [f"tags.`{name}`" for name in (("split", "seed", "alarm") if kind == "seed" else ("state", "params"))]
    order = grouping(lines) if kind == "seed" else {"orderByKey": figures[0], "orderByAsc": False}
    return order | {
        "searchFilter": f"tags.kind != '{'none' if kind == 'seed' else 'row'}' and tags.superseded IS NULL",
        "selectedColumns": [*figures, *tag_columns],
        "columnOrder": [RUN, *figures, *tag_columns, "runDateAndNestInfo", "duration"],
        "columnWidths": {RUN: 360} | {name: 7 * len(name) - 50 for name in figures},
        "runsHiddenMode": f"FIRST_{MOST}_RUNS",
        "compareRunCharts": [
            *(bar(f"{whose}/{names[0]}") for whose in reversed(sources)),
            *(curve(f"dev/{name}") for name in names),
        ],
        "compareRunSections": [section("table", "Table"), section("curves", "Curves by epoch")],
        "isAccordionReordered": True,
    }


def grouping(lines: Collection[str]) -> dict[str, Any]:
    return {
        "orderByKey": f"tags.`{PLACE}`",
        "orderByAsc": True,
        "groupBy": {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": LINE}]},
        "groupsExpanded": {f"tag.{LINE}.{each}": False for each in sorted(lines)},
    }


def bar(metric: str) -> dict[str, Any]:
    return chart("BAR", metric, "table") | {"runsCountToCompare": MOST}


def curve(metric: str) -> dict[str, Any]:
    return chart("LINE", metric, "curves") | {
        "selectedMetricKeys": [metric],
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "yAxisKey": "metric",
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
        "range": {},
    }


def chart(kind: str, metric: str, where: str) -> dict[str, Any]:
    defaults = {"deleted": False, "isGenerated": False, "displayName": metric}
    return {"type": kind, "uuid": f"{kind} {metric}", "metricSectionId": where, "metricKey": metric} | defaults


def section(name: str, title: str) -> dict[str, Any]:
    defaults = {"display": True, "isReordered": False, "deleted": False, "isGenerated": False}
    return {"uuid": name, "name": title} | defaults


def has_saved_view(tags: Iterable[Mapping[str, str]]) -> bool:
    """Whether an experiment, by its tags, has such a view."""
    return any(tag["key"] == VIEW for tag in tags)


def view_address(server: str, experiment: str) -> str:
    """The address of an experiment's saved view."""
    return f"{server}/#/experiments/{experiment}/runs?viewStateShareKey={KEY}"
