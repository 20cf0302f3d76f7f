"""Dev rows that were also trained on: they flatter every score, and by how much is for the reader to judge."""

from __future__ import annotations

from model.data.examples import Examples


def duplicates(train: Examples, dev: Examples) -> int:
    """How many dev rows have a text that occurs in train, whatever its case, white space, label or pair order."""
    seen = {_folded(texts) for texts in train.texts}
    return sum(_folded(texts) in seen for texts in dev.texts)


def _folded(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted([" ".join(text.lower().split()) for text in texts]))
