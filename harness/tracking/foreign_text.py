"""What others may have written into a store that is shared: why a run cannot be read, and its text as it is shown.
A checksum that fits says only that somebody computed one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from harness.tracking.seed_result import REPORTED, TOTALS, TRAIN
from model.names import NAME
from reports.document.text import plain
from reports.results import FACTS
from reports.tuning.results import State

LONGEST = 10_000  # characters of a tag; MLflow itself takes 8,000
DIGITS = 15  # of a number in a tag
MOST = 1e15  # seconds, items and bytes
NAMED = ("setup", "cell")  # tags that may become part of a file's name


def one_line(text: str) -> str:
    """Text of others on one line, without the control characters of a terminal."""
    return plain(text[:LONGEST])


def clean_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {one_line(name): one_line(text) for name, text in tags.items()}


def parse_count(text: str) -> int | None:
    """The number in a tag, if it is one."""
    return int(text) if text.isdecimal() and len(text) <= DIGITS else None


def is_text_list(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(text, str) for text in content)


def is_table(content: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(content, dict) and all(isinstance(value, kind) for value in content.values())


def are_notes(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and is_text_list(content.get("notes", []))
        and is_table(content.get("duplicates", {}), int)
    )


def are_options(content: Any) -> bool:
    pairs = content["set"]
    return (
        is_text_list(content["with"])
        and isinstance(pairs, list)
        and all(is_text_list(pair) and len(pair) == 2 for pair in pairs)
    )


JSON: Mapping[str, Callable[[Any], bool]] = {  # tags, and whether the content of one that is not empty is sound
    "data_notes": are_notes,
    "options": are_options,
    "starts": lambda content: isinstance(content, dict),
    "curves": lambda content: is_table(content, str),
    "warnings": is_text_list,
    "fresh": is_text_list,
}


def seed_fault(tags: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    """Why the run of a training cannot be read; empty if it can."""
    for name in NAMED:
        if not NAME.fullmatch(tags.get(name, "")):
            return f"its tag {name} is no name"
    if parse_count(tags.get("seed", "")) is None:
        return "its tag seed is no number"
    for name in ("encoder", "curves"):
        if name not in tags:
            return f"its tag {name} is missing"
    for name, fits in JSON.items():
        if tags.get(name) and not is_json_of(tags[name], fits):
            return f"its tag {name} is damaged"
    return length_fault(tags) or metric_fault(metrics)


def trial_fault(tags: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    """Why the run of a trial cannot be read; empty if it can."""
    from harness.tracking.results_source import TrialRun
    from harness.tracking.studies import study_of_runs

    try:
        (trial,) = study_of_runs([TrialRun(tags, metrics)]).trials
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
        return "its tags are damaged"
    if trial.state not in get_args(State) or not is_table(trial.params, (int, float, str)):
        return "its tags are damaged"
    return length_fault(tags) or metric_fault(metrics)


def placement_fault(run: str, tags: Mapping[str, str]) -> str:
    """A sentence on a run that does not say which row, set-up and seed it is of: it is passed over."""
    fits = {"seed": parse_count(tags.get("seed", "")) is not None, "setup": NAME.fullmatch(tags.get("setup", ""))}
    lacks = [name for name, fit in (fits | {"row": tags.get("row")}).items() if not fit]
    return f"run {run} is passed over, its tag {lacks[0]} is none that the harness writes" if lacks else ""


def majority_tags(tags: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """The first of the tags that agree with most of the others about the set-up: one run spoils it for no other."""
    said = [tuple(each.get(name, "") for name in (*FACTS, "options", "data_notes")) for each in tags]
    return tags[said.index(Counter(said).most_common(1)[0][0])]


def length_fault(tags: Mapping[str, str]) -> str:
    """Which tag is longer than a tag can be."""
    name = next((name for name, text in tags.items() if len(text) > LONGEST), None)
    return "" if name is None else f"its tag {one_line(name)[:40]} has {len(tags[name]):,} characters"


def is_json_of(text: str, fits: Callable[[Any], bool]) -> bool:
    try:
        return fits(json.loads(text))
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def metric_fault(metrics: Mapping[str, float]) -> str:
    """Which metric is out of range; NaN is allowed, it stands for what does not exist."""
    for name, value in metrics.items():
        if name == f"{REPORTED}epoch" or name in TOTALS:
            fits = 0 <= value < MOST
        else:
            fits = not abs(value) > (1 if name.startswith((REPORTED, TRAIN)) else MOST)
        if not fits:
            return f"its {one_line(name)[:40]} is {value:.3g}"
    return ""
