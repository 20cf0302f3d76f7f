"""Whether a training is what a row declares. It is computed, from recipe, seed, data, encoder and code, and never
looked up in what was trained last: an edited row has no training until it is trained, and has its old ones again once
the edit is taken back. Reports, comparisons and the tracking store all ask here."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from experiments.profiles import PROFILES
from experiments.suite import Change, RegistryError, Row, Suite
from harness.cells.cell import compute_id, compute_key
from harness.cells.record import Record
from harness.planning.content import base_encoder, encoder_identity, file_hash, is_file, reviews_of
from harness.planning.data import own_fingerprints
from harness.planning.plan import scale_recipe
from harness.planning.setup import Setup
from harness.registry.selectors import change
from model.data.examples import DataError
from model.digest import digest
from model.encoders import hub
from model.encoders.bert import Bert
from model.encoders.loading import is_folder
from model.encoders.placeholders import Base
from model.errors import InputError
from model.recipe import Recipe, versions
from model.settings import describe

EDITED = "trained before the row, its profile or its scored items were edited"
OLDER = "trained by older code"
UNDECLARED = "its profile, or a change of its --with, is not there any more"
SEVERAL = "trained from several contents of one name; which of them it has now cannot be read"


class Training(NamedTuple):
    """What a training says of itself. ``encoder`` is the identity of the weights it started from, ``starts`` their
    declaration as plain data."""

    cell: str
    key: str
    seed: int
    data: Mapping[str, str]
    encoder: str
    starts: Any


def training_of(record: Record) -> Training | None:
    """What cell.json says; None where an older failure left none."""
    about = record.metadata
    if "recipe" not in about:
        return None
    starts = about["recipe"].get("encoder", describe(Base()))
    return Training(record.id, str(about["key"]), int(about["seed"]), about["data"], str(about["encoder"]), starts)


def options_tag(setup: Setup) -> str:
    """What ``--with`` and ``--set`` said, as a tag from which ``parse_setup`` has it again."""
    return json.dumps({"with": [each.name for each in setup.changes], "set": [list(each) for each in setup.settings]})


def parse_setup(tags: Mapping[str, str]) -> Setup | None:
    """The set-up that tags name; None where its profile or a change is not there any more."""
    options = json.loads(tags["options"]) if tags.get("options") else parse_variant(tags.get("variant", ""))
    profile = PROFILES.get(tags.get("profile", ""))
    changes: list[Change] = []
    try:
        changes += [change(name) for name in options["with"]]
    except RegistryError:
        return None
    if profile is None:
        return None
    settings = tuple((str(path), str(value)) for path, value in options["set"])
    return Setup(profile=profile, data="", encoder=tags["encoder"], seeds=0, changes=tuple(changes), settings=settings)


def parse_variant(variant: str) -> dict[str, list[Any]]:
    """The options in a variant's text, which is all that older results have of them."""
    texts = variant.strip("[]").split(", ") if variant else []
    changes = [text for text in texts if "=" not in text]
    return {"with": changes, "set": [text.split("=", 1) for text in texts if "=" in text]}


class Content(NamedTuple):
    """What a name stands for now: of a part of the data (``part``), or of the encoder (no part)."""

    name: str
    part: str
    identity: str


class DeclaredRow:
    """A row in a set-up, as it is declared now (``setup`` None: it cannot be any more)."""

    def __init__(self, suite: Suite, row: Row, setup: Setup | None) -> None:
        self.suite, self.row, self.setup = suite, row, setup

    @cached_property
    def recipe(self) -> Recipe | None:
        """At the profile's scale; None where an option does not fit it."""
        with suppress(InputError):
            return scale_recipe(self.suite, self.row, self.setup) if self.setup else None
        return None

    def fault(self, training: Training) -> str:
        """Why the row does not have this training; empty if it does."""
        if self.setup is None:
            return UNDECLARED
        if self.recipe is None or without_name(self._described.get("encoder", describe(Base()))) != without_name(
            training.starts
        ):
            return EDITED
        profile = self.setup.profile
        key = compute_key(
            self._described, training.seed, training.data, training.encoder, profile.dev, profile.training_sample
        )
        if compute_id(key, self._versions) != training.cell:
            return OLDER if key == training.key else EDITED
        for content in self._contents:
            if content.identity != (training.data.get(content.part) if content.part else training.encoder):
                return f"trained from what {content.name} held before; it holds something else now"
        return ""

    @cached_property
    def _described(self) -> Mapping[str, Any]:
        described: Mapping[str, Any] = describe(self.recipe)
        return described

    @cached_property
    def _versions(self) -> Mapping[str, int]:
        assert self.recipe is not None
        return versions(self.recipe)

    @cached_property
    def _contents(self) -> list[Content]:
        """What the row's files and its encoder hold now, as far as they can be read here."""
        assert self.recipe is not None
        contents = []
        with suppress(DataError):
            fingerprints = own_fingerprints(self.recipe)
            contents += [
                Content(str(self.recipe.branch(task).task.file), task, print_) for task, print_ in fingerprints.items()
            ]
        for reviews in reviews_of(self.recipe):
            if is_file(reviews.source):
                with suppress(DataError):
                    contents.append(Content(reviews.source, "reviews", file_hash(reviews.source)))
        start = base_encoder(self.recipe.encoder)
        name = getattr(start, "name", "")
        if not name or is_folder(name) or hub.cached(name):
            with suppress(InputError, KeyError):  # text of the data itself is the set-up's
                where = f"the encoder {name or start.slug}"
                contents.append(Content(where, "", encoder_identity(self.recipe.encoder, {})))
        return contents


def without_name(description: Any) -> Any:
    """An encoder's description without the name of the BERT in it, which is known by its content, and without the
    commit of any other."""
    if not isinstance(description, dict):
        return description
    kept = {name: without_name(value) for name, value in description.items()}
    if kept.get("is") == Bert.slug:
        kept.pop("name", None)
    elif isinstance(kept.get("name"), str):
        kept["name"] = kept["name"].partition("@")[0]
    return kept


Kept = TypeVar("Kept")


@dataclasses.dataclass(frozen=True)
class Matched(Generic[Kept]):
    """By seed: what a row has of a training, and why it does not have the one that was made for it."""

    kept: Mapping[int, Kept]
    left_out: Mapping[int, str]


def match_trainings(declared: DeclaredRow, candidates: Iterable[tuple[Training, Kept]]) -> Matched[Kept]:
    """Which of the trainings that were made for a row it has. Two that would do are none, for nothing says which."""
    matching: dict[int, dict[str, Kept]] = {}
    faults: dict[int, str] = {}
    for training, value in candidates:
        fault = declared.fault(training)
        if fault:
            faults[training.seed] = fault
        else:
            matching.setdefault(training.seed, {})[training.cell] = value
    single = {seed: next(iter(cells.values())) for seed, cells in matching.items() if len(cells) == 1}
    several = {seed: SEVERAL for seed in matching if seed not in single}
    unmatched = {seed: fault for seed, fault in faults.items() if seed not in matching}
    return Matched(dict(sorted(single.items())), dict(sorted((unmatched | several).items())))


def row_digest(suite: Suite, row: Row, setup: Mapping[str, str]) -> str:
    """A digest of all that a row's figures follow from in a set-up, but for the seeds and what a name of data or of an
    encoder stands for. Empty where that cannot be told."""
    declared = DeclaredRow(suite, row, parse_setup(setup))
    if declared.recipe is None or declared.setup is None:
        return ""
    profile = declared.setup.profile
    scored = [dict(profile.dev), profile.training_sample]
    with suppress(DataError):
        fingerprints = own_fingerprints(declared.recipe)
        return digest(
            [describe(declared.recipe), versions(declared.recipe), reading_digest(suite, row), scored, fingerprints]
        )
    return ""


def reading_digest(suite: Suite, row: Row) -> str:
    """A digest of how a row reads its trainings: the epoch it chooses, its split, and what overall is."""
    return digest([row.split, describe(suite.selection_of(row)), suite.formula])
