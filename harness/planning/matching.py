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
from harness.cells.cell import id_of, key_of
from harness.cells.record import Record
from harness.planning.content import encoder_identity, file_hash, is_file, leaf, reviews_of
from harness.planning.data import own_fingerprints
from harness.planning.plan import scaled
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
    about = record.about
    if "recipe" not in about:
        return None
    starts = about["recipe"].get("encoder", describe(Base()))
    return Training(record.id, str(about["key"]), int(about["seed"]), about["data"], str(about["encoder"]), starts)


def options(setup: Setup) -> str:
    """What ``--with`` and ``--set`` said, as a tag from which ``setup_of`` has it again."""
    return json.dumps({"with": [each.name for each in setup.changes], "set": [list(each) for each in setup.settings]})


def setup_of(tags: Mapping[str, str]) -> Setup | None:
    """The set-up that tags name; None where its profile or a change is not there any more."""
    said = json.loads(tags["options"]) if tags.get("options") else options_in(tags.get("variant", ""))
    profile = PROFILES.get(tags.get("profile", ""))
    changes: list[Change] = []
    try:
        changes += [change(name) for name in said["with"]]
    except RegistryError:
        return None
    if profile is None:
        return None
    settings = tuple((str(path), str(value)) for path, value in said["set"])
    return Setup(profile=profile, data="", encoder=tags["encoder"], seeds=0, changes=tuple(changes), settings=settings)


def options_in(variant: str) -> dict[str, list[Any]]:
    """The options in a variant's text, which is all that older results have of them."""
    texts = variant.strip("[]").split(", ") if variant else []
    changes = [text for text in texts if "=" not in text]
    return {"with": changes, "set": [text.split("=", 1) for text in texts if "=" in text]}


class Content(NamedTuple):
    """What a name stands for now: of a part of the data (``part``), or of the encoder (no part)."""

    name: str
    part: str
    identity: str


class Declared:
    """A row in a set-up, as it is declared now (``setup`` None: it cannot be any more)."""

    def __init__(self, suite: Suite, row: Row, setup: Setup | None) -> None:
        self.suite, self.row, self.setup = suite, row, setup

    @cached_property
    def recipe(self) -> Recipe | None:
        """At the profile's scale; None where an option does not fit it."""
        with suppress(InputError):
            return scaled(self.suite, self.row, self.setup) if self.setup else None
        return None

    def fault(self, training: Training) -> str:
        """Why the row does not have this training; empty if it does."""
        if self.setup is None:
            return UNDECLARED
        if self.recipe is None or nameless(self._described.get("encoder", describe(Base()))) != nameless(
            training.starts
        ):
            return EDITED
        profile = self.setup.profile
        key = key_of(
            self._described, training.seed, training.data, training.encoder, profile.dev, profile.training_sample
        )
        if id_of(key, self._versions) != training.cell:
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
        found = []
        with suppress(DataError):
            own = own_fingerprints(self.recipe)
            found += [Content(str(self.recipe.branch(task).task.file), task, print_) for task, print_ in own.items()]
        for reviews in reviews_of(self.recipe):
            if is_file(reviews.source):
                with suppress(DataError):
                    found.append(Content(reviews.source, "reviews", file_hash(reviews.source)))
        start = leaf(self.recipe.encoder)
        name = getattr(start, "name", "")
        if not name or is_folder(name) or hub.cached(name):
            with suppress(InputError, KeyError):  # text of the data itself is the set-up's
                of = f"the encoder {name or start.slug}"
                found.append(Content(of, "", encoder_identity(self.recipe.encoder, {})))
        return found


def nameless(description: Any) -> Any:
    """An encoder's description without the name of the BERT in it, which is known by its content, and without the
    commit of any other."""
    if not isinstance(description, dict):
        return description
    kept = {name: nameless(value) for name, value in description.items()}
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


def matched(declared: Declared, candidates: Iterable[tuple[Training, Kept]]) -> Matched[Kept]:
    """Which of the trainings that were made for a row it has. Two that would do are none, for nothing says which."""
    serving: dict[int, dict[str, Kept]] = {}
    faults: dict[int, str] = {}
    for training, kept in candidates:
        fault = declared.fault(training)
        if fault:
            faults[training.seed] = fault
        else:
            serving.setdefault(training.seed, {})[training.cell] = kept
    alone = {seed: next(iter(cells.values())) for seed, cells in serving.items() if len(cells) == 1}
    several = {seed: SEVERAL for seed in serving if seed not in alone}
    missed = {seed: fault for seed, fault in faults.items() if seed not in serving}
    return Matched(dict(sorted(alone.items())), dict(sorted((missed | several).items())))


def row_digest(suite: Suite, row: Row, setup: Mapping[str, str]) -> str:
    """A digest of all that a row's figures follow from in a set-up, but for the seeds and what a name of data or of an
    encoder stands for. Empty where that cannot be told."""
    declared = Declared(suite, row, setup_of(setup))
    if declared.recipe is None or declared.setup is None:
        return ""
    profile = declared.setup.profile
    scored = [dict(profile.dev), profile.training_sample]
    with suppress(DataError):
        own = own_fingerprints(declared.recipe)
        return digest([describe(declared.recipe), versions(declared.recipe), declaration(suite, row), scored, own])
    return ""


def declaration(suite: Suite, row: Row) -> str:
    """A digest of how a row reads its trainings: the epoch it chooses, its split, and what overall is."""
    return digest([row.split, describe(suite.selection_of(row)), suite.formula])
