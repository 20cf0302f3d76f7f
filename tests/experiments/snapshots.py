"""What may not change unnoticed: every declaration's defaults, and the code behind every technique's version.

``python -m tests.experiments.snapshots`` writes both anew, after versions were raised where results change.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import model
from model.declaration import Technique
from model.recipe import LOOP_VERSION
from model.settings import describe

FOLDER = Path(__file__).parent
LOOP_MODULES = (
    *("train", "trainer", "run", "task_forward", "network", "batching", "feature_cache", "rng", "metrics"),
    *("precision", "descent", "microbatches", "snapshot"),
    *("kernels.padding_layout", "kernels.dropout", "kernels.sparse_embedding", "kernels.fused_adamw"),
    *("kernels.attention", "kernels.packed_bert", "kernels.bf16_linear", "kernels.switch"),
)
SHARED = {"model.divergences": ("momentum_proximal", "proximal", "r_drop", "smart")}  # what computes with a module
LOOP = tuple(f"model.{name}" for name in LOOP_MODULES)


def techniques() -> list[type[Technique]]:
    """Every declaration that has a slug, by name."""
    for module in pkgutil.walk_packages(model.__path__, "model."):
        importlib.import_module(module.name)
    kinds, queue = [], [Technique]
    while queue:
        kind = queue.pop()
        queue += kind.__subclasses__()
        if "slug" in vars(kind) and kind.__module__.startswith("model."):
            kinds.append(kind)
    return sorted(kinds, key=lambda kind: (kind.slug, kind.__name__))


def defaults() -> dict[str, dict[str, Any]]:
    """Field defaults by slug."""
    return {
        kind.slug: {
            field.name: describe(field.default)
            for field in dataclasses.fields(kind)
            if field.default is not dataclasses.MISSING
        }
        for kind in techniques()
    }


def code() -> dict[str, list[Any]]:
    """For every module that computes results: the versions it declares, and a hash of its code without comments and
    docstrings."""
    modules: dict[str, list[Any]] = {}
    for name in sorted({kind.__module__ for kind in techniques()} | set(LOOP)):
        versions = {kind.slug: kind.version for kind in techniques() if kind.__module__ == name}
        modules[name] = [{"loop": LOOP_VERSION} if name in LOOP else versions, hashed(name)]
    for name, users in SHARED.items():
        modules[name] = [{kind.slug: kind.version for kind in techniques() if kind.slug in users}, hashed(name)]
    return modules


def hashed(name: str) -> str:
    """A hash of a module's syntax tree without docstrings."""
    source = importlib.import_module(name).__file__
    assert source is not None
    tree = ast.parse(Path(source).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0].value.value = ""
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def write(name: str, content: Any) -> None:
    (FOLDER / name).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    write("defaults.json", defaults())
    write("code.json", code())
