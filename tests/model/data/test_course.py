"""The course's files: what is read, what is dropped and said, and one clear sentence for each kind of bad file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.data.course import OFFICIAL_QUORA, clean, course
from model.data.examples import Corpus, DataError, Examples
from model.data.leakage import duplicates
from model.task import QUORA, SST
from tests import ROOT

REAL = Path(os.environ.get("HARNESS_TEST_DATA") or ROOT / ".." / "shared" / "data" / "cs224n")
needs_data = pytest.mark.skipif(not REAL.is_dir(), reason="the course's files are not here; set HARNESS_TEST_DATA")

SST_HEADER = "\tid\tsentence\tsentiment\n"
PAIR_HEADER = "\tid\tsentence1\tsentence2\tis_duplicate\n"


def sst(rows: int, label: str = "2") -> str:
    return SST_HEADER + "".join(f"{i}\tid{i}\tSentence {i} .\t{label}\n" for i in range(rows))


def write(folder: Path, **texts: str | bytes) -> Path:
    """``quora_dev="..."`` becomes ``quora-dev.csv``; SST and CFIMDB get their ``ids-``."""
    for name, text in texts.items():
        stem = name.replace("_", "-")
        path = folder / f"{'ids-' if stem.startswith(('sst', 'cfimdb')) else ''}{stem}.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def refusal(folder: Path, tasks: list[str] | None = None) -> str:
    with pytest.raises(DataError) as caught:
        course(folder, tasks)
    message = str(caught.value)
    assert "\n" not in message
    return message


def get(corpus: Corpus, task: str, split: str) -> Examples:
    examples = corpus.get(task, split)  # type: ignore[arg-type]
    assert examples is not None
    return examples


@pytest.fixture(scope="module")
def real() -> Corpus:
    return course(REAL)


def test_sentences_are_lower_cased_and_stripped_alone_and_spaced_and_folded_in_pairs() -> None:
    assert clean("  It 's  GOOD. ", SST) == "it 's  good."
    assert clean(" Who's  it, A.B?\tC ", QUORA) == "who 's it , a .b ? c"


def test_a_file_is_read_with_ids_texts_and_labels_in_file_order(tmp_path: Path) -> None:
    corpus = course(write(tmp_path, quora_dev=PAIR_HEADER + '7\tAb\tOne?\t"say ""x"""\t1.0\n8\tcd\tTwo\tThree\t0.0\n'))
    dev = get(corpus, "quora", "dev")
    assert dev.ids == ("ab", "cd")
    assert dev.texts == (("one ?", 'say "x"'), ("two", "three"))
    assert dev.labels.dtype == np.int64
    assert dev.labels.tolist() == [1, 0]
    assert corpus.tasks == ("quora",)
    assert corpus.notes == ()


def test_a_test_file_with_the_shifted_header_has_labels_of_minus_one(tmp_path: Path) -> None:
    pairs = "\tid\tsentence1\tsentence2\tsimilarity\n0\ta\tx\ty\t3.25\n"
    write(tmp_path, sst_test_student="0\t\tid\tsentence\n1\t0.0\tx\tFine\n", sts_train=pairs)
    corpus = course(tmp_path)
    test = get(corpus, "sst", "test")
    assert (test.ids, test.texts, test.labels.tolist()) == (("x",), (("fine",),), [-1])
    assert not test.labelled
    assert get(corpus, "sts", "train").labels.tolist() == [3.25]


def test_only_the_tasks_asked_for_are_read(tmp_path: Path) -> None:
    write(tmp_path, sst_train=sst(3), sst_dev=sst(2), quora_dev="broken")
    assert course(tmp_path, ["sst"]).tasks == ("sst",)


def test_rows_without_a_label_or_cells_are_dropped_and_named_with_their_true_line(tmp_path: Path) -> None:
    rows = '5\ta\t"a cell\nof two lines"\tb\t1.0\n6\tb\tx\ty\t\n\n7\tc\tx\t1\n8\td\tx\t \t0.0\n9\te\tx\ty\t0\n'
    corpus = course(write(tmp_path, quora_dev=PAIR_HEADER + rows))
    dev = get(corpus, "quora", "dev")
    assert dev.ids == ("a", "e")
    assert [(row.where, row.why) for row in dev.dropped] == [
        ("quora-dev.csv:4", "no label (index 6)"),
        ("quora-dev.csv:6", "4 cells instead of 5 (index 7)"),
        ("quora-dev.csv:7", "an empty sentence (index 8)"),
    ]
    assert len(corpus.notes) == 1
    assert "3 of 5 rows" in corpus.notes[0]
    assert "quora-dev.csv:4 no label" in corpus.notes[0]


def test_an_unclosed_quotation_costs_each_line_that_it_swallows(tmp_path: Path) -> None:
    text = sst(3) + '3\tx\t"never closed\t1\n4\ty\tswallowed\t1\n'
    dropped = get(course(write(tmp_path, sst_dev=text)), "sst", "dev").dropped
    assert [row.where for row in dropped] == ["ids-sst-dev.csv:5", "ids-sst-dev.csv:6"]
    assert "opens in line 5" in dropped[0].why


@pytest.mark.parametrize(
    ("good", "broken", "refused"), [(5, 10, False), (5, 11, True), (1100, 11, False), (1000, 11, True)]
)
def test_a_file_is_refused_for_more_than_ten_broken_rows_that_are_more_than_a_hundredth(
    tmp_path: Path, good: int, broken: int, refused: bool
) -> None:
    write(tmp_path, sst_dev=sst(good) + "0\tx\tno label\t\n" * broken)
    if refused:
        assert f"{broken} of {good + broken:,} rows cannot be used (ids-sst-dev.csv:{good + 2} no" in refusal(tmp_path)
    else:
        assert len(get(course(tmp_path), "sst", "dev").dropped) == broken


def test_a_train_file_of_another_size_than_the_official_one_is_noted(tmp_path: Path) -> None:
    def rows(count: int) -> str:
        return PAIR_HEADER + "".join(f"{i}\t{i}\ta\tb\t0\n" for i in range(count))

    assert course(write(tmp_path, quora_train=rows(1234))).notes == ("1,234-row Quora",)
    assert course(write(tmp_path, quora_train=rows(OFFICIAL_QUORA))).notes == ()


def test_missing_files_are_named_with_what_to_do(tmp_path: Path) -> None:
    assert "nowhere is not there; give the folder" in refusal(tmp_path / "nowhere")
    assert "none of the course's files" in refusal(tmp_path)
    write(tmp_path, sst_train=sst(2))
    assert course(tmp_path).get("sst", "dev") is None
    assert "ids-sst-dev.csv is not there; put" in refusal(tmp_path, ["sst"])
    assert "no task 'mnli'; choose from sst, quora, sts, cfimdb" in refusal(tmp_path, ["mnli"])
    (tmp_path / "sts-dev.csv").mkdir()
    assert "sts-dev.csv cannot be read" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n" + sst(1).encode(), ":1: no column id, sentence, sentiment; the columns found are none"),
        (SST_HEADER.encode(), "no rows under its header"),
        (b",id,sentence,sentiment\n0,a,b,1\n", ":1: tab-separated expected; this looks comma-separated"),
        (b";id;sentence;sentiment\n0;a;b;1\n", ":1: tab-separated expected; this looks semicolon-separated"),
        (
            b"\tid\tphrase\tstars\n0\ta\tb\t1\n",
            ":1: no column sentence, sentiment; the columns found are '', 'id', 'phrase'",
        ),
        (sst(2).encode() + b"2\tx\tcaf\xe9\t1\n", ":4: byte 72 of the file is not UTF-8"),
        (sst(1).encode("utf-16"), ":1: byte 0 of the file is not UTF-8"),
        (
            sst(1).encode() + b"1\tx\tfine\t5\n",
            ":3: the label is '5', but for sst it must be a whole number from 0 to 4",
        ),
        (sst(1).encode() + b"1\tx\tfine\t-1\n", ":3: the label is '-1'"),
        (sst(1).encode() + b"1\tx\tfine\t1.5\n", ":3: the label is '1.5'"),
        (sst(1).encode() + b"1\tx\tfine\tnan\n", ":3: the label is 'nan'"),
        (sst(1).encode() + b"1\tx\tfine\tgood\n", ":3: the label is 'good'"),
        (SST_HEADER.encode() + b"1\tx\tfine\t\n", "1 of 1 rows cannot be used"),
    ],
)
def test_each_bad_file_gets_one_clear_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    message = refusal(write(tmp_path, sst_dev=content))
    assert "ids-sst-dev.csv" in message
    assert said in message


def test_scores_outside_their_range_are_refused(tmp_path: Path) -> None:
    text = "\tid\tsentence1\tsentence2\tsimilarity\n0\ta\tx\ty\t5.2\n"
    message = refusal(write(tmp_path, sts_dev=text))
    assert "sts-dev.csv:2: the label is '5.2', but for sts it must be from 0 to 5" in message


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    plain = get(course(write(tmp_path, sst_dev=sst(3))), "sst", "dev")
    marked = b"\xef\xbb\xbf" + sst(3).replace("\n", "\r\n").encode()
    assert get(course(write(tmp_path, sst_dev=marked)), "sst", "dev").fingerprint == plain.fingerprint


def settle(content: bytes) -> None:
    """Read it as SST's dev file: a corpus or a ``DataError``, and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), sst_dev=content)
        try:
            dev = get(course(Path(folder)), "sst", "dev")
        except DataError as error:
            assert "\n" not in str(error)
        else:
            assert len(dev) == len(dev.texts) == len(dev.labels) > 0
            assert dev.fingerprint
            assert set(dev.labels.tolist()) <= set(range(5))


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None, database=None)
def test_random_bytes_never_escape_as_another_error(content: bytes) -> None:
    settle(content)


@given(
    st.lists(st.lists(st.text(st.sampled_from('ab"\t\n\r,.\x00\ufeff\u2028é13'), max_size=6), max_size=5), max_size=6)
)
@settings(max_examples=200, deadline=None, database=None)
def test_random_rows_under_a_good_header_never_escape_as_another_error(rows: list[list[str]]) -> None:
    settle((SST_HEADER + "\n".join("\t".join(cells) for cells in rows)).encode())


@pytest.mark.parametrize("label", ["", "-1", "-1.0", "nan", "NaN", " "])
def test_test_rows_may_lack_a_label_however_that_is_written(tmp_path: Path, label: str) -> None:
    corpus = course(write(tmp_path, sst_test_student=sst(1) + f"1\tx\tfine\t{label}\n"))
    assert get(corpus, "sst", "test").labels.tolist() == [2, -1]
    assert corpus.notes == ("ids-sst-test-student.csv: 1 of 2 test rows have no label, so that there is no score",)
    (tmp_path / "ids-sst-test-student.csv").unlink()
    (tmp_path / "dev").mkdir()
    if label.strip():
        assert "the label is" in refusal(write(tmp_path / "dev", sst_dev=sst(1) + f"1\tx\tfine\t{label}\n"))


def test_a_text_may_be_as_long_as_it_is(tmp_path: Path) -> None:
    text = "word " * 40_000 + "end"
    dev = get(course(write(tmp_path, sst_dev=sst(1) + f"1\tx\t{text}\t1\n")), "sst", "dev")
    assert dev.texts[1] == (text,)


def test_duplicates_ignore_case_white_space_label_and_pair_order(tmp_path: Path) -> None:
    train = PAIR_HEADER + "0\ta\tOne\tTwo\t1\n1\tb\tx\ty\t0\n"
    dev = PAIR_HEADER + "0\tc\ttwo\t ONE\t0\n1\td\tx\tz\t0\n2\te\tx\tx\t0\n"
    corpus = course(write(tmp_path, quora_train=train, quora_dev=dev))
    assert duplicates(get(corpus, "quora", "train"), get(corpus, "quora", "dev")) == 1
    assert duplicates(get(corpus, "quora", "dev"), get(corpus, "quora", "dev")) == 3


def test_a_broken_link_is_not_taken_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, sst_train=sst(3), sst_dev=sst(3))
    assert course(tmp_path).get("sst", "test") is None
    (tmp_path / "ids-sst-test-student.csv").symlink_to("nowhere")
    assert "ids-sst-test-student.csv cannot be read: No such file" in refusal(tmp_path)


@needs_data
def test_the_courses_files_have_their_known_numbers_of_rows(real: Corpus) -> None:
    for task, train, dev in (("sst", 8_544, 1_101), ("sts", 6_040, 863), ("cfimdb", 1_707, 245)):
        assert (len(get(real, task, "train")), len(get(real, task, "dev"))) == (train, dev)
    assert [len(get(real, task, "test")) for task in ("sst", "sts", "cfimdb")] == [2_210, 1_725, 488]
    assert all(examples.labelled == (split != "test") for (_, split), examples in real.splits.items())


@needs_data
def test_the_courses_quora_has_its_size_noted_and_two_dev_rows_dropped(real: Corpus) -> None:
    train, dev = get(real, "quora", "train"), get(real, "quora", "dev")
    assert [row.why for row in dev.dropped] == ["no label (index 65479)", "no label (index 264614)"]
    assert all(word in real.notes[-1] for word in ("65479", "264614", "2 of 20,214 rows"))
    lines = (REAL / "quora-dev.csv").read_text(encoding="utf-8").split("\n")
    at = [int(row.where.removeprefix("quora-dev.csv:")) for row in dev.dropped]
    assert [lines[line - 1].split("\t")[0] for line in at] == ["65479", "264614"]
    assert ("56,308-row Quora" in real.notes) == (len(train) == 56_308)
    assert len(train) == 56_308 or len(train) + len(train.dropped) == OFFICIAL_QUORA
    assert len(dev) == 20_212


@needs_data
def test_sixteen_similarity_pairs_and_two_sentences_of_dev_occur_in_train(real: Corpus) -> None:
    examples = {task: duplicates(get(real, task, "train"), get(real, task, "dev")) for task in ("sst", "sts")}
    assert examples == {"sst": 2, "sts": 16}
