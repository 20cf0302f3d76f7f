"""What every pluggable part shares: it is a frozen declaration with a stable name, a version and checked fields.

A declaration holds numbers and choices only. Importing it brings in neither torch nor transformers.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import zlib
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from model.errors import InputError


class SettingError(InputError):
    """A field that does not exist, or a value that it cannot take. The message says which and how to mend it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Technique:
    """Base of all declarations.

    ``slug`` is the name in digests, tables and ``--set`` paths and never changes; ``version`` goes up when the
    computed result changes, which makes older cells stale; ``built`` is False while only the declaration exists.
    """

    slug: ClassVar[str]
    version: ClassVar[int] = 1
    built: ClassVar[bool] = True
    atomic: ClassVar[bool] = False  # stands in settings and digests by its key alone
    closed: ClassVar[bool] = False  # its fields are read by name elsewhere, so that a subclass can add none
    packages: ClassVar[tuple[str, ...]] = ()  # optional ones whose code computes its results

    def __init_subclass__(cls) -> None:
        """One that a user keeps elsewhere and gives no version has its file's: who tries things out edits them."""
        super().__init_subclass__()
        if "version" not in vars(cls) and cls.__module__.partition(".")[0] not in ("model", "tests"):
            cls.version = file_version(cls.__module__)

    def __post_init__(self) -> None:
        for name, hint in hints(type(self)).items():
            value = coerce(getattr(self, name), hint, f"{self.slug}.{name}")
            object.__setattr__(self, name, value)
        self.check()

    def check(self) -> None:
        """Raise ``SettingError`` for values that no run could use."""

    def require(self, holds: bool, name: str, needs: str) -> None:
        """Raise ``SettingError`` unless the field's value is one that a run can use."""
        if not holds:
            raise SettingError(f"{self.slug}.{name} is {getattr(self, name)!r}; it must be {needs}")


def file_version(module: str) -> int:
    """A checksum of the module's file; 1 where there is none."""
    try:
        return zlib.crc32(Path(str(sys.modules[module].__file__)).read_bytes())
    except (AttributeError, KeyError, OSError):
        return 1


_HINTS: dict[type, dict[str, Any]] = {}


def hints(kind: type) -> dict[str, Any]:
    """The resolved types of a declaration's fields."""
    if kind not in _HINTS:
        resolved = get_type_hints(kind)
        _HINTS[kind] = {field.name: resolved[field.name] for field in dataclasses.fields(kind)}
    return _HINTS[kind]


def coerce(value: Any, hint: Any, where: str) -> Any:
    """The value as the field's type, or ``SettingError``. An int becomes a float where a float is declared, so that
    1 and 1.0 have one digest."""
    origin, options = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value in options:
            return value
        raise SettingError(f"{where} is {value!r}; choose one of {', '.join(map(str, options))}")
    if origin in (Union, type(int | str)):
        if value is None and type(None) in options:
            return None
        return coerce(value, next(option for option in options if option is not type(None)), where)
    if hint is float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise SettingError(f"{where} is {value!r}; it must be a finite number")
        return float(value)
    kind = tuple if origin is tuple else hint
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise SettingError(f"{where} is {value!r}; it must be of type {kind.__name__}")
    return value


T = TypeVar("T", bound=Technique)
