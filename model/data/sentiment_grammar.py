"""Judgements of films and products, from awful to wonderful, with the score that their grammar gives them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from model.data.grammar import sentence, words
from model.data.random_choice import RandomChoice

JUDGEMENTS: dict[int, tuple[str, ...]] = {
    -2: words("awful, terrible, horrible, dreadful"),
    -1: words("dull, weak, bland, clumsy"),
    0: words("average, ordinary, okay"),
    1: words("nice, good, pleasant, clever"),
    2: words("wonderful, brilliant, superb, excellent"),
}
GOODS: dict[int, tuple[str, ...]] = {  # what a product may be called besides
    -2: words("awful, terrible, useless, broken"),
    -1: words("weak, clumsy, flimsy, noisy"),
    0: words("average, ordinary, okay"),
    1: words("nice, good, handy, sturdy"),
    2: words("wonderful, excellent, perfect, flawless"),
}
FEELINGS = {-2: ("hated", "hate"), -1: ("disliked", "dislike"), 1: ("liked", "like"), 2: ("loved", "love")}
MOVIE = words("movie, film, story, plot, acting, cast, ending, music, script, humor, dialogue, first half")
PRODUCT = words("blender, phone, chair, lamp, kettle, battery, cable, screen, box, handle, motor, design")
OPENINGS = words("Honestly, In short, For me, Overall, In my view, To be honest, To be fair, Frankly")


@dataclasses.dataclass(frozen=True)
class Opinion:
    """A judgement in words, without capital or full stop, and its score -2..2."""

    text: str
    score: int


def judged(dice: RandomChoice, subject: str, lexicon: dict[int, tuple[str, ...]]) -> Opinion:
    """The <subject> is [operator] <adjective>. ``not`` turns a mild word round and makes a strong one middling,
    ``far from`` turns either round in full, ``very`` strengthens and ``rather`` weakens."""
    strength = dice.pick((-2, -1, -1, 1, 1, 2))
    strong, sign = abs(strength) == 2, 1 if strength > 0 else -1
    said = dice.pick(lexicon[strength])
    how = dice.weighted((("", 0.4), ("not", 0.22), ("far", 0.12), ("degree", 0.14), ("middling", 0.12)))
    if how == "not":
        return Opinion(f"the {subject} is not {said}", 0 if strong else -sign)
    if how == "far":
        return Opinion(f"the {subject} is {dice.pick(('far from', 'anything but'))} {said}", -2 * sign)
    if how == "degree" and strong:
        return Opinion(f"the {subject} is {dice.pick(('rather', 'somewhat'))} {said}", sign)
    if how == "degree":
        return Opinion(f"the {subject} is {dice.pick(('very', 'really'))} {said}", 2 * sign)
    if how == "middling":
        opposite = dice.pick(lexicon[-strength])
        plain = f"the {subject} is {dice.pick(lexicon[0])}"
        return Opinion(dice.pick((plain, f"the {subject} is neither {said} nor {opposite}")), 0)
    return Opinion(f"the {subject} is {said}", strength)


def felt(dice: RandomChoice, subject: str) -> Opinion:
    """I liked it, or I did not: as with adjectives, a negated strong feeling is middling."""
    strength = dice.pick((-2, -1, 1, 2))
    past, base = FEELINGS[strength]
    if dice.chance(0.4):
        return Opinion(f"I did not {base} the {subject}", 0 if abs(strength) == 2 else -strength)
    return Opinion(f"I {past} the {subject}", strength)


def clause(dice: RandomChoice, subject: str, lexicon: dict[int, tuple[str, ...]]) -> Opinion:
    return felt(dice, subject) if dice.chance(0.2) else judged(dice, subject, lexicon)


def opinion(
    dice: RandomChoice, subjects: Sequence[str] = MOVIE, lexicon: dict[int, tuple[str, ...]] = JUDGEMENTS
) -> Opinion:
    """One sentence of one or two clauses. After ``but`` and before or after an ``although`` clause the main clause
    decides; of two clauses that agree the stronger does."""
    subject = dice.pick(subjects)
    one = clause(dice, subject, lexicon)
    two = clause(dice, dice.other(subjects, subject), lexicon)
    shape = dice.weighted((("one", 0.5), ("but", 0.2), ("although", 0.1), ("despite", 0.1), ("and", 0.1)))
    agree = one.score * two.score > 0
    if shape == "one" or (shape == "and" and not agree):
        combined = one
    elif agree:
        combined = Opinion(f"{one.text} and {two.text}", max(one.score, two.score, key=abs))
    elif shape == "despite":
        combined = Opinion(f"{one.text}, although {two.text}", one.score)
    elif shape == "although":
        combined = Opinion(f"although {one.text}, {two.text}", two.score)
    else:
        combined = Opinion(f"{one.text}, but {two.text}", two.score)
    if dice.chance(0.15):
        combined = Opinion(f"{dice.pick(OPENINGS)}, {combined.text}", combined.score)
    return Opinion(sentence(combined.text), combined.score)
