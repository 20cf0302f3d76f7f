"""What ``harness list`` and ``harness show`` say of rows."""

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
SEALS = ("declared", "check")
KINDS = {"profile": str, "data": str, "encoder": str, "variant": str, "declared": str, "n": int, "figures": dict}


def latest(home: Path) -> dict[str, list[dict[str, Any]]]:
    """Our results by ``suite/row``, as the last runs in this home left them. What is damaged counts as not there; the
    row's next run writes it again. Whether a row still declares what its result was made of is another question."""
    try:
        found = json.loads((reports_folder(home) / OURS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        name: [told for told in results if whole(told)] for name, results in found.items() if isinstance(results, list)
    }


def whole(told: object) -> bool:
    """Whether this is a result as it was written."""
    if not isinstance(told, dict) or any(not isinstance(told.get(key), kind) for key, kind in KINDS.items()):
        return False
    if told.get("check") != seal(told):
        return False
    figures = told["figures"].values()
    return all(isinstance(each, dict) and isinstance(each.get("mean"), int | float) for each in figures)


def seal(told: Mapping[str, Any]) -> str:
    """A digest of a result."""
    return digest({name: value for name, value in told.items() if name != "check"})


def of_now(suite: Suite, row: Row, results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the results that were made of what the row declares now."""
    if not results:
        return []
    from harness.planning.matching import row_digest

    mine = [each for each in results if each["declared"] == row_digest(suite, row, each)]
    return [{name: value for name, value in each.items() if name not in SEALS} for each in mine]


def records(chosen: Sequence[tuple[Suite, Row]], status: Callable[[Recipe], str], home: Path) -> list[dict[str, Any]]:
    """One object a row: where it stands, whether it can run, and the numbers."""
    ours = latest(home)
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
            "columns": columns(suite),
            "ours": of_now(suite, row, ours.get(row_slug(suite, row), [])),
        }
        for suite, row in chosen
    ]


def overview(told: Sequence[Mapping[str, Any]]) -> str:
    """All rows as text, suite by suite: the printed figures and what can run."""
    lines: list[str] = []
    suite = ""
    for record in told:
        if record["suite"] != suite:
            suite = record["suite"]
            names = [name.partition("_")[0] for name in record["columns"]]
            lines += ["", f"{suite:<40}" + "".join(f"{name:>9}" for name in names)]
        figures = "".join(f"{number_or_dot(record['printed'].get(name)):>9}" for name in record["columns"])
        mark = "" if record["status"] == "ready" else f"  {record['status']}"
        split = "  test" if record["split"] == "test" else ""
        lines.append(f"  {record['row']:<38}{figures}{split}{mark}")
    ready = sum(record["status"] == "ready" for record in told)
    lines += ["", f"{len(told)} rows, {ready} ready. A dot is a figure that the paper does not print."]
    return "\n".join(lines).lstrip("\n")


def columns(suite: Suite) -> list[str]:
    """The suite's metric columns, and overall where it has a formula or a printed figure."""
    told = [name for name in suite.columns if name != "overall"]
    if suite.formula != "none" or any("overall" in row.printed for row in suite.rows):
        told.append("overall")
    return told


def described(suite: Suite, row: Row) -> dict[str, Any]:
    """Everything about one row as plain data."""
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


def sheet(told: Mapping[str, Any]) -> str:
    """The same as text."""
    lines = [
        f"{told['suite']}/{told['row']}  ({told['status']})",
        told["title"],
        f"{told['paper']}, {told['source']}",
        "",
    ]
    printed = [f"{name} {number_or_dot(value)}" for name, value in told["printed"].items()] or ["nothing"]
    words = f" (in words: {told['printed_words']})" if told["printed_words"] else ""
    lines += [f"printed    {', '.join(printed)} on {told['split']}{words}", f"overall    {told['formula']} formula"]
    lines += [f"selection  {told['selection']}", f"stands on  {told['on'] or 'the base of its table'}"]
    if told["axes"]:
        several = "  - several axes: confounded" if len(told["axes"]) > 1 else ""
        lines.append(f"changes    {', '.join(told['axes'])}{several}")
    for path, (before, after) in told["difference"].items():
        lines.append(f"             {path}: {before} -> {after}")
    lines += ["", "recipe (p printed, s starter code, o our reading)"]
    for path, setting in told["settings"].items():
        lines.append(f"  {setting['mark'][0]}  {path} = {setting['value']}")
    if told["notes"]:
        lines += ["", "notes", *(f"  - {note}" for note in told["notes"])]
    return "\n".join(lines)
