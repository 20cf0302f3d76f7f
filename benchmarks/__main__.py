"""``python -m benchmarks [NAME...]``: measure, print a table, write results.json; 1 where a bound is missed."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.ratio import Bound, Failed, Figure, Skipped, interval
from benchmarks.settings import Settings

PACKAGES = ("torch", "transformers", "tokenizers", "numpy")
SUBJECTS = ("combining", "smoothness", "finetuning", "scoring", "frozen", "jobs", "overhead", "growth", "scheduling")


@dataclasses.dataclass(frozen=True)
class Measure:
    """A subject: the bounds it measures, and how."""

    bounds: tuple[Bound, ...]
    run: Callable[[Settings], Sequence[Figure]]


def measures(names: Sequence[str]) -> dict[str, Measure]:
    """The subjects of these names, loaded."""
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in names}
    return {name: Measure(module.BOUNDS, module.measure) for name, module in modules.items()}


def figures(measure: Measure, settings: Settings) -> Sequence[Figure]:
    """The subject's figures: one for each of its bounds, or why there is none."""
    try:
        return measure.run(settings)
    except Skipped as reason:
        return [Figure(bound, skipped=str(reason)) for bound in measure.bounds]
    except Failed as reason:
        return [Figure(bound, failed=str(reason)) for bound in measure.bounds]


def entry(figure: Figure, settings: Settings) -> dict[str, Any]:
    """The figure as results.json has it."""
    spread = interval(figure.ratios) if figure.ratios else None
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    return {
        "name": figure.bound.name,
        "ratio": figure.ratio,
        "bound": figure.bound.value,
        "ok": figure.ok,
        "sense": figure.bound.sense,
        "peer": figure.bound.peer,
        "interval": [spread.low, spread.high] if spread else None,
        "coverage": spread.coverage if spread else None,
        "repeats": len(figure.ratios),
        "ratios": figure.ratios,
        "skipped": figure.skipped,
        "failed": figure.failed,
        "quick": settings.quick,
        "data": figure.facts.get("data", settings.data if settings.data == "embedded" else "course"),
        "threads": settings.threads,
        "machine": machine,
        "versions": {name: version(name) for name in PACKAGES} | figure.facts.get("versions", {}),
        "facts": {name: fact for name, fact in figure.facts.items() if name not in ("data", "versions")},
    }


def table(entries: Sequence[Mapping[str, Any]]) -> str:
    """A line a figure."""
    lines = [("what", "compared with", "median", "interval", "bound", "")]
    for each in entries:
        reason = each["skipped"] or each["failed"]
        verdict = {True: "ok", False: "failed" if each["failed"] else "missed", None: "skipped"}[each["ok"]]
        lines.append(
            (
                each["name"],
                each["peer"],
                "-" if each["ratio"] is None else f"{each['ratio']:.3f}",
                around(each),
                f"{each['sense']} {each['bound']:.3g}",
                f"{verdict}: {reason}" if reason else verdict,
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def around(figure: Mapping[str, Any]) -> str:
    """The interval, as far as there is one."""
    if figure["interval"] is None:
        return "-"
    low, high = figure["interval"]
    return f"{low:.3f} to {high:.3f} ({figure['coverage']:.0%})" if figure["repeats"] > 1 else "one round"


def main(arguments: Sequence[str] | None = None, subjects: Mapping[str, Measure] | None = None) -> int:
    """1 if a figure misses its bound or broke off; 0 if all others hold theirs or are skipped."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(SUBJECTS)} (default: all)"
    )
    parser.add_argument("--data", default="embedded", help="a folder of course files, or embedded (default)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results.json"))
    parser.add_argument("--quick", action="store_true", help="small shapes and few repeats: the figures mean nothing")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(subjects or SUBJECTS))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; choose from {', '.join(subjects or SUBJECTS)}")
    names = options.names or list(subjects or SUBJECTS)
    chosen = {name: subjects[name] for name in names} if subjects else measures(names)
    entries: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as scratch:
        settings = Settings(options.data, options.quick, Path(scratch), threads=1 if options.quick else 2)
        for name, measure in chosen.items():
            print(f"{name}:", flush=True)
            entries += [entry(figure, settings) for figure in figures(measure, settings)]
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")  # so far
    print(f"\n{table(entries)}")
    if options.quick:
        print("\nSmall shapes and few repeats: these figures show that the code works and mean nothing else.")
    return 1 if any(each["ok"] is False for each in entries) else 0


if __name__ == "__main__":
    sys.exit(main())
