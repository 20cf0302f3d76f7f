"""Which suites, rows and changes there are, and what a user's selector means."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import experiments.changes
from experiments.ablation import PAPER, Ablation
from experiments.papers import SUITES
from experiments.suite import Change, RegistryError, Row, Suite, row_slug
from experiments.tuned_suites import PAPER as TUNED
from harness.registry import plugins, tuned_settings
from model.errors import shown
from model.names import PLAIN
from model.recipe import Recipe

Pair = tuple[Suite, Row]


def suites() -> tuple[Suite, ...]:
    """Every suite, papers in alphabetical order, then the user's own, then what was tuned."""
    return SUITES + plugins.suites() + tuned_settings.suites()


def select(selectors: Sequence[str], rows: Sequence[str] = ()) -> list[Pair]:
    """The rows that the selectors name, each once, in the order of selectors and tables; every row for no selector.

    A selector is a table (``table1``: that table of every paper), a paper, ``paper/table``, ``paper/table/row`` or a
    pattern of one of these with ``*`` and ``?``; ``FILE.py``, a file with suites, or ``FILE.py:SELECTOR`` for some of
    its rows. ``rows`` keeps the rows with these names, patterns too.
    ``RegistryError`` for a selector or a row name that fits nothing, and for a selector that a file of tuned settings
    concerns which cannot be read.
    """
    chosen: dict[str, Pair] = {}
    plugins.read_named(selectors)
    for selector in selectors or ("*",):
        among, name = candidates(selector)
        own_row = name if name != selector else ""  # in a file a row's bare name will do
        matching = {row_slug(*pair): pair for pair in among if _fits(name, *pair) or fnmatchcase(pair[1].name, own_row)}
        _check_tuned_files(selector)
        if not matching:
            near = _file_hint(selector) or _near_names(selector, _selectors())
            raise RegistryError(f"there is no suite or row {shown(selector, 80)}; {near}")
        chosen |= matching
    names = {row.name: row.name for _, row in chosen.values()}
    where = shown(" ".join(selectors), 80)[1:-1] or "any suite"
    for name in rows:
        if not any(fnmatchcase(row_name, name) for row_name in names):
            raise RegistryError(f"there is no row {shown(name, 80)} in {where}; {_near_names(name, names)}")
    return [pair for pair in chosen.values() if not rows or any(fnmatchcase(pair[1].name, name) for name in rows)]


def find(wanted: str) -> Pair:
    """The row of this full slug, ``paper/table/row``, or ``FILE.py:ROW``; ``RegistryError`` with near names if there is
    none."""
    rows, name = candidates(wanted)
    for pair in rows:
        if name == row_slug(*pair) or (name != wanted and name == pair[1].name):
            return pair
    if name != wanted:  # in a file
        slugs = {each: row_slug(*pair) for pair in rows for each in (pair[1].name, row_slug(*pair))}
        raise RegistryError(f"there is no row {shown(name, 80)} in that file; {_near_names(name, slugs)}")
    _check_tuned_files(wanted)
    combinations = ablation_rows(wanted) if wanted.startswith(f"{PAPER}/") else None
    slugs = _row_slugs() if combinations is None else {row_slug(*pair): row_slug(*pair) for pair in combinations}
    near = _file_hint(wanted) or _near_names(wanted, slugs)
    raise RegistryError(f"there is no row {shown(wanted, 80)}, as paper/table/row; {near}")


def candidates(selector: str) -> tuple[list[Pair], str]:
    """The rows that a selector chooses among, and what it says of them."""
    file, rest = plugins.split_selector(selector)
    if file:
        return [(suite, row) for suite in plugins.read_file(file) for row in suite.rows], rest or "*"
    return ablation_rows(selector) if selector.startswith(f"{PAPER}/") else all_rows(), selector


def ablation_rows(slug: str) -> list[Pair]:
    """Every combination of the ablation that this slug, or that of one of its rows, names. ``RegistryError``."""
    suite = ablation(slug.split("/")[1]).rows
    return [(suite, row) for row in suite.rows]


def ablation(table: str) -> Ablation:
    """The ablation that a table's name stands for (``Ablation.table``). ``RegistryError`` where it stands for none."""
    rows, *options = table.split(",")
    against, dots, row = rows.partition("..")
    if not dots:
        raise RegistryError(
            f"there is no ablation {shown(table, 80)}; it is named PAPER.TABLE.AGAINST..ROW, as harness ablate says it"
        )
    other, other_row = find(against.replace(".", "/", 2))
    elsewhere = "/".join(row.split(".")[:2]) in {suite.slug for suite in suites()}
    suite, own_row = find(row.replace(".", "/", 2) if elsewhere else f"{other.slug}/{row}")
    added: list[Change] = []
    fixed: dict[str, bool] = {}
    for option in options:
        kind, _, name = option.partition("=")
        if kind == "factor":
            added.append(change(name))
        elif kind == "hold":
            fixed[name.removesuffix(":on")] = name.endswith(":on")
        else:
            raise RegistryError(
                f"there is no ablation {shown(table, 80)}; {shown(option)} is no factor=CHANGE, hold=NAME"
            )
    key = (table, id(other), id(suite))
    if key not in _ablations:  # the suites are kept with it, so that no other can have their place
        _ablations[key] = Ablation(
            suite=suite, row=own_row, other=other, against=other_row, added=tuple(added), fixed=fixed
        )
    return _ablations[key]


_ablations: dict[tuple[str, int, int], Ablation] = {}


def named_changes() -> dict[str, Change]:
    """Every change that ``--with`` can name: the shared ones, then those of single rows."""
    shared = [each for each in vars(experiments.changes).values() if isinstance(each, Change)]
    return {each.name: each for each in shared} | {each.name: each for _, row in all_rows() for each in row.changes}


def change(name: str) -> Change:
    """The change of this name; ``RegistryError`` with near names if there is none."""
    changes = named_changes()
    if name not in changes:
        raise RegistryError(
            f"there is no change {shown(name, 80)}; {_near_names(name, {each: each for each in changes})}"
        )
    return changes[name]


def status(recipe: Recipe) -> Literal["ready", "not built"]:
    """Whether every technique in the recipe exists as code."""
    return "ready" if recipe.ready else "not built"


def all_rows() -> list[Pair]:
    """Every row that can be read: for what must go on although a file of tuned settings cannot be."""
    return [(suite, row) for suite in suites() for row in suite.rows]


def _check_tuned_files(selector: str) -> None:
    """Raise ``TunedError`` if the selector may mean a row of a file that cannot be used."""
    for name, fault in tuned_settings.faults().items():
        if any(fnmatchcase(each, selector) for each in tuned_settings.slugs(name)):
            raise tuned_settings.TunedError(fault)


def _fits(selector: str, suite: Suite, row: Row) -> bool:
    return any(fnmatchcase(name, selector) for name in (suite.table, suite.paper, suite.slug, row_slug(suite, row)))


def _row_slugs() -> dict[str, str]:
    """Full slugs by themselves and by the bare row name."""
    return {row.name: row_slug(suite, row) for suite, row in reversed(all_rows())} | {
        row_slug(*pair): row_slug(*pair) for pair in all_rows()
    }


def _selectors() -> dict[str, str]:
    """What a user may have meant to type, and the selector that says it."""
    return _row_slugs() | {name: name for suite in suites() for name in (suite.slug, suite.table, suite.paper)}


def _file_hint(name: str) -> str:
    """What to type for the name of a suite or row whose paper is nowhere here: it may be of a user's file. Empty where
    the name is another, or near one that is here."""
    paper, *rest = name.split("/")
    papers = {suite.paper for suite in suites()} | {PAPER, TUNED}
    if not all(PLAIN.fullmatch(part) for part in (paper, *rest[:1])) or not 0 < len(rest) < 3 or paper in papers:
        return ""
    if difflib.get_close_matches(paper.lower(), papers, n=1, cutoff=0.8):
        return ""
    file = Path(f"{paper.replace('-', '_')}.py")
    selector = ":".join([str(file) if file.is_file() else "FILE.py", *rest[1:]])
    return f"if it is in a file of yours, give {selector}"


def _near_names(name: str, choices: Mapping[str, str]) -> str:
    """Names close to a mistyped one, ``_`` read as ``-`` and capitals as small letters."""
    close = difflib.get_close_matches(name.lower().replace("_", "-"), choices, n=3, cutoff=0.5)
    return f"near names: {', '.join(dict.fromkeys(choices[each] for each in close)) or 'none; harness list shows all'}"
