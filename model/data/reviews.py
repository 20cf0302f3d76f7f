"""Extra sentiment data: product reviews with stars."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from model.data.course import CourseFiles, clean, collect, usable
from model.data.examples import Corpus, DataError, Dropped, Examples
from model.data.hub import Row, json_lines, load, need
from model.errors import shown
from model.interfaces import ExtraData
from model.rng import permutation
from model.task import SST

_COLUMNS = ("overall", "reviewText")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reviews(ExtraData):
    """Stars 1..5 become classes 0..4, as many of each, texts under ``max_characters`` (smart-vs-deberta, section
    5.1). ``source`` is a JSON-lines file with ``overall`` and ``reviewText``, a hub id, or ``default``."""

    slug: ClassVar[str] = "reviews"
    closed: ClassVar[bool] = True
    source: str = "default"
    max_characters: int = 200
    per_class: int | None = None

    def check(self) -> None:
        self.require(self.max_characters > 1, "max_characters", "above 1")
        self.require(self.per_class is None or self.per_class > 0, "per_class", "at least 1")


def reviews(spec: Reviews, corpus: Corpus) -> Examples:
    """Reviews as training rows of SST, ``per_class`` of each star (None: as many as the rarest star has).

    They are prefixes of one permutation per star, the stars taking turns, so that a smaller choice is a prefix of a
    larger one. ``source="default"`` takes ``corpus.reviews``. Raises ``DataError``.
    """
    source = _source_reviews(spec, corpus)
    stars: list[list[int]] = [[] for _ in range(SST.classes)]
    for at, ((text,), label) in enumerate(zip(source.texts, source.labels.tolist(), strict=True)):
        if len(text) < spec.max_characters:
            stars[label].append(at)
    rarest = min(stars, key=len)
    each = len(rarest) if spec.per_class is None else spec.per_class
    if not 0 < each <= len(rarest):
        has = f"{len(rarest)} reviews of {stars.index(rarest) + 1} stars under {spec.max_characters} characters"
        raise DataError(f"{max(each, 1)} reviews of each star are needed, but {spec.source} has {has}; give more")
    orders = [permutation(len(rows), "reviews", label) for label, rows in enumerate(stars)]
    return source.take(rows[order[rank]] for rank in range(each) for rows, order in zip(stars, orders, strict=True))


def _source_reviews(spec: Reviews, corpus: Corpus) -> Examples:
    if spec.source == "default":
        if corpus.reviews is None or not len(corpus.reviews):
            mend = "set reviews.source to a JSON-lines file with overall and reviewText, or to a hub id"
            raise DataError(f"the data ({corpus.source}) come with no reviews; {mend}")
        return corpus.reviews
    path = Path(spec.source).expanduser()
    if path.is_file():
        return _collected(spec.source, json_lines(path), spec.max_characters)
    return _of_hub(spec.source, spec.max_characters)


def fingerprint(spec: Reviews) -> str:
    """Of a hub id's reviews as they were read, once a process. ``DataError``."""
    return _of_hub(spec.source, spec.max_characters).fingerprint


@lru_cache(maxsize=2)
def _of_hub(source: str, longest: int) -> Examples:
    return _collected(source, _rows(source), longest)


def _collected(source: str, rows: Iterable[Row], longest: int) -> Examples:
    numbered = enumerate(need(_COLUMNS, rows, source))
    # Cut, a long text is still too long to be chosen, and millions of them fit into memory.
    return collect(source, SST, "train", (_entry(at, row, longest) for at, row in numbered))


def _rows(source: str) -> Iterable[Row]:
    path = Path(source)
    if path.suffix in (".json", ".jsonl", ".gz") or not re.fullmatch(r"[\w.-]+/[\w.-]+", source):
        raise DataError(f"the reviews file {source} is not there; give a JSON-lines file or a hub id (owner/name)")
    splits = load(source)
    if "train" not in splits:
        raise DataError(f"{source} on the hub has no split train; it has {', '.join(splits)}")
    return splits["train"]


def _entry(at: int, row: Row, longest: int) -> CourseFiles | Dropped:
    where, cells = row
    stars, text = (cells.get(column) for column in _COLUMNS)
    if not isinstance(text, str) or not usable(text):
        return Dropped(where, "no reviewText")
    if stars is None:
        return Dropped(where, "no overall")
    if stars not in (1, 2, 3, 4, 5) or isinstance(stars, bool):
        raise DataError(f"{where}: overall is {shown(stars)}; it must be a whole number of stars from 1 to 5")
    return CourseFiles(f"review-{at}", (clean(text, SST)[:longest],), stars - 1.0)
