"""Data files that nobody spoilt by hand, through the command line: one clear sentence and exit code 2, or correct work;
never a traceback, never damage to the results folder.

Examples in ``make test`` and in ``make test-all``, the same ones every time:

===================================== == ===
files as the course's                  4  60
files as the hub's                     3  30
files of reviews, trained on           2  20
files to predict                       3  30
===================================== == ===
"""

from __future__ import annotations

import gzip
import io
import json
from datetime import datetime
from typing import Any

import pyarrow
import pyarrow.parquet
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.accidents import REPLACED, mangled, mangled_lines, mangled_table, replace
from tests.harness.trials import FEW, ROW, RUN, Trial, few, put, trial, workers

__all__ = ["trial", "workers"]  # fixtures


def course() -> dict[str, bytes]:
    """The course's files, 14 rows each."""
    files = {}
    for split in ("train", "dev", "test-student"):
        for name, label, kinds in (("ids-sst", "sentiment", 5), ("quora", "is_duplicate", 2), ("sts", "similarity", 6)):
            texts = ["sentence"] if name == "ids-sst" else ["sentence1", "sentence2"]
            lines = ["\t".join(["", "id", *texts, label])]
            for row in range(14):
                cells = [f'Who\'s "{text}", {row}?' for text in texts]
                lines.append("\t".join([f"{row}", f"{name}{row}", *cells, f"{row % kinds}{'.0' * (kinds != 5)}"]))
            files[f"{name}-{split}.csv"] = "\n".join([*lines, ""]).encode()
    return files


def hub() -> dict[str, bytes]:
    """JSON lines as on the hub, 30 rows each."""
    files = {}
    for folder, splits, texts, kinds in (
        ("SetFit/sst5", ("train", "dev"), ["text"], 5),
        ("nyu-mll/glue/qqp", ("train", "validation"), ["question1", "question2"], 2),
        ("nyu-mll/glue/stsb", ("train", "validation"), ["sentence1", "sentence2"], 6),
    ):
        for split in splits:
            rows = [
                {text: f"A {text} {row}." for text in texts} | {"label": row % kinds, "idx": row} for row in range(30)
            ]
            files[f"{folder}/{split}.jsonl"] = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return files


COURSE, HUB = course(), hub()
REVIEWS = b"".join(b'{"overall": %d.0, "reviewText": "It is chair %d."}\n' % (n % 5 + 1, n) for n in range(25))


@few(4, 60)
@given(data=st.data())
def test_files_as_the_courses(trial: Trial, data: st.DataObject) -> None:
    folder = trial.fresh()
    path = put(COURSE, folder / "course") / data.draw(st.sampled_from(sorted(COURSE)))
    kind = data.draw(st.sampled_from(["table", "table", "table", "bytes", *REPLACED]))
    if kind in REPLACED:
        replace(path, kind)
    else:
        path.write_bytes(data.draw((mangled if kind == "bytes" else mangled_table)(COURSE[path.name])))
    dry = data.draw(st.sampled_from([["--dry-run"], ["--dry-run"], ["--dry-run"], []]))
    trial(folder, *RUN, "--encoder", trial.encoder, "--data", folder / "course", *dry)


@few(3, 30)
@given(data=st.data())
def test_files_as_the_hubs(trial: Trial, data: st.DataObject) -> None:
    folder = trial.fresh()
    name = data.draw(st.sampled_from(sorted(HUB)))
    path = put(HUB, folder / "hub") / name
    kind = data.draw(st.sampled_from(["lines", "lines", "parquet", "bytes", *REPLACED]))
    if kind in REPLACED:
        replace(path, kind)
    elif kind == "parquet":
        path.unlink()
        path.with_suffix(".parquet").write_bytes(
            data.draw(parquets([json.loads(line) for line in HUB[name].splitlines()]))
        )
    else:
        path.write_bytes(data.draw((mangled if kind == "bytes" else mangled_lines)(HUB[name])))
    trial(folder, *RUN, "--encoder", trial.encoder, "--data", f"hub:{folder / 'hub'}", "--dry-run")


@st.composite
def parquets(draw: st.DrawFn, rows: list[dict[str, Any]]) -> bytes:
    """A parquet file of rows with a column lost, of another kind, or with bytes changed."""
    column = draw(st.sampled_from(list(rows[0])))
    kind = draw(st.sampled_from(["bytes", "column", "lose"]))
    if kind == "column":
        value = draw(st.sampled_from([b"\xff", 2**40, 1e300, None, datetime.max, "x", [1], {"a": 1}, True, "\0"]))
        rows = [row | {column: value} for row in rows]
    elif kind == "lose":
        rows = [{name: row[name] for name in row if name != column} for row in rows]
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), stream)
    return draw(mangled(stream.getvalue())) if kind == "bytes" else stream.getvalue()


@few(2, 20)
@given(data=st.data())
def test_reviews(trial: Trial, data: st.DataObject) -> None:
    folder = trial.fresh()
    path = folder / data.draw(st.sampled_from(["reviews.json", "reviews.jsonl.gz", "reviews.txt"]))
    content = data.draw(mangled_lines(REVIEWS))
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
        content = data.draw(st.just(content) | mangled(content))
    path.write_bytes(content)
    if data.draw(st.integers(0, 4)) == 4:
        replace(path, data.draw(st.sampled_from(REPLACED)))
    words = [word.replace(ROW, "smart-vs-deberta/table1/amazon") for word in RUN]
    own = ("--set", f"sst.reviews.source={path}", "--set", "sst.reviews.per_class=2")
    trial(folder, *words, *own, "--encoder", trial.encoder)


@few(3, 30)
@given(data=st.data())
def test_files_to_predict(trial: Trial, data: st.DataObject) -> None:
    folder = trial.fresh()
    path = folder / data.draw(st.sampled_from(sorted(COURSE)))
    path.write_bytes(data.draw(data.draw(st.sampled_from([mangled_table, mangled]))(COURSE[path.name])))
    if data.draw(st.integers(0, 4)) == 4:
        replace(path, data.draw(st.sampled_from(REPLACED)))
    trial(folder, "predict", ROW, *FEW, "--encoder", trial.encoder, "--file", path, "--out", folder / "answers")
