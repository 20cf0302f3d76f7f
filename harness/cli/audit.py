"""``harness audit``: checks of the papers' own arithmetic."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("selectors", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="A JSON array with one object a finding.")
def audit(selectors: tuple[str, ...], as_json: bool) -> None:
    """Recompute what the papers print, and list what does not add up.

    Nothing is trained. Every printed figure is an interval of what rounds to it, so that rounding is never a finding.
    """
    from rich.console import Console

    from harness.registry.selectors import select
    from reports.audit import audit as check
    from reports.audit.terminal import page

    rows: dict[str, set[str]] = {}
    suites = {}
    for suite, row in select(selectors):
        suites[suite.slug] = suite
        rows.setdefault(suite.slug, set()).add(row.name)
    whole = {slug for slug, suite in suites.items() if len(suite.rows) == len(rows[slug])}
    findings = [each for each in check(suites.values()) if each.suite in whole or rows[each.suite] & set(each.rows)]
    if as_json:
        click.echo(json.dumps([each.record() for each in findings], indent=1))
        return
    console = Console()
    console.print(page(findings, list(suites), console.width))
