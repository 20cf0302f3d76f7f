"""Reviews as extra sentiment rows: balanced, short, nested, and clear about what is wrong with a file."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from model.data.course import CourseFiles, collect
from model.data.examples import Corpus, DataError
from model.data.reviews import Reviews, reviews
from model.declaration import SettingError
from model.task import SST

EMPTY = Corpus(source="nothing", splits={})


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return str(path)


def stars(counts: dict[int, int], length: int = 5) -> list[dict[str, Any]]:
    return [
        {"overall": float(star), "reviewText": f"R{star}-{number}".ljust(length, "x"), "asin": "0"}
        for star, count in counts.items()
        for number in range(count)
    ]


def refusal(source: str, corpus: Corpus = EMPTY, per_class: int | None = None) -> str:
    with pytest.raises(DataError) as caught:
        reviews(Reviews(source=source, per_class=per_class), corpus)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", ["reviews.json", "reviews.json.gz"])
def test_stars_become_classes_with_as_many_of_each_as_the_rarest_has(tmp_path: Path, name: str) -> None:
    chosen = reviews(Reviews(source=write(tmp_path / name, stars({1: 9, 2: 3, 3: 4, 4: 5, 5: 30}))), EMPTY)
    assert Counter(chosen.labels.tolist()) == dict.fromkeys(range(5), 3)
    assert all(text.startswith(f"r{label + 1}-") for (text,), label in zip(chosen.texts, chosen.labels, strict=True))
    assert (chosen.task, chosen.split, chosen.labelled) == (SST, "train", True)
    assert len(set(chosen.ids)) == 15


def test_only_texts_under_the_limit_are_chosen(tmp_path: Path) -> None:
    rows = stars(dict.fromkeys(range(1, 6), 4), length=20) + stars(dict.fromkeys(range(1, 6), 2), length=19)
    chosen = reviews(Reviews(source=write(tmp_path / "r.jsonl", rows), max_characters=20), EMPTY)
    assert {len(text) for (text,) in chosen.texts} == {19}
    assert len(chosen) == 10


def test_a_smaller_choice_is_a_prefix_of_a_larger_one_and_not_of_the_file(tmp_path: Path) -> None:
    source = write(tmp_path / "r.jsonl", stars(dict.fromkeys(range(1, 6), 20)))
    small, large = (reviews(Reviews(source=source, per_class=each), EMPTY) for each in (3, 8))
    assert large.ids[:15] == small.ids
    assert small.texts[0] != ("r1-0x",) or small.texts[1] != ("r2-0x",)
    assert reviews(Reviews(source=source, per_class=3), EMPTY).fingerprint == small.fingerprint


def test_the_default_is_what_the_data_bring_along() -> None:
    rows = [CourseFiles(f"{label}-{i}", (f"text {i}",), label) for label in range(5) for i in range(3)]
    corpus = Corpus(source="embedded", splits={}, reviews=collect("reviews", SST, "train", rows))
    chosen = reviews(Reviews(per_class=2), corpus)
    assert Counter(chosen.labels.tolist()) == dict.fromkeys(range(5), 2)


def test_data_without_reviews_say_how_to_give_a_file() -> None:
    message = refusal("default")
    assert (
        "(nothing) come with no reviews; set reviews.source to a JSON-lines file with overall and reviewText" in message
    )


def test_rows_without_text_or_stars_are_dropped_and_named(tmp_path: Path) -> None:
    rows = [{"overall": 1.0}, *stars(dict.fromkeys(range(1, 6), 2)), {"reviewText": "x"}]
    dropped = reviews(Reviews(source=write(tmp_path / "r.jsonl", rows)), EMPTY).dropped
    assert [(row.where, row.why) for row in dropped] == [("r.jsonl:1", "no reviewText"), ("r.jsonl:12", "no overall")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no rows"),
        (
            b'{"stars": 1, "text": "x"}\n',
            "r.jsonl:1: no column overall, reviewText; the columns found are 'stars', 'text'",
        ),
        (b'{"overall": 6.0, "reviewText": "x"}\n', "r.jsonl:1: overall is 6.0; it must be a whole number of stars"),
        (b'{"overall": "5", "reviewText": "x"}\n', "r.jsonl:1: overall is '5'"),
        (b"{'overall': 5}\n", "r.jsonl:1: not JSON"),
        (b'{"overall": 5, "reviewText": "x"}\n', "1 reviews of each star are needed, but"),
    ],
)
def test_each_bad_file_gets_one_clear_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "r.jsonl").write_bytes(content)
    assert said in refusal(str(tmp_path / "r.jsonl"))


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    assert "none.json is not there" in refusal(str(tmp_path / "none.json"))
    assert "is not there; give a JSON-lines file or a hub id" in refusal("not a hub id")
    whole = gzip.compress(json.dumps(stars({1: 50})).encode() * 50)
    for content in (b"plain text", whole[:-20], whole[:30] + b"\0\0\0\0" + whole[34:]):
        (tmp_path / "r.json.gz").write_bytes(content)
        assert "r.json.gz" in refusal(str(tmp_path / "r.json.gz"))


def test_more_of_a_star_than_there_are_is_refused_with_the_number_there_is(tmp_path: Path) -> None:
    source = write(tmp_path / "r.jsonl", stars({1: 9, 2: 9, 3: 4, 4: 9, 5: 9}))
    message = refusal(source, per_class=5)
    assert "5 reviews of each star are needed" in message
    assert "has 4 reviews of 3 stars under 200 characters" in message


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(SettingError, match=r"^reviews\.per_class is 0; it must be at least 1$"):
        Reviews(per_class=0)
    with pytest.raises(SettingError, match=r"^reviews\.max_characters is 0"):
        Reviews(max_characters=0)
