"""From selected rows to cells: which trainings a command needs, which of them exist, and why some cannot run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from experiments.suite import Row, Suite, row_slug
from harness.cells.cell import Cell
from harness.planning.cell_id import cell_of
from harness.planning.content import hub_name, is_file
from harness.planning.data import data_of
from harness.planning.recipe_checks import check_recipe
from harness.planning.setup import Setup
from model.combiners.torchjd import TorchJd
from model.data.examples import Corpus, DataError, Split
from model.data.reviews import Reviews, reviews
from model.declaration import SettingError
from model.encoders import hub
from model.encoders.bert import Bert
from model.encoders.deberta import Deberta
from model.encoders.domain_pretrained import DomainPretrained
from model.encoders.placeholders import Base, Derived
from model.encoders.tiny import Tiny
from model.interfaces import Encoder
from model.recipe import Recipe
from model.settings import edit, parts


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedRow:
    """A row in one set-up: its recipe at the profile's scale and a cell a seed, or the reason why it has none."""

    suite: Suite
    row: Row
    name: str
    recipe: Recipe
    cells: tuple[Cell, ...] = ()
    reason: str = ""  # "not built", "unavailable: ..."

    @property
    def slug(self) -> str:
        """``paper/table/row``, without the set-up's variant."""
        return row_slug(self.suite, self.row)

    @property
    def label(self) -> str:
        """``paper/table/row``, with the set-up's variant."""
        return f"{self.suite.slug}/{self.name}"


def plan(selected: Iterable[tuple[Suite, Row]], setup: Setup) -> list[PlannedRow]:
    """The rows in order. ``SettingError`` or ``DataError`` for a set-up that cannot be."""
    return [plan_row(suite, row, setup) for suite, row in selected]


def plan_row(suite: Suite, row: Row, setup: Setup) -> PlannedRow:
    name = row.name + setup.variant
    recipe = scale_row(suite, row, setup)
    reason = obstacle(recipe, setup)
    if reason:
        return PlannedRow(suite=suite, row=row, name=name, recipe=recipe, reason=reason)
    cells = tuple(cell_of(recipe, seed, setup) for seed in range(setup.seeds))
    return PlannedRow(suite=suite, row=row, name=name, recipe=recipe, cells=cells)


def scale_recipe(suite: Suite, row: Row, setup: Setup) -> Recipe:
    """The row's recipe with the command's changes, at the profile's scale, its encoder resolved."""
    recipe = suite.recipe(row)
    for change in setup.changes:
        recipe = change.apply(recipe)
    recipe = setup.profile.scale(recipe)
    recipe = dataclasses.replace(recipe, encoder=resolve_encoder(recipe.encoder, setup.encoder))
    for path, value in setup.settings:
        recipe = edit(recipe, path, value, typed=True)
    return recipe


def scale_row(suite: Suite, row: Row, setup: Setup) -> Recipe:
    """The same; a ``SettingError`` names the row."""
    try:
        recipe = scale_recipe(suite, row, setup)
        check_recipe(recipe)
    except SettingError as error:
        raise SettingError(f"{row_slug(suite, row)}: {error}") from None
    return recipe


def resolve_encoder(encoder: Encoder, name: str) -> Encoder:
    """The encoder with every ``Base`` in it replaced by the run's."""
    if isinstance(encoder, Base):
        return Tiny() if name == "tiny" else Bert(name=name)
    if isinstance(encoder, Derived):
        return dataclasses.replace(encoder, start=resolve_encoder(encoder.start, name))
    return encoder


def obstacle(recipe: Recipe, setup: Setup) -> str:
    """Why this recipe cannot run in this set-up, or nothing."""
    if not recipe.ready:
        missing = sorted({part.slug for part in parts(recipe) if not part.built})
        return f"not built: {', '.join(missing)}"
    corpus = data_of(recipe, setup.data)
    check_splits(recipe, corpus, setup.data)
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


def check_splits(recipe: Recipe, corpus: Corpus, data: str) -> None:
    """``DataError`` for a task of which the data has a training or a dev set but not both."""
    splits: tuple[Split, ...] = ("train", "dev")
    for branch in recipe.branches:
        absent = [split for split in splits if corpus.get(branch.key, split) is None]
        if len(absent) == 1:
            raise DataError(f"{data} has no {absent[0]} set of {branch.task.title}; put its file beside the others")


def download_encoders(selected: Iterable[tuple[Suite, Row]], setup: Setup, say: Callable[[str], None]) -> None:
    """Have the encoders that these rows name by a hub id in the local cache, at the commit that the hub has now: to be
    called before planning what is to be trained. What is downloaded is said. ``EncoderError``, or as ``plan``."""
    recipes = [scale_row(suite, row, setup) for suite, row in selected]
    for recipe in recipes:
        if hub_name(recipe.encoder) and not obstacle(recipe, setup):
            hub.bring(hub_name(recipe.encoder), say)


def missing_encoders(rows: Iterable[PlannedRow]) -> list[str]:
    """The hub ids among the rows' encoders that are not in the local cache."""
    names = dict.fromkeys(hub_name(row.recipe.encoder) for row in rows if row.cells)
    return [name for name in names if name and hub.cached(name) is None]
