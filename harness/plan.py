"""From selected rows to cells: which trainings a command needs, which of them exist, and why some cannot run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from experiments.profiles import Profile
from experiments.variant import Change, Row, Suite
from harness.cell import Cell, Record, records
from harness.content import data_identity, encoder_identity, hub_name, is_file, pinned
from harness.refusals import refuse
from harness.sources import data_of, fingerprints_of
from model.combiners.torchjd import TorchJd
from model.data.commits import pinned as pinned_data
from model.data.examples import Corpus, DataError, Split
from model.data.reviews import Reviews, reviews
from model.encoders import hub
from model.encoders.base import Base, Derived
from model.encoders.bert import Bert
from model.encoders.deberta import Deberta
from model.encoders.pretrained import DomainPretrained
from model.encoders.tiny import Tiny
from model.recipe import Recipe
from model.seams import Encoder
from model.technique import SettingError, edit, parts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """What a command fixes for all its rows."""

    profile: Profile
    data: str
    encoder: str
    seeds: int
    changes: tuple[Change, ...] = ()  # --with, in the paper's units
    settings: tuple[tuple[str, str], ...] = ()  # --set, taken as typed

    @property
    def variant(self) -> str:
        """What ``--with`` and ``--set`` add to a row's name."""
        told = [change.name for change in self.changes] + [f"{path}={value}" for path, value in self.settings]
        return f"[{', '.join(told)}]" if told else ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Planned:
    """A row in one set-up: its recipe at the profile's scale and a cell a seed, or the reason why it has none."""

    suite: Suite
    row: Row
    name: str
    recipe: Recipe
    cells: tuple[Cell, ...] = ()
    reason: str = ""  # "not built", "unavailable: ..."


def plan(selected: Iterable[tuple[Suite, Row]], setup: Setup) -> list[Planned]:
    """The rows in order. ``SettingError`` or ``DataError`` for a set-up that cannot be."""
    return [planned(suite, row, setup) for suite, row in selected]


def planned(suite: Suite, row: Row, setup: Setup) -> Planned:
    name = row.name + setup.variant
    recipe = scaled_row(suite, row, setup)
    reason = obstacle(recipe, setup)
    if reason:
        return Planned(suite=suite, row=row, name=name, recipe=recipe, reason=reason)
    cells = tuple(cell_of(recipe, seed, setup) for seed in range(setup.seeds))
    return Planned(suite=suite, row=row, name=name, recipe=recipe, cells=cells)


def scaled(suite: Suite, row: Row, setup: Setup) -> Recipe:
    """The row's recipe with the command's changes, at the profile's scale, its encoder resolved."""
    recipe = suite.recipe(row)
    for change in setup.changes:
        recipe = change.apply(recipe)
    recipe = setup.profile.scale(recipe)
    recipe = dataclasses.replace(recipe, encoder=resolved(recipe.encoder, setup.encoder))
    for path, value in setup.settings:
        recipe = edit(recipe, path, value, typed=True)
    return recipe


def scaled_row(suite: Suite, row: Row, setup: Setup) -> Recipe:
    """The same; a ``SettingError`` names the row."""
    try:
        recipe = scaled(suite, row, setup)
        refuse(recipe)
    except SettingError as error:
        raise SettingError(f"{suite.slug}/{row.name}: {error}") from None
    return recipe


def resolved(encoder: Encoder, name: str) -> Encoder:
    """The encoder with every ``Base`` in it replaced by the run's."""
    if isinstance(encoder, Base):
        return Tiny() if name == "tiny" else Bert(name=name)
    if isinstance(encoder, Derived):
        return dataclasses.replace(encoder, start=resolved(encoder.start, name))
    return encoder


def obstacle(recipe: Recipe, setup: Setup) -> str:
    """Why this recipe cannot run in this set-up, or nothing."""
    if not recipe.ready:
        missing = sorted({part.slug for part in parts(recipe) if not part.built})
        return f"not built: {', '.join(missing)}"
    corpus = data_of(recipe, setup.data)
    halved(recipe, corpus, setup.data)
    missing = [branch.task.title for branch in recipe.branches if branch.key not in corpus.tasks]
    if missing:
        return f"unavailable: the data has no {', '.join(missing)}"
    if isinstance(recipe.combiner, TorchJd) and recipe.combiner.missing:
        return f"unavailable: {recipe.combiner.missing}"
    if setup.profile.name == "demo" and isinstance(recipe.encoder, Deberta):
        return f"unavailable: the demo downloads nothing, and this row needs the weights of {recipe.encoder.name}"
    sources = [source for branch in recipe.branches for source in branch.extra if isinstance(source, Reviews)]
    if any(source.source == "default" for source in sources) and corpus.reviews is None:
        return "unavailable: needs review data; --set sst.reviews.source=FILE gives it"
    for source in sources:
        if is_file(source.source):
            reviews(source, corpus)  # ``DataError`` before anything is trained
    if any(isinstance(part, DomainPretrained) and part.text == "domain" for part in parts(recipe)) and not corpus.text:
        return "unavailable: needs target-domain text; --set encoder.text=FILE gives it"
    return ""


def halved(recipe: Recipe, corpus: Corpus, data: str) -> None:
    """``DataError`` for a task of which the data has a training or a dev set but not both."""
    splits: tuple[Split, ...] = ("train", "dev")
    for branch in recipe.branches:
        absent = [split for split in splits if corpus.get(branch.key, split) is None]
        if len(absent) == 1:
            raise DataError(f"{data} has no {absent[0]} set of {branch.task.title}; put its file beside the others")


def cell_of(recipe: Recipe, seed: int, setup: Setup) -> Cell:
    """The training, its encoder at the commit that a hub id stands for in the local cache."""
    recipe = dataclasses.replace(recipe, encoder=pinned(recipe.encoder))
    prints = fingerprints_of(recipe, setup.data)
    return Cell(
        recipe=recipe,
        seed=seed,
        source=pinned_data(setup.data),
        data=data_identity(recipe, prints),
        encoder=encoder_identity(recipe.encoder, prints),
        scored=setup.profile.dev,
        training_sample=setup.profile.training_sample,
    )


def bring(selected: Iterable[tuple[Suite, Row]], setup: Setup, say: Callable[[str], None]) -> None:
    """Have the encoders that these rows name by a hub id in the local cache, at the commit that the hub has now: to be
    called before planning what is to be trained. What is downloaded is said. ``EncoderError``, or as ``plan``."""
    recipes = [scaled_row(suite, row, setup) for suite, row in selected]
    for recipe in recipes:
        if hub_name(recipe.encoder) and not obstacle(recipe, setup):
            hub.bring(hub_name(recipe.encoder), say)


def to_download(rows: Iterable[Planned]) -> list[str]:
    """The hub ids among the rows' encoders that are not in the local cache."""
    names = dict.fromkeys(hub_name(row.recipe.encoder) for row in rows if row.cells)
    return [name for name in names if name and hub.cached(name) is None]


@dataclasses.dataclass(frozen=True)
class Ledger:
    """What a home already holds, seen from a plan."""

    ended: dict[str, Record]  # by cell id
    stale: dict[str, Record]  # by cell key: trained by other code
    damaged: Sequence[str] = ()  # what is wrong with which file

    def left(self, rows: Sequence[Planned], rerun: bool = False, retry: bool = False) -> list[Cell]:
        """Cells to train, each once, round by round: every row's first seed before any row's second. ``retry`` has
        those that failed, ``rerun`` all of them."""
        rounds = max((len(row.cells) for row in rows), default=0)
        wanted = {row.cells[at].id: row.cells[at] for at in range(rounds) for row in rows if at < len(row.cells)}
        return [
            cell
            for cell in wanted.values()
            if rerun or cell.id not in self.ended or (retry and not self.ended[cell.id].done)
        ]

    def damaged_among(self, cells: Iterable[Cell]) -> list[str]:
        """What is wrong with files of these cells."""
        return [text for text in self.damaged if any(cell.id in text for cell in cells)]

    def is_stale(self, cell: Cell) -> bool:
        return cell.id not in self.ended and cell.key in self.stale


def ledger(home: Path) -> Ledger:
    """Read all ended cells of a home."""
    damaged: list[str] = []
    found = list(records(home, damaged))
    done = {record.about["key"]: record for record in found if record.done}
    return Ledger({record.id: record for record in found}, done, damaged)
