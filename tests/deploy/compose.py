"""What ``deploy/compose.yaml`` says, with the variables of an environment filled in as Docker Compose does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from tests import ROOT

FOLDER = ROOT / "deploy"
FILE = FOLDER / "compose.yaml"
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


@cache
def compose() -> Any:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def filled(text: str, environment: Mapping[str, str]) -> str:
    """``${NAME:-default}`` and ``${NAME:?what to do}`` replaced; ``LookupError`` where the latter is empty."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if not environment.get(name) and kind == "?":
            raise LookupError(f"{name}: {rest}")
        return environment.get(name) or (rest if kind == "-" else "")

    return VARIABLE.sub(value, text)


def command(service: str, environment: Mapping[str, str]) -> list[str]:
    return [filled(word, environment) for word in compose()["services"][service]["command"]]


def variables(service: str, environment: Mapping[str, str]) -> dict[str, str]:
    return {name: filled(value, environment) for name, value in compose()["services"][service]["environment"].items()}
