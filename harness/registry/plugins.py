"""Suites that are not in this package: in a file of the user's, or in an installed package's entry point.

A file's folder is put on the path, so that it can import a technique that lies beside it, and workers can import both.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import experiments.changes
from experiments.form import Fault, form_faults
from experiments.papers import SUITES
from experiments.suite import Change, RegistryError, Suite
from experiments.validate import faults
from model.declaration import Technique
from model.errors import InputError, shown
from model.names import name_fault
from model.settings import parts
from model.task import Task, enrol

GROUP = "ablation_harness.suites"  # of entry points: a module with SUITES
SUFFIX = ".py"

_files: dict[Path, tuple[ModuleType, tuple[Suite, ...]]] = {}


def suites() -> tuple[Suite, ...]:
    """Of installed packages, and of the files read so far."""
    return installed_suites() + tuple(suite for _, file_suites in _files.values() for suite in file_suites)


def split_selector(selector: str) -> tuple[str, str]:
    """A selector's file, if it names one (``FILE.py`` or ``FILE.py:ROW``), and the rest."""
    match = re.fullmatch(rf"(.*?\{SUFFIX})(?::(.*))?", selector, re.DOTALL)
    return (match[1], match[2] or "") if match else ("", selector)


def read_named(selectors: Iterable[str]) -> None:
    """Read the files that any of these name, so that the others may name their rows by their slugs."""
    for file in filter(None, (split_selector(selector)[0] for selector in selectors)):
        read_file(file)


def read_file(file: str) -> tuple[Suite, ...]:
    """The suites of a file, which is run once. ``RegistryError`` with the line that is at fault."""
    try:
        path = Path(file).expanduser().resolve()
        exists = path.is_file()
    except (OSError, ValueError, RuntimeError):
        exists = False
    if not exists:
        raise RegistryError(f"there is no file {shown(file, 400)}; give a Python file that ends with SUITES")
    if path not in _files:
        module = import_file(path, file)
        file_suites = suites_of(module, file)
        duplicates = [suite.slug for suite in SUITES + suites() for own in file_suites if suite.slug == own.slug]
        if duplicates:
            raise RegistryError(f"{file}: there is a suite {duplicates[0]} already; give this another paper or table")
        _files[path] = (module, file_suites)
    return _files[path][1]


def import_file(path: Path, file: str) -> ModuleType:
    """The file as a module of its own name."""
    name = path.name.removesuffix(SUFFIX)
    if not name.isidentifier():
        raise RegistryError(f"{file} cannot be imported: name it with letters, digits and _ alone")
    spec = importlib.util.find_spec(name)
    if spec is not None and (spec.origin is None or Path(spec.origin) != path):
        raise RegistryError(f"{file} has the name of an installed module, {name}; rename it")
    sys.path.append(str(path.parent))
    try:
        return importlib.import_module(name)
    except SyntaxError as error:
        raise RegistryError(f"{error.filename}:{error.lineno}: {error.msg}") from None
    except Exception as error:
        sys.modules.pop(name, None)
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f"{each.filename}:{each.lineno}" for each in frames if Path(each.filename).parent == path.parent]
        where = lines[-1] if lines else file
        message = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        raise RegistryError(f"{where}: {message}") from None


def suites_of(module: Any, whose: str) -> tuple[Suite, ...]:
    """A module's ``SUITES``, their tasks enrolled. ``RegistryError`` if it has none, for faults in them, and for a
    technique with the slug of another."""
    module_suites = getattr(module, "SUITES", None)
    if (
        not isinstance(module_suites, tuple | list)
        or not module_suites
        or not all(isinstance(each, Suite) for each in module_suites)
    ):
        raise RegistryError(f"{whose} has no suites; let it end with SUITES = (Suite(...),)")
    raise_first(module, whose, ((suite, fault) for suite in module_suites for fault in form_faults(suite)))
    raise_first(module, whose, find_conflicts(module_suites))
    ours = {kind.slug: kind for kind in techniques(Technique) if kind.__module__.startswith("model.")}
    try:
        used = [part for suite in module_suites for row in suite.rows for part in parts(suite.recipe(row))]
        for task in used:
            if isinstance(task, Task):
                enrol(task, ours)
        wrong = [(suite, fault) for suite in module_suites for fault in faults(suite)]
    except InputError as error:
        raise RegistryError(f"{whose}: {error}") from None
    raise_first(module, whose, wrong)
    for kind in {type(part) for part in used}:
        if ours.get(kind.slug, kind) is not kind:
            raise RegistryError(f"{whose}: {kind.__name__} has the slug {kind.slug} of another technique; rename it")
        if fault := name_fault(kind.slug, dots=False):
            raise RegistryError(f"{whose}: {kind.__name__} has the slug {shown(kind.slug, 60)}; {fault}")
    return tuple(module_suites)


def raise_first(module: Any, whose: str, wrong: Iterable[tuple[Suite, Fault]]) -> None:
    """``RegistryError`` with the first fault, and the first line of the module's file that has what it is about."""
    for suite, fault in wrong:
        line = line_of(Path(module.__file__), fault.about) if whose.endswith(SUFFIX) else None
        where = whose if line is None else f"{whose}:{line}"
        raise RegistryError(f"{where}: {shown(suite.slug, 80)[1:-1]}: {fault.says}")


def line_of(path: Path, about: object) -> int | None:
    """The first line in which this word is written."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    written = [each for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return min((each.lineno for each in written if each.value == about), default=None)


def find_conflicts(module_suites: Sequence[Suite]) -> Iterator[tuple[Suite, Fault]]:
    """Suites of one slug, and changes that have the name of another of these or of the registry."""
    slugs = set[str]()
    changes = {each.name: each for suite in SUITES for row in suite.rows for each in row.changes}
    changes |= {each.name: each for each in vars(experiments.changes).values() if isinstance(each, Change)}
    for suite in module_suites:
        if suite.slug in slugs:
            yield suite, Fault(f"there are two suites {suite.slug} in it; give one another table", suite.table)
        slugs.add(suite.slug)
        for each in (each for row in suite.rows for each in row.changes):
            if changes.setdefault(each.name, each).edits != each.edits:
                yield (
                    suite,
                    Fault(f"there is another change {each.name!r} that does not change the same; rename it", each.name),
                )


def techniques(kind: type[Technique]) -> Iterator[type[Technique]]:
    """Every kind that has a slug."""
    for each in kind.__subclasses__():
        if hasattr(each, "slug"):
            yield each
        yield from techniques(each)


@cache
def installed_suites() -> tuple[Suite, ...]:
    """The suites of entry points."""
    result: list[Suite] = []
    for point in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        try:
            result += suites_of(point.load(), f"the entry point {point.name} ({point.value})")
        except RegistryError:
            raise
        except Exception as error:
            raise RegistryError(
                f"the entry point {point.name} ({point.value}) cannot be loaded ({type(error).__name__}: {error}); "
                "mend or uninstall its package"
            ) from None
    return tuple(result)


def modules() -> list[ModuleType]:
    """What was imported from the folders of the files read, the files themselves too."""
    folders = {path.parent for path in _files}
    return [
        module
        for module in list(sys.modules.values())
        if (file := getattr(module, "__file__", None)) and Path(file).parent in folders
    ]
