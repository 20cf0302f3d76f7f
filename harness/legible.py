"""What others may have written into a store that is shared: why a run cannot be read, and its words as they are shown.
A checksum that fits says only that somebody made one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from harness.seed import REPORTED, TOTALS, TRAIN
from model.names import NAME
from reports.document.plain import plain
from reports.evidence import FACTS
from reports.tuning.evidence import State

LONGEST = 10_000  # characters of a tag; MLflow itself takes 8,000
DIGITS = 15  # of a number in a tag
MOST = 1e15  # seconds, items and bytes
NAMED = ("setup", "cell")  # tags of which a file's name may be made


def line(text: str) -> str:
    """Words of others, on one line and without what moves a terminal."""
    return plain(text[:LONGEST])


def lined(tags: Mapping[str, str]) -> dict[str, str]:
    return {line(name): line(text) for name, text in tags.items()}


def count(text: str) -> int | None:
    """The number that a tag tells, if it is one."""
    return int(text) if text.isdecimal() and len(text) <= DIGITS else None


def texts(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(text, str) for text in found)


def table(found: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(found, dict) and all(isinstance(value, kind) for value in found.values())


def notes(found: Any) -> bool:
    return isinstance(found, dict) and texts(found.get("notes", [])) and table(found.get("duplicates", {}), int)


def options(found: Any) -> bool:
    pairs = found["set"]
    return texts(found["with"]) and isinstance(pairs, list) and all(texts(pair) and len(pair) == 2 for pair in pairs)


JSON: Mapping[str, Callable[[Any], bool]] = {  # tags and what they hold, where they hold anything
    "data_notes": notes,
    "options": options,
    "starts": lambda found: isinstance(found, dict),
    "curves": lambda found: table(found, str),
    "warnings": texts,
    "fresh": texts,
}


def of_seed(tags: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    """Why the run of a training cannot be read; empty if it can."""
    for name in NAMED:
        if not NAME.fullmatch(tags.get(name, "")):
            return f"its tag {name} is no name"
    if count(tags.get("seed", "")) is None:
        return "its tag seed is no number"
    for name in ("encoder", "curves"):
        if name not in tags:
            return f"its tag {name} is missing"
    for name, fits in JSON.items():
        if tags.get(name) and not holds(tags[name], fits):
            return f"its tag {name} is damaged"
    return long(tags) or odd(metrics)


def of_trial(tags: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    """The same of a trial's."""
    from harness.measured import TrialRun
    from harness.tune.kept import tuned

    try:
        (trial,) = tuned([TrialRun(tags, metrics)]).trials
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
        return "its tags are damaged"
    if trial.state not in get_args(State) or not table(trial.params, (int, float, str)):
        return "its tags are damaged"
    return long(tags) or odd(metrics)


def misplaced(run: str, tags: Mapping[str, str]) -> str:
    """Of a run that does not say which row, set-up and seed it is of: that it is passed over."""
    fits = {"seed": count(tags.get("seed", "")) is not None, "setup": NAME.fullmatch(tags.get("setup", ""))}
    lacks = [name for name, fit in (fits | {"row": tags.get("row")}).items() if not fit]
    return f"run {run} is passed over, its tag {lacks[0]} is none that the harness writes" if lacks else ""


def usual(tags: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """The first of those that most agree with in what they say of the set-up: one run spoils it for no other."""
    said = [tuple(each.get(name, "") for name in (*FACTS, "options", "data_notes")) for each in tags]
    return tags[said.index(Counter(said).most_common(1)[0][0])]


def long(tags: Mapping[str, str]) -> str:
    """Which tag has more than a tag can have."""
    name = next((name for name, text in tags.items() if len(text) > LONGEST), None)
    return "" if name is None else f"its tag {line(name)[:40]} has {len(tags[name]):,} characters"


def holds(text: str, fits: Callable[[Any], bool]) -> bool:
    try:
        return fits(json.loads(text))
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def odd(metrics: Mapping[str, float]) -> str:
    """Which figure is none: NaN is one, of what does not exist."""
    for name, value in metrics.items():
        if name == f"{REPORTED}epoch" or name in TOTALS:
            fits = 0 <= value < MOST
        else:
            fits = not abs(value) > (1 if name.startswith((REPORTED, TRAIN)) else MOST)
        if not fits:
            return f"its {line(name)[:40]} is {value:.3g}"
    return ""
