"""The hub's data sets read from a local folder and through a stand-in for the library; no test goes online."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from model.data.examples import Corpus, DataError, Examples
from model.data.hub import hub

Rows = Sequence[Mapping[str, Any]]

SST: Rows = [{"text": " A Stirring , film ", "label": 4, "label_text": "very positive"}, {"text": "Bad.", "label": 0}]
QQP: Rows = [
    {"question1": "Who's it?", "question2": "Who,  then?", "label": 0, "idx": 70},
    {"question1": "A", "question2": "a", "label": 1, "idx": 9},
]
STSB: Rows = [{"sentence1": "A Plane.", "sentence2": "a plane", "label": 4.8, "idx": 0}]
UNLABELLED: Rows = [{"sentence1": "x", "sentence2": "y", "label": -1.0, "idx": 0}]


def as_lines(path: Path, rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def as_parquet(path: Path, rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow.Table.from_pylist(list(rows)), path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """All three sets, under the file names that they have on the hub."""
    for name in ("train", "dev"):
        as_lines(tmp_path / f"SetFit/sst5/{name}.jsonl", SST)
    for name in ("train", "validation"):
        as_parquet(tmp_path / f"nyu-mll/glue/qqp/{name}-00000-of-00001.parquet", QQP)
        as_parquet(tmp_path / f"nyu-mll/glue/stsb/{name}-00000-of-00001.parquet", STSB)
    as_parquet(tmp_path / "nyu-mll/glue/stsb/test-00000-of-00001.parquet", UNLABELLED)
    return tmp_path


def get(corpus: Corpus, task: str, split: str) -> Examples:
    examples = corpus.get(task, split)  # type: ignore[arg-type]
    assert examples is not None
    return examples


def refusal(root: Path | None, tasks: list[str] | None = None) -> str:
    with pytest.raises(DataError) as caught:
        hub(root, tasks)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_folder_laid_out_like_the_hub_is_read_with_the_courses_cleaning(root: Path) -> None:
    corpus = hub(root)
    assert corpus.tasks == ("sst", "quora", "sts")
    sst, quora, sts = (get(corpus, task, "train") for task in corpus.tasks)
    assert sst.texts == (("a stirring , film",), ("bad.",))
    assert sst.ids == ("train-0", "train-1")
    assert sst.labels.tolist() == [4, 0]
    assert sst.labels.dtype == np.int64
    assert quora.texts[0] == ("who 's it ?", "who , then ?")
    assert quora.ids == ("train-70", "train-9")
    assert sts.labels.tolist() == [4.8]
    assert sts.labels.dtype == np.float64
    assert corpus.get("sst", "test") is None


def test_minus_one_is_unlabelled_in_a_test_split_and_an_error_elsewhere(root: Path) -> None:
    assert not get(hub(root), "sts", "test").labelled
    as_parquet(root / "nyu-mll/glue/stsb/train-00000-of-00001.parquet", UNLABELLED)
    assert "train-00000-of-00001.parquet row 0: the label is -1.0, but for sts it must be from 0 to 5" in refusal(root)


@pytest.mark.parametrize("label", [-1, -1.0, float("nan"), None, "", "-1.0"])
def test_test_rows_may_lack_a_label_however_that_is_written(root: Path, label: object) -> None:
    as_lines(root / "SetFit/sst5/test.jsonl", [{"text": "fine", "label": 3}, {"text": "odd", "label": label}])
    corpus = hub(root, ["sst"])
    assert get(corpus, "sst", "test").labels.tolist() == [3, -1]
    assert corpus.notes == ("sst: 1 of 2 test rows have no label, so that there is no score",)
    as_lines(root / "SetFit/sst5/dev.jsonl", [{"text": "fine", "label": 3}, {"text": "odd", "label": label}])
    if label is None:
        assert len(get(hub(root, ["sst"]), "sst", "dev").dropped) == 1
    else:
        assert "dev.jsonl:2: the label is" in refusal(root, ["sst"])


def test_a_column_that_is_there_twice_is_refused_by_name(root: Path) -> None:
    path = root / "SetFit/sst5/dev.jsonl"
    path.write_text('{"text": "a", "label": 1}\n{"text": "b", "label": 1, "label": 2}\n')
    assert refusal(root, ["sst"]) == "dev.jsonl:2: 'label' stands there 2 times; keep one"
    path.unlink()
    table = arrow.table([arrow.array(["a"]), arrow.array([1]), arrow.array([2])], names=["text", "label", "label"])
    parquet.write_table(table, path.with_suffix(".parquet"))
    assert refusal(root, ["sst"]) == "dev.parquet: 2 columns are called 'label'; rename all but one"


def questions(count: int) -> list[dict[str, Any]]:
    return [{"question1": f"is {at} odd", "question2": f"{at} odd", "label": at % 2, "idx": at} for at in range(count)]


def quora(root: Path, train: Rows, **more: Rows) -> Corpus:
    """The corpus with this Quora training set, and other splits if given."""
    for split, rows in {"train": train, **more}.items():
        as_parquet(root / f"nyu-mll/glue/qqp/{split}-00000-of-00001.parquet", rows)
    return hub(root, ["quora"])


def test_quora_without_test_labels_is_tested_on_rows_held_out_of_train(root: Path) -> None:
    unlabelled = [row | {"label": -1} for row in questions(9)]
    corpus = quora(root, [*questions(2000), {"question1": " ", "question2": "x", "label": 0}], test=unlabelled)
    train, test = get(corpus, "quora", "train"), get(corpus, "quora", "test")
    assert test.split == "test"
    assert test.ids[:5] == ("train-15", "train-21", "train-37", "train-93", "train-135")  # results depend on it
    assert 60 < len(test) < 140  # a twentieth
    assert sorted(train.ids + test.ids) == sorted(f"train-{at}" for at in range(2000))
    for examples in (train, test):
        assert examples.labels.tolist() == [int(identity.removeprefix("train-")) % 2 for identity in examples.ids]
    assert (len(train.dropped), len(test.dropped)) == (1, 0)
    assert corpus.notes[-1] == f"Quora test: {len(test)} rows held out of train, by a hash of their text"
    assert len(get(corpus, "quora", "dev")) == len(QQP)


def test_which_rows_are_held_out_depends_on_their_sentences_alone(root: Path) -> None:
    rows = questions(200)
    before = set(get(quora(root, rows), "quora", "test").texts)
    turned = [row | {"question1": row["question2"], "question2": row["question1"].upper()} for row in rows]
    after = quora(root, [*turned[::-1], *rows, *questions(300)[200:]])
    both_ways = before | {(second, first) for first, second in before}
    assert both_ways <= set(get(after, "quora", "test").texts)
    assert both_ways.isdisjoint(get(after, "quora", "train").texts)


def test_a_quora_test_set_with_labels_is_used_as_it_is(root: Path) -> None:
    corpus = quora(root, questions(200), test=questions(3))
    assert get(corpus, "quora", "test").ids == ("test-0", "test-1", "test-2")
    assert len(get(corpus, "quora", "train")) == 200
    assert corpus.notes == ()


def test_parts_are_joined_in_order_and_a_folder_for_a_split_serves_too(root: Path) -> None:
    folder = root / "nyu-mll/glue/stsb"
    (folder / "train-00000-of-00001.parquet").unlink()
    for part in (1, 0):
        as_parquet(folder / f"train/000{part}.parquet", [{"sentence1": f"part {part}", "sentence2": "x", "label": 1.0}])
    assert [first for first, _ in get(hub(root), "sts", "train").texts] == ["part 0", "part 1"]


def test_parquet_and_json_lines_with_the_same_rows_are_the_same_data(root: Path) -> None:
    before = get(hub(root), "quora", "dev").fingerprint
    (root / "nyu-mll/glue/qqp/validation-00000-of-00001.parquet").unlink()
    as_lines(root / "nyu-mll/glue/qqp/validation.jsonl", QQP)
    assert get(hub(root), "quora", "dev").fingerprint == before


def test_rows_without_text_or_label_are_dropped_and_named(root: Path) -> None:
    broken: Rows = [
        {"text": " ", "label": 1},
        {"text": "fine", "label": None},
        {"text": "half \ud800", "label": 1},
        {"label": 1},
    ]
    as_lines(root / "SetFit/sst5/dev.jsonl", [*SST, *broken])
    corpus = hub(root, ["sst"])
    dropped = get(corpus, "sst", "dev").dropped
    assert [row.where for row in dropped] == [f"dev.jsonl:{line}" for line in (3, 4, 5, 6)]
    assert dropped[1].why == "no label"
    assert "sst-dev: 4 of 6 rows" in corpus.notes[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "SetFit/sst5/dev.jsonl has no rows"),
        (b'{"text": "a", "label": 1}\n{"text": "b"', "dev.jsonl:2: not JSON"),
        (b'{"text": "a", "label": 1}\n[1, 2]', "dev.jsonl:2: [1, 2] is not a JSON object"),
        (b'{"text": "caf\xe9", "label": 1}\n', "dev.jsonl:1: not UTF-8"),
        (b"[" * 100_000, "dev.jsonl:1: not JSON"),
        (b'{"sentence": "a", "label": 1}\n', "dev.jsonl:1: no column text; the columns found are 'sentence', 'label'"),
        (
            b'{"text": "a", "label": 5}\n',
            "dev.jsonl:1: the label is 5, but for sst it must be a whole number from 0 to 4",
        ),
        (b'{"text": "a", "label": 0.5}\n', "dev.jsonl:1: the label is 0.5"),
        (b'{"text": "a", "label": [1]}\n', "dev.jsonl:1: the label is [1]"),
    ],
)
def test_each_bad_file_gets_one_clear_sentence(root: Path, content: bytes, said: str) -> None:
    (root / "SetFit/sst5/dev.jsonl").write_bytes(content)
    assert said in refusal(root)


def test_a_wrong_layout_is_named_with_what_to_do(root: Path) -> None:
    assert "nowhere is not there; give the folder" in refusal(root / "nowhere")
    assert "none of the folders SetFit/sst5, nyu-mll/glue/qqp, nyu-mll/glue/stsb" in refusal(root / "SetFit")
    assert "no task 'cfimdb'; choose from sst, quora, sts" in refusal(root, ["cfimdb"])
    (root / "nyu-mll/glue/qqp/validation-00000-of-00001.parquet").write_bytes(b"no parquet")
    assert "validation-00000-of-00001.parquet is not a parquet file" in refusal(root)
    (root / "nyu-mll/glue/qqp/validation-00000-of-00001.parquet").unlink()
    assert "qqp has no dev file; put validation.parquet" in refusal(root)


def library(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[tuple[Any, ...]]:
    """Put ``answer`` (a value, or an error to raise) in place of the library's reading; returns the calls made."""
    datasets = pytest.importorskip("datasets")
    calls: list[tuple[Any, ...]] = []

    def load_dataset(*names: Any) -> Any:
        calls.append(names)
        if isinstance(answer, Exception):
            raise answer
        return {split: datasets.Dataset.from_list(list(rows)) for split, rows in answer.items()}

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls


def test_the_hub_gives_the_same_examples_as_its_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = library(monkeypatch, {"train": STSB, "validation": STSB, "test": UNLABELLED})
    online, local = hub(tasks=["sts"]), hub(root, ["sts"])
    assert calls == [("nyu-mll/glue", "stsb")]
    assert {key: examples.fingerprint for key, examples in online.splits.items()} == {
        key: examples.fingerprint for key, examples in local.splits.items()
    }


def test_a_hub_that_cannot_be_reached_or_lacks_a_split_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    library(monkeypatch, ConnectionError("Couldn't reach the hub (offline).\nmore"))
    message = refusal(None, ["quora"])
    assert "nyu-mll/glue qqp could not be loaded from the hub: Couldn't reach the hub (offline); go online" in message
    library(monkeypatch, {"train": QQP})
    assert "nyu-mll/glue/qqp on the hub has no split validation; it has train" in refusal(None, ["quora"])


def test_a_missing_package_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert "pip install 'ablation-harness[hub]'" in refusal(None)


@pytest.mark.parametrize("name", ["train.jsonl", "train.parquet"])
def test_a_folder_in_the_place_of_a_file_is_told_in_a_users_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "SetFit/sst5" / name).mkdir(parents=True)
    assert "is a directory" in (message := refusal(tmp_path)).lower()
    assert "Errno" not in message
