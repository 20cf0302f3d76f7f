"""The output of ``harness list`` and ``harness show``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.suite import Row, Suite, axes_changed, difference, row_slug
from harness.cells.home import reports_folder
from model.digest import digest
from model.recipe import Recipe
from model.settings import flatten
from reports.number_format import number_or_dot

OURS = "ours.json"  # in <home>/reports: the latest result of every row and set-up
DIGESTS = ("declared", "check")
KINDS = {"profile": str, "data": str, "encoder": str, "variant": str, "declared": str, "n": int, "figures": dict}


def read_latest_results(home: Path) -> dict[str, list[dict[str, Any]]]:
    """Our results by ``suite/row``, as the last runs in this results folder left them. Damaged ones are left out; the
    row's next run writes them again. A row may have changed since (see ``current_results``)."""
    try:
        contents = json.loads((reports_folder(home) / OURS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(contents, dict):
        return {}
    return {
        name: [result for result in results if is_intact(result)]
        for name, results in contents.items()
        if isinstance(results, list)
    }


def is_intact(result: object) -> bool:
    """Whether this is a result as it was written."""
    if not isinstance(result, dict) or any(not isinstance(result.get(key), kind) for key, kind in KINDS.items()):
        return False
    if result.get("check") != result_digest(result):
        return False
    figures = result["figures"].values()
    return all(isinstance(each, dict) and isinstance(each.get("mean"), int | float) for each in figures)


def result_digest(result: Mapping[str, Any]) -> str:
    """A digest of a result."""
    return digest({name: value for name, value in result.items() if name != "check"})


def current_results(suite: Suite, row: Row, results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results of the row as it is declared now."""
    if not results:
        return []
    from harness.planning.matching import row_digest

    current = [each for each in results if each["declared"] == row_digest(suite, row, each)]
    return [{name: value for name, value in each.items() if name not in DIGESTS} for each in current]


def list_rows(chosen: Sequence[tuple[Suite, Row]], status: Callable[[Recipe], str], home: Path) -> list[dict[str, Any]]:
    """One object a row: its place, whether it can run, and the numbers."""
    ours = read_latest_results(home)
    return [
        {
            "suite": suite.slug,
            "row": row.name,
            "title": row.title,
            "origin": row.origin,
            "status": status(suite.recipe(row)),
            "split": row.split,
            "printed": dict(row.printed),
            "printed_words": row.printed_words,
            "formula": suite.formula,
            "columns": metric_columns(suite),
            "ours": current_results(suite, row, ours.get(row_slug(suite, row), [])),
        }
        for suite, row in chosen
    ]


def format_list(rows: Sequence[Mapping[str, Any]]) -> str:
    """All rows as text, suite by suite: the printed figures and what can run."""
    lines: list[str] = []
    suite = ""
    for row in rows:
        if row["suite"] != suite:
            suite = row["suite"]
            names = [name.partition("_")[0] for name in row["columns"]]
            lines += ["", f"{suite:<40}" + "".join(f"{name:>9}" for name in names)]
        figures = "".join(f"{number_or_dot(row['printed'].get(name)):>9}" for name in row["columns"])
        mark = "" if row["status"] == "ready" else f"  {row['status']}"
        split = "  test" if row["split"] == "test" else ""
        lines.append(f"  {row['row']:<38}{figures}{split}{mark}")
    ready = sum(row["status"] == "ready" for row in rows)
    lines += ["", f"{len(rows)} rows, {ready} ready. A dot is a figure that the paper does not print."]
    return "\n".join(lines).lstrip("\n")


def metric_columns(suite: Suite) -> list[str]:
    """The suite's metric columns, and overall where it has a formula or a printed figure."""
    columns = [name for name in suite.columns if name != "overall"]
    if suite.formula != "none" or any("overall" in row.printed for row in suite.rows):
        columns.append("overall")
    return columns


def describe_row(suite: Suite, row: Row) -> dict[str, Any]:
    """One row in full, as plain data."""
    recipe = suite.recipe(row)
    base = suite.recipe(suite.row(row.on)) if row.on else suite.base
    settings = flatten(recipe)
    return {
        "suite": suite.slug,
        "row": row.name,
        "title": row.title,
        "paper": suite.title,
        "source": suite.source,
        "origin": row.origin,
        "status": "ready" if recipe.ready else "not built",
        "split": row.split,
        "selection": suite.selection_of(row).slug,
        "formula": suite.formula,
        "printed": dict(row.printed),
        "printed_words": row.printed_words,
        "on": row.on,
        "changes": [{"name": change.name, "says": change.says} for change in row.changes],
        "axes": list(axes_changed(base, recipe)),
        "difference": {path: list(pair) for path, pair in difference(base, recipe).items()},
        "settings": {path: {"value": value, "mark": suite.mark(row, path)} for path, value in settings.items()},
        "notes": [*row.notes, *(f"table: {note}" for note in suite.notes)],
    }


def format_row(row: Mapping[str, Any]) -> str:
    """The row of ``describe_row`` as text."""
    lines = [
        f"{row['suite']}/{row['row']}  ({row['status']})",
        row["title"],
        f"{row['paper']}, {row['source']}",
        "",
    ]
    printed = [f"{name} {number_or_dot(value)}" for name, value in row["printed"].items()] or ["nothing"]
    words = f" (in words: {row['printed_words']})" if row["printed_words"] else ""
    lines += [f"printed    {', '.join(printed)} on {row['split']}{words}", f"overall    {row['formula']} formula"]
    lines += [f"selection  {row['selection']}", f"stands on  {row['on'] or 'the base of its table'}"]
    if row["axes"]:
        several = "  - several axes: confounded" if len(row["axes"]) > 1 else ""
        lines.append(f"changes    {', '.join(row['axes'])}{several}")
    for path, (before, after) in row["difference"].items():
        lines.append(f"             {path}: {before} -> {after}")
    lines += ["", "recipe (p printed, s starter code, o our reading)"]
    for path, setting in row["settings"].items():
        lines.append(f"  {setting['mark'][0]}  {path} = {setting['value']}")
    if row["notes"]:
        lines += ["", "notes", *(f"  - {note}" for note in row["notes"])]
    return "\n".join(lines)
