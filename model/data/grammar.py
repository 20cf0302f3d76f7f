"""The grammar behind the embedded data: meanings drawn by dice, the sentences that say them, and their labels.

A label is computed from the meaning, never from the words: negation turns a judgement round, a but-clause overrules
what stands before it, and exchanging who did it with whom it was done to changes a question but not its words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from model.data.random_choice import RandomChoice


def words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def sentence(text: str, end: str = ".") -> str:
    return text[0].upper() + text[1:] + end


# A value is one or more wordings of one meaning, "a|b"; a deed has base, past and participle, "a/b/c".
FILLERS: dict[str, tuple[str, ...]] = {
    "person": words("Anna, Ben, Carla, David, Emma, Felix, Grace, Henry, Iris, Jack"),
    "deed": words(
        "call/called/called|phone/phoned/phoned, help/helped/helped|assist/assisted/assisted,"
        "beat/beat/beaten|defeat/defeated/defeated, hire/hired/hired|employ/employed/employed,"
        "teach/taught/taught|instruct/instructed/instructed, visit/visited/visited, pay/paid/paid,"
        "invite/invited/invited"
    ),
    "day": words("Monday, Tuesday, Friday, Sunday"),
    "city": words("Rome, Paris, London, Madrid, Berlin, Vienna, Oslo, Athens, Lisbon, Dublin"),
    "vehicle": words("train, bus|coach, plane|flight, boat|ferry"),
    "more": words("bigger/smaller|larger/smaller, older/younger, warmer/colder|hotter/cooler, richer/poorer"),
    "number": words("two, three, four, six, eight, ten, twenty"),
    "food": words("cakes, pizzas, eggs, apples, fish, carrots"),
    "action": words(
        "buy a house|purchase a house, sell my car, learn Spanish|study Spanish, start a job|begin a job,"
        "paint the kitchen, get a dog|adopt a dog, fix the roof|repair the roof, plant a tree, write a book,"
        "clean the windows|wash the windows, open a shop, build a boat"
    ),
    "time": words("two days, three weeks, six months, one year, ten hours"),
    "animal": words("cats, dogs, horses, birds, bears, children|kids"),
    "taste": words("like/enjoy/are fond of, hate/dislike/are afraid of"),
    "thing": words("fish, apples, water|rivers, music|songs, snow, trains, carrots"),
    "age": words("young, old, tall, happy|cheerful"),
    "who": words("man|guy, woman|lady, boy, girl, farmer, teacher, nurse, cook|chef"),
    "doing": words(
        "playing a guitar, playing a drum, cooking soup|preparing soup, cooking rice|preparing rice, riding a horse,"
        "riding a bike|riding a bicycle, washing a car|cleaning a car, washing a dog|cleaning a dog,"
        "cutting a carrot|slicing a carrot, cutting an onion|slicing an onion, reading a book, reading a letter,"
        "painting a wall, painting a door"
    ),
    "place": words("in the park, in the kitchen, on the street|on the road, at the beach|by the sea, in the garden"),
    "goods": words("a car, a house|a home, a horse, a boat|a ship, a picture|a painting, a bicycle|a bike"),
    "beast": words("dog, cat, horse, bird, bear, monkey"),
    "hunt": words(
        "chasing/chased|pursuing/pursued, watching/watched|observing/observed, following/followed, biting/bitten"
    ),
}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A sort of meaning. ``ways`` say it: {0[0]} is the first form of slot 0, {no} may hold a negation. Exchanging the
    ``swap`` slots changes the meaning; ``worth`` is what agreement in each slot adds to a similarity of 0..5."""

    slots: tuple[str, ...]
    ways: tuple[str, ...]
    swap: tuple[int, int] | None = None
    worth: tuple[float, ...] = ()


QUESTIONS: tuple[tuple[Kind, float], ...] = (
    (
        Kind(
            ("person", "person", "deed", "day"),
            (
                "did {0[0]} {2[0]} {1[0]} on {3[0]}?",
                "was {1[0]} {2[2]} by {0[0]} on {3[0]}?",
                "on {3[0]}, did {0[0]} {2[0]} {1[0]}?",
                "is it true that {0[0]} {2[1]} {1[0]} on {3[0]}?",
            ),
            swap=(0, 1),
        ),
        0.28,
    ),
    (
        Kind(
            ("city", "city", "vehicle"),
            (
                "how do I get from {0[0]} to {1[0]} by {2[0]}?",
                "how can I reach {1[0]} from {0[0]} by {2[0]}?",
                "what is the best {2[0]} from {0[0]} to {1[0]}?",
                "which {2[0]} goes to {1[0]} from {0[0]}?",
            ),
            swap=(0, 1),
        ),
        0.17,
    ),
    (
        Kind(
            ("city", "city", "more"),
            (
                "is {0[0]} {2[0]} than {1[0]}?",
                "is {1[0]} {2[1]} than {0[0]}?",
                "is it true that {0[0]} is {2[0]} than {1[0]}?",
                "compared with {1[0]}, is {0[0]} {2[0]}?",
            ),
            swap=(0, 1),
        ),
        0.15,
    ),
    (
        Kind(
            ("number", "number", "food"),
            (
                "can {0[0]} people eat {1[0]} {2[0]}?",
                "are {1[0]} {2[0]} enough for {0[0]} people?",
                "will {0[0]} people finish {1[0]} {2[0]}?",
            ),
            swap=(0, 1),
        ),
        0.12,
    ),
    (
        Kind(
            ("action", "action"),
            (
                "should I {0[0]} before I {1[0]}?",
                "should I {1[0]} after I {0[0]}?",
                "is it better to {0[0]} first and {1[0]} later?",
            ),
            swap=(0, 1),
        ),
        0.1,
    ),
    (
        Kind(
            ("action", "time"),
            (
                "how can I {0[0]} in {1[0]}?",
                "what is the best way to {0[0]} in {1[0]}?",
                "is it possible to {0[0]} in {1[0]}?",
            ),
        ),
        0.08,
    ),
    (
        Kind(
            ("animal", "taste", "thing"),
            (
                "why do {0[0]} {1[0]} {2[0]}?",
                "what makes {0[0]} {1[1]} {2[0]}?",
                "why is it that {0[0]} {1[2]} {2[0]}?",
            ),
        ),
        0.1,
    ),
)

SCENES: tuple[tuple[Kind, float], ...] = (
    (
        Kind(
            ("age", "who", "doing", "place"),
            (
                "the {0[0]} {1[0]} is{no} {2[0]} {3[0]}.",
                "{3[0]}, the {0[0]} {1[0]} is{no} {2[0]}.",
                "there is a {1[0]} {3[0]} who is {0[0]} and is{no} {2[0]}.",
            ),
            worth=(0.6, 1.2, 2.2, 1.0),
        ),
        0.5,
    ),
    (
        Kind(
            ("beast", "beast", "hunt", "place"),
            (
                "the {0[0]} is{no} {2[0]} the {1[0]} {3[0]}.",
                "the {1[0]} is{no} being {2[1]} by the {0[0]} {3[0]}.",
                "{3[0]}, the {0[0]} is{no} {2[0]} the {1[0]}.",
            ),
            swap=(0, 1),
            worth=(1.2, 1.2, 1.6, 1.0),
        ),
        0.25,
    ),
    (
        Kind(
            ("person", "person", "goods", "day"),
            (
                "{0[0]} sold {2[0]} to {1[0]} on {3[0]}.",
                "{1[0]} bought {2[0]} from {0[0]} on {3[0]}.",
                "on {3[0]}, {0[0]} sold {2[0]} to {1[0]}.",
            ),
            swap=(0, 1),
            worth=(1.2, 1.2, 1.6, 1.0),
        ),
        0.25,
    ),
)
SWAPPED = 0.2  # how much of its worth a value keeps in the other role
RELATED = 0.4  # ... and something that is done keeps if the act or the thing is the same
DENIED = 0.4  # how much of the similarity is left if one of two sentences denies


@dataclasses.dataclass(frozen=True)
class Meaning:
    """A kind, the value of each of its slots and whether it is denied."""

    kind: Kind
    values: tuple[str, ...]
    denied: bool = False

    def changed(self, dice: RandomChoice, slots: Sequence[int]) -> Meaning:
        """Other values in these slots."""
        values = list(self.values)
        for slot in slots:
            free = [value for value in FILLERS[self.kind.slots[slot]] if value not in (*self.values, *values)]
            values[slot] = dice.pick(free)
        return dataclasses.replace(self, values=tuple(values))

    def swapped(self) -> Meaning:
        """The same values, the two roles exchanged."""
        values = list(self.values)
        if self.kind.swap:
            first, second = self.kind.swap
            values[first], values[second] = values[second], values[first]
        return dataclasses.replace(self, values=tuple(values))

    def denial(self) -> Meaning:
        """The same thing, denied; a kind without a place for a negation stays as it is."""
        deniable = any("{no}" in way for way in self.kind.ways)
        return dataclasses.replace(self, denied=deniable and not self.denied)

    def said(self, dice: RandomChoice, *, unlike: int | None = None) -> tuple[str, int]:
        """A sentence that says this and the number of the way it does, which is another one than ``unlike``."""
        way = dice.pick([number for number in range(len(self.kind.ways)) if number != unlike])
        forms = [dice.pick(value.split("|")).split("/") for value in self.values]
        text = self.kind.ways[way].format(*forms, no=" not" if self.denied else "")
        return text[0].upper() + text[1:], way

    def similarity(self, other: Meaning) -> float:
        """0 (nothing in common) .. 5 (the same), in steps of a fifth."""
        if self.kind != other.kind:
            return 0.0
        total = sum(worth * self._agrees(other, slot) for slot, worth in enumerate(self.kind.worth))
        return round(total * (1.0 if self.denied == other.denied else DENIED) * 5) / 5

    def _agrees(self, other: Meaning, slot: int) -> float:
        mine, theirs = self.values[slot], other.values[slot]
        if mine == theirs:
            return 1.0
        if self.kind.swap and slot in self.kind.swap:
            return SWAPPED if mine in [other.values[place] for place in self.kind.swap] else 0.0
        related = self.kind.slots[slot] == "doing" and {*mine.split()} & {*theirs.split()} - {"a", "an"}
        return RELATED if related else 0.0


def meaning(dice: RandomChoice, kinds: Sequence[tuple[Kind, float]]) -> Meaning:
    """A meaning with different values in all slots."""
    kind = dice.weighted(kinds)
    values: list[str] = []
    for slot in kind.slots:
        values.append(dice.pick([value for value in FILLERS[slot] if value not in values]))
    return Meaning(kind, tuple(values))
