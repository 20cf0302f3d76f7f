"""Fields that a technique of one's own adds and that nothing reads: they would be hashed and shown, and do nothing."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from model.declaration import Technique, hints
from model.settings import parts

WHOLE = {"asdict", "astuple", "fields", "vars", "__dict__"}  # who uses one of these may read every field


def unread(node: Technique) -> str:
    """What is wrong with the fields of a declaration and of those inside it, and how to mend it, or nothing."""
    for part in parts(node):
        kind, base = type(part), ours(type(part))
        added = kind.__mro__[: kind.__mro__.index(base)]
        for name in (name for name in hints(kind) if name not in hints(base)):
            where = f"{part.slug}.{name} of {kind.__name__} would be ignored"
            if base.closed:
                return f"{where}: of {base.__name__} only {', '.join(hints(base))} are read; leave it out"
            if not any(reads(own, name) for own in added):
                return f"{where}: no method reads self.{name}; use it in one, or leave it out"
    return ""


def ours(kind: type[Technique]) -> type[Technique]:
    """The class of the package that it is or builds on."""
    return next(each for each in kind.__mro__ if each.__module__.partition(".")[0] == "model")


def reads(own: type, name: str) -> bool:
    """Whether code beside the class may read a field of this name: its own methods, or others in its folder, where the
    active form of a regularizer may stand. ``check`` is no use of a field."""
    methods = list(of_class(own))
    whole = any(not WHOLE.isdisjoint(code.co_names) for code in methods)
    return whole or any(mentions(code, name) for code in (*methods, *nearby(own)))


def nearby(own: type) -> Iterator[CodeType]:
    """The functions of a class's module and of the modules in the same folder."""
    for module in beside(own):
        for value in list(vars(module).values()):
            if inspect.isclass(value) and value.__module__ == module.__name__:
                yield from of_class(value)
            elif inspect.isfunction(value) and value.__module__ == module.__name__:
                yield value.__code__


def of_class(kind: type) -> Iterator[CodeType]:
    """The functions that a class defines, but not what ``dataclass`` wrote."""
    for name, value in vars(kind).items():
        function: Any = (
            getattr(value, "fget", None) or getattr(value, "func", None) or getattr(value, "__func__", value)
        )
        code = getattr(inspect.unwrap(function) if callable(function) else None, "__code__", None)
        if code is not None and code.co_filename != "<string>" and name != "check":
            yield code


def beside(own: type) -> list[ModuleType]:
    """The loaded modules in the folder of a class's module, its own among them."""
    module = sys.modules.get(own.__module__)
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return [] if module is None else [module]
    folder = Path(file).parent
    files = ((each, getattr(each, "__file__", None)) for each in list(sys.modules.values()))
    return [each for each, path in files if isinstance(path, str) and Path(path).parent == folder]


def mentions(code: CodeType, name: str) -> bool:
    """Whether a function, or one inside it, speaks of an attribute of this name."""
    inner = (mentions(part, name) if isinstance(part, CodeType) else part == name for part in code.co_consts)
    return name in code.co_names or any(inner)
