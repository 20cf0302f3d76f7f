"""The tables of json.md, made from the schemas beside it: ``python -m docs.fields`` writes them into the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
PAGE, SCHEMAS = HERE / "json.md", HERE / "schemas"
PART = re.compile(r"(<!-- fields: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Field(NamedTuple):
    """A line of a table. ``path`` has a dot between levels, ``[]`` for each item, capitals for a key that varies."""

    path: str
    kind: str
    unit: str
    says: str


def fields(schema: dict[str, Any], path: str = "", required: bool = True) -> Iterator[Field]:
    """The fields of an object, or of an array's items. One that is marked ``as`` another is described there."""
    if "as" in schema:
        return
    if path and "description" in schema:
        choice = f" One of: {', '.join(schema['enum'])}." if "enum" in schema else ""
        yield Field(
            path, kind(schema) + ("" if required else "?"), schema.get("unit", ""), schema["description"] + choice
        )
    for each in schema.get("oneOf", ()):
        yield from fields(each, path)
    start = f"{path}." if path else ""
    for name, inner in schema.get("properties", {}).items():
        yield from fields(inner, start + name, name in schema.get("required", ()))
    if "key" in schema:
        yield from fields(schema["additionalProperties"], start + schema["key"])
    if schema.get("type") == "array" and "description" not in schema.get("items", {}):
        yield from fields(schema.get("items", {}), f"{path}[]" if path else "")
    elif "items" in schema and schema["items"].get("type") == "object":
        yield from fields({name: each for name, each in schema["items"].items() if name != "description"}, f"{path}[]")
    for name, inner in schema.get("$defs", {}).items():
        yield from fields(inner, name)


def kind(schema: dict[str, Any]) -> str:
    """The types in words."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " or ".join(
        f"array of {items(schema['items'])}" if each == "array" and "items" in schema else each for each in types
    )


def items(schema: dict[str, Any]) -> str:
    return schema["$ref"].rpartition("/")[2] if "$ref" in schema else kind(schema)


def table(name: str) -> str:
    """The schema's fields in Markdown."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    lines = ["| field | type | unit | meaning |", "|---|---|---|---|"]
    every = dict.fromkeys(fields(schema))
    lines += [f"| `{each.path}` | {each.kind} | {each.unit} | {each.says} |" for each in every]
    return "\n".join(lines)


def filled(page: str) -> str:
    """The page with every table as its schema has it."""
    return PART.sub(lambda match: f"{match[1]}\n{table(match[2])}\n\n{match[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
