"""The scale at which the papers' rows run. A profile maps the printed counts to smaller ones, keeping their order."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from model.data.reviews import Reviews
from model.encoders.domain_pretrained import DomainPretrained
from model.recipe import Branch, Recipe

Map = tuple[tuple[int, int], ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Profile:
    """``rows``, ``epochs`` and ``batch`` map the paper's numbers (empty: as printed; between two entries: linear);
    ``full`` is what a task's whole training set becomes, ``dev`` caps the scored sets (None: all),
    ``training_sample`` the rows on which training metrics are taken."""

    name: str
    says: str
    data: str
    encoder: str
    rows: Map = ()
    full: Mapping[str, int] = dataclasses.field(default_factory=dict)
    epochs: Map = ()
    batch: Map = ()
    rate_multiplier: float = 1.0
    dev: Mapping[str, int] = dataclasses.field(default_factory=dict)
    training_sample: int = 1000
    reviews_per_class: int | None = None
    pretraining_steps: int | None = None
    threads: int = 1
    seeds: int = 3

    def scale(self, recipe: Recipe) -> Recipe:
        """The recipe at this scale."""
        encoder = recipe.encoder
        if self.pretraining_steps is not None and isinstance(encoder, DomainPretrained):
            encoder = dataclasses.replace(encoder, steps=self.pretraining_steps)
        return dataclasses.replace(
            recipe,
            encoder=encoder,
            branches=tuple(self._branch(branch) for branch in recipe.branches),
            epochs=map_number(self.epochs, recipe.epochs),
            batch=map_number(self.batch, recipe.batch),
            optimizer=dataclasses.replace(recipe.optimizer, rate=recipe.optimizer.rate * self.rate_multiplier),
        )

    def _branch(self, branch: Branch) -> Branch:
        rows = self.full.get(branch.key) if branch.rows is None else map_number(self.rows, branch.rows)
        extra = tuple(
            dataclasses.replace(source, per_class=self.reviews_per_class)
            if isinstance(source, Reviews) and source.per_class is None
            else source
            for source in branch.extra
        )
        return dataclasses.replace(branch, rows=rows, extra=extra)

    def lines(self) -> list[str]:
        """The map in words, one line a subject."""
        lines = [f"{self.name}: {self.says}"]
        if self.rows:
            lines.append("rows: " + ", ".join(f"{paper:,} -> {ours:,}" for paper, ours in self.rows))
        if self.full:
            lines.append("whole training sets: " + ", ".join(f"{task} {rows:,}" for task, rows in self.full.items()))
        if self.dev:
            lines.append("scored rows at most: " + ", ".join(f"{task} {rows:,}" for task, rows in self.dev.items()))
        for name, entries in (("epochs", self.epochs), ("batch", self.batch)):
            if entries:
                lines.append(f"{name}: " + ", ".join(f"{paper} -> {ours}" for paper, ours in entries))
        if self.rate_multiplier != 1.0:
            lines.append(f"learning rates times {self.rate_multiplier:g}")
        return lines


def map_number(entries: Map, number: int) -> int:
    """Look a number up; between entries interpolate, outside them scale with the nearest."""
    if not entries:
        return number
    low = max((entry for entry in entries if entry[0] <= number), default=None)
    high = min((entry for entry in entries if entry[0] >= number), default=None)
    if low is None or high is None:
        paper, ours = low or high or (1, 1)
        return max(1, round(number * ours / paper)) if number else 0
    if low == high:
        return low[1]
    return round(low[1] + (high[1] - low[1]) * (number - low[0]) / (high[0] - low[0]))


DEMO = Profile(
    name="demo",
    says="generated text and a tiny encoder: it shows the machinery and proves nothing about the papers",
    data="embedded",
    encoder="tiny",
    rows=((6040, 240), (7075, 280), (8000, 320), (9000, 360)),
    full={"sst": 420, "quora": 560, "sts": 240, "cfimdb": 320},
    epochs=((9, 4), (10, 5), (15, 8), (20, 10)),
    batch=((8, 8), (64, 16)),
    rate_multiplier=80.0,
    training_sample=150,
    reviews_per_class=40,
    pretraining_steps=200,
)
SMALL = Profile(
    name="small",
    says="real data in small portions, two epochs: a trend at best",
    data="hub",
    encoder="google/bert_uncased_L-4_H-256_A-4",
    rows=((6040, 900), (7075, 950), (8000, 1000), (9000, 1125)),
    full={"sst": 1000, "quora": 2000, "sts": 900, "cfimdb": 400},
    epochs=((9, 2), (10, 2), (15, 3), (20, 4)),
    rate_multiplier=5.0,
    dev={"quora": 2000},
    training_sample=500,
    reviews_per_class=200,
    pretraining_steps=300,
    threads=2,
)
PAPER = Profile(
    name="paper",
    says="rows, epochs and rates as printed",
    data="hub",
    encoder="google-bert/bert-base-uncased",
    threads=1,
)
PROFILES = {profile.name: profile for profile in (DEMO, SMALL, PAPER)}
