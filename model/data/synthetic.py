"""The embedded data: all four tasks in small, written by a seeded grammar, so that everything runs with no files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from model.data.examples import Corpus, Examples, Split
from model.data.grammar import QUESTIONS, SCENES, Meaning, meaning
from model.data.random_choice import RandomChoice
from model.data.sentiment_grammar import GOODS, PRODUCT, opinion
from model.task import CFIMDB, QUORA, SST, STS, Task

Texts = tuple[str, ...]
Draw = Callable[[RandomChoice], tuple[Texts, float]]

ROWS: dict[str, dict[Split, int]] = {
    "sst": {"train": 480, "dev": 250, "test": 200},
    "quora": {"train": 800, "dev": 300, "test": 200},
    "sts": {"train": 240, "dev": 250, "test": 200},
    "cfimdb": {"train": 320, "dev": 200, "test": 200},
}
SHARES: dict[str, tuple[float, ...]] = {  # of the classes, as in the real data
    "sst": (0.13, 0.26, 0.20, 0.26, 0.15),
    "quora": (0.63, 0.37),
    "cfimdb": (0.5, 0.5),
}
VERSION = 3  # goes up when a sentence or a label changes
REVIEWS_PER_CLASS = 60
OPINION_PARAGRAPHS, QUESTION_PARAGRAPHS, SCENE_PARAGRAPHS = 900, 700, 500  # paragraphs of text


def embedded(seed: int = 0) -> Corpus:
    """The whole corpus, the same for the same ``seed`` on every machine.

    No sentence of a dev or test split stands in a training split, in ``text`` or in ``reviews``. ``text`` holds
    paragraphs of a few lines with an empty line after each.
    """
    splits: dict[tuple[str, Split], Examples] = {}
    used: set[str] = set()  # sentences of dev and test, which training data must not repeat
    for task, draw in DRAWS:
        for split in ("test", "dev"):
            splits[task.name, split] = examples = _split(task, split, draw, seed, frozenset(used))
            used.update(text for texts in examples.texts for text in texts)
    for task, draw in DRAWS:
        splits[task.name, "train"] = _split(task, "train", draw, seed, frozenset(used))
    return Corpus(
        source=f"embedded grammar, seed {seed}",
        splits={(task.name, split): splits[task.name, split] for task, _ in DRAWS for split in ROWS[task.name]},
        text=tuple(_text(seed, used)),
        reviews=_reviews(seed, used),
        notes=("sentences made by a grammar: figures say whether the machinery works, not how good a model is",),
    )


def _split(task: Task, split: Split, draw: Draw, seed: int, used: frozenset[str]) -> Examples:
    """Draws until every class has its share; a row that was there before or has a taken sentence is thrown away."""
    dice, rows = RandomChoice(seed, task.name, split), ROWS[task.name][split]
    room = quotas(rows, SHARES.get(task.name, (1.0,)))
    labels: dict[Texts, float] = {}
    while len(labels) < rows:
        texts, label = draw(dice)
        place = int(label) if task.classes else 0
        if room[place] and texts not in labels and not used.intersection(texts):
            room[place] -= 1
            labels[texts] = label
    ids = tuple(f"{task.name}-{split}-{number:04d}" for number in range(rows))
    return Examples(task, split, ids, tuple(labels), _labels(task, list(labels.values())))


def quotas(rows: int, shares: Sequence[float]) -> list[int]:
    """Whole rows a class; what rounding leaves over goes to the first classes."""
    each = [int(rows * share + 1e-9) for share in shares]
    for place in range(rows - sum(each)):
        each[place % len(each)] += 1
    return each


def _labels(task: Task, labels: Sequence[float]) -> np.ndarray:
    return np.asarray(labels, dtype=np.int64 if task.classes else np.float64)


def _sst(dice: RandomChoice) -> tuple[Texts, float]:
    statement = opinion(dice)
    return (statement.text,), statement.score + 2


def _quora(dice: RandomChoice) -> tuple[Texts, float]:
    """A question and another way to ask it, or a near miss: roles exchanged, one or two words replaced, or another
    question altogether."""
    first = meaning(dice, QUESTIONS)
    same = dice.chance(0.5)
    second = first if same else _near_miss(dice, first)
    one, way = first.said(dice)
    two, _ = second.said(dice, unlike=way if same or dice.chance(0.5) else None)
    return (one, two), int(same)


def _near_miss(dice: RandomChoice, first: Meaning) -> Meaning:
    how = dice.weighted((("swap", 0.2), ("slot", 0.35), ("slots", 0.25), ("other", 0.2)))
    if how == "swap" and first.kind.swap:
        return first.swapped()
    if how == "other":
        return meaning(dice, QUESTIONS)
    slots = dice.shuffled(range(len(first.values)))
    return first.changed(dice, slots[: 2 if how == "slots" else 1])


def _sts(dice: RandomChoice) -> tuple[Texts, float]:
    """Two scenes that agree in some of their parts; now and then the roles are exchanged or one is denied."""
    first = meaning(dice, SCENES)
    slots = dice.shuffled(range(len(first.values)))
    changes = dice.weighted(((0, 0.24), (1, 0.22), (2, 0.22), (3, 0.2), (4, 0.12)))
    second = first.changed(dice, slots[:changes])
    if dice.chance(0.25):
        second = second.swapped()
    if dice.chance(0.06):
        second = meaning(dice, SCENES)
    if dice.chance(0.2):
        second = second.denial()
    one, way = first.said(dice)
    two, _ = second.said(dice, unlike=way if dice.chance(0.7) else None)
    return (one, two), first.similarity(second)


def _cfimdb(dice: RandomChoice) -> tuple[Texts, float]:
    """A review of several sentences, highly polar: positive if they add up to 5 or more, negative from -5 down."""
    while True:
        said = [opinion(dice) for _ in range(dice.pick((3, 4)))]
        total = sum(one.score for one in said)
        if abs(total) >= 5:
            return (" ".join(one.text for one in said),), int(total > 0)


DRAWS: tuple[tuple[Task, Draw], ...] = ((SST, _sst), (QUORA, _quora), (STS, _sts), (CFIMDB, _cfimdb))


def _reviews(seed: int, used: set[str]) -> Examples:
    """Product reviews with classes 0..4 (one star to five), as many of each: a neighbouring domain."""
    dice, labels = RandomChoice(seed, "reviews"), dict[Texts, float]()
    room = [REVIEWS_PER_CLASS] * 5
    while any(room):
        statement = opinion(dice, PRODUCT, GOODS)
        if room[statement.score + 2] and (statement.text,) not in labels and statement.text not in used:
            room[statement.score + 2] -= 1
            labels[(statement.text,)] = statement.score + 2
    ids = tuple(f"review-{number:04d}" for number in range(len(labels)))
    return Examples(SST, "train", ids, tuple(labels), _labels(SST, list(labels.values())))


def _text(seed: int, used: set[str]) -> Iterator[str]:
    """Unlabelled paragraphs, ordered by topic: critics who keep to one verdict, then questions asked again and scenes
    told again, neighbours about the same persons and things."""
    dice = RandomChoice(seed, "text")
    paragraphs = [_critic(dice) for _ in range(OPINION_PARAGRAPHS)]
    for kinds, count in ((QUESTIONS, QUESTION_PARAGRAPHS), (SCENES, SCENE_PARAGRAPHS)):
        meanings = {meaning(dice, kinds): None for _ in range(count)}
        paragraphs += [_again(dice, one) for one in sorted(meanings, key=_topic)]
    for paragraph in paragraphs:
        kept = [line for line in paragraph if line not in used]
        yield from kept
        yield from [""] * bool(kept)


def _topic(one: Meaning) -> tuple[str, ...]:
    return (*one.kind.ways[:1], *sorted(one.values))


def _critic(dice: RandomChoice) -> list[str]:
    first = opinion(dice)
    lines = [first.text]
    while len(lines) < 3:
        more = opinion(dice)
        if more.score == first.score:
            lines.append(more.text)
    return lines


def _again(dice: RandomChoice, first: Meaning) -> list[str]:
    """The same thing said in three ways."""
    lines: list[str] = []
    way = None
    for _ in range(3):
        text, way = first.said(dice, unlike=way)
        lines.append(text)
    return lines
