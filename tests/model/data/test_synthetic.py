"""The embedded data: repeatable, balanced, without leaks, and more than a bag of words."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from model.data.examples import Corpus, Split
from model.data.leakage import duplicates
from model.data.random_choice import RandomChoice
from model.data.sentiment_grammar import JUDGEMENTS, opinion
from model.data.synthetic import ROWS, embedded

SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return embedded()


def test_the_same_seed_gives_the_same_data_and_another_gives_other(corpus: Corpus) -> None:
    again, other = embedded(), embedded(seed=1)
    for place, examples in corpus.splits.items():
        assert again.splits[place].fingerprint == examples.fingerprint
        assert other.splits[place].fingerprint != examples.fingerprint
    assert again.text == corpus.text


def test_every_split_has_its_rows_with_labels_and_unique_ids(corpus: Corpus) -> None:
    for task, sizes in ROWS.items():
        for split in SPLITS:
            examples = corpus.splits[task, split]
            assert len(examples) == sizes[split]
            assert examples.labelled
            assert len(set(examples.ids)) == len(examples)
            assert all(len(texts) == examples.task.sentences for texts in examples.texts)


def test_classes_are_balanced_as_in_the_real_data(corpus: Corpus) -> None:
    for split in SPLITS:
        sst = np.bincount(corpus.splits["sst", split].labels, minlength=5) / ROWS["sst"][split]
        assert sst.max() == pytest.approx(0.26, abs=0.01)
        assert sst[2] == pytest.approx(0.20, abs=0.01)
        assert corpus.splits["quora", split].labels.mean() == pytest.approx(0.37, abs=0.01)
    scores = corpus.splits["sts", "train"].labels
    assert scores.min() == 0.0
    assert scores.max() == 5.0
    assert len(np.unique(scores)) > 10


def test_no_dev_or_test_text_stands_in_what_may_be_trained_on(corpus: Corpus) -> None:
    seen = set(corpus.text)
    assert corpus.reviews is not None
    seen |= {text for texts in corpus.reviews.texts for text in texts}
    for task in ROWS:
        train = corpus.splits[task, "train"]
        seen |= {text for texts in train.texts for text in texts}
        assert duplicates(train, corpus.splits[task, "dev"]) == 0
    for task in ROWS:
        for split in ("dev", "test"):
            assert not {text for texts in corpus.splits[task, split].texts for text in texts} & seen


def test_pairs_with_the_same_words_can_mean_different_things(corpus: Corpus) -> None:
    """Role swaps: equal bags of words, not a paraphrase."""
    train = corpus.splits["quora", "train"]
    same_bag = [
        label
        for (first, second), label in zip(train.texts, train.labels, strict=True)
        if Counter(first.lower().split()) == Counter(second.lower().split())
    ]
    assert same_bag.count(0) >= 5


def test_a_word_of_praise_is_no_proof_of_praise(corpus: Corpus) -> None:
    """Negation and contrast: sentences with a strong good word carry at least three different labels."""
    train = corpus.splits["sst", "train"]
    strong = [label for (text,), label in zip(train.texts, train.labels, strict=True) if JUDGEMENTS[2][0] in text]
    assert len(strong) > 10
    assert len(set(strong)) >= 3


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("The plot is superb.", 2),
        ("The plot is not superb.", 0),
        ("The plot is not dull.", 1),
        ("The plot is far from nice.", -2),
        ("The plot is rather awful.", -1),
        ("The plot is very good.", 2),
        ("I did not like the plot.", -1),
        ("The plot is okay.", 0),
    ],
)
def test_labels_agree_with_a_reader(text: str, score: int) -> None:
    """Each sentence can be drawn, and the grammar scores it as a reader would."""
    dice = RandomChoice(0, "reader")
    for _ in range(20_000):
        statement = opinion(dice, subjects=("plot", "cast"))
        if statement.text == text:
            assert statement.score == score
            return
    pytest.fail(f"the grammar never says {text!r}")
