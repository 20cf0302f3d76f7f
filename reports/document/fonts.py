"""Characters that a report's own face lacks: which fonts of the machine have them, and which characters none has. Where
the face has all, nothing depends on the machine's fonts."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from reports.document.blocks import Block, Bullets, Grid, Heading, Picture, Words

UNSEEN = ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp")  # categories without a glyph of their own
SELECTORS = range(0xFE00, 0xFE10)  # which of two forms the character before has
LAST_RESORT = "LastResort"  # in the name of a font of boxes
NAMED = 24  # characters in a sentence


class MissingGlyphs(UserWarning):
    """Some ``characters`` are boxes in ``where``."""

    def __init__(self, characters: Iterable[str], where: str) -> None:
        self.characters, self.where = tuple(characters), where
        super().__init__(sentence(self.characters, [where]))


def sentence(characters: Iterable[str], where: Iterable[str]) -> str:
    """What is a box, where, and how to mend it."""
    unique = sorted(set(characters))
    more = f" and {len(unique) - NAMED} more" if len(unique) > NAMED else ""
    boxes = "it is a box" if len(unique) == 1 else "they are boxes"
    return (
        f"no font of this machine has {' '.join(unique[:NAMED])}{more}, so that {boxes} in {' and '.join(where)}; "
        "install one that has (Noto's, say), then write the report again with harness report --force"
    )


def texts_of(blocks: Iterable[Block]) -> Iterator[str]:
    """Every text of a report but what its figures show."""
    for block in blocks:
        if isinstance(block, Heading | Words):
            yield block.text
        elif isinstance(block, Bullets):
            yield from (block.title, *block.items)
        elif isinstance(block, Grid):
            yield from (block.caption, *block.notes)
            yield from (text for row in (*block.head, *block.body) for cell in row for text in (cell.text, cell.below))
        elif isinstance(block, Picture):
            yield block.caption


def missing_in_dejavu(text: str) -> tuple[str, ...]:
    """The characters of a text that DejaVu has no glyph for, in order; nothing is opened for plain ASCII."""
    if text.isascii():
        return ()
    return tuple(
        each for each in sorted(set(text)) if not each.isascii() and has_glyph(each) and ord(each) not in dejavu()
    )


def has_glyph(character: str) -> bool:
    return unicodedata.category(character) not in UNSEEN and ord(character) not in SELECTORS


def faces() -> Path:
    """The folder of the fonts that come with matplotlib."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@functools.cache
def dejavu() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(faces() / "DejaVuSans.ttf")).get_charmap())


@functools.lru_cache(maxsize=256)
def fonts(characters: tuple[str, ...], outlines: bool) -> tuple[Path, ...]:
    """As few of the machine's fonts as have all of these characters that any has: each time the one that has most of
    what is left, an upright regular one before others, then by name. ``outlines``: no bitmaps, which figures cannot
    draw."""
    has = {path: covered for path, covered in fonts_with(characters, outlines).items() if covered}
    left, chosen = set(characters), list[Path]()
    while left:
        best = max(has, key=lambda path: len(has[path] & left), default=None)  # the first of equals
        if best is None or not has[best] & left:
            break
        chosen.append(best)
        left -= has[best]
    return tuple(chosen)


def missing_everywhere(characters: tuple[str, ...], outlines: bool) -> tuple[str, ...]:
    """Those that no font of the machine has."""
    has = fonts_with(characters, outlines)
    return tuple(each for each in characters if not any(each in covered for covered in has.values()))


@functools.lru_cache(maxsize=256)
def fonts_with(characters: tuple[str, ...], outlines: bool) -> dict[Path, frozenset[str]]:
    """By the machine's font which of these characters it has, regular ones first."""
    if not characters:
        return {}
    from matplotlib.font_manager import findSystemFonts
    from matplotlib.ft2font import FT2Font

    ranked: list[tuple[bool, str, frozenset[str]]] = []
    for path in findSystemFonts():
        if LAST_RESORT in Path(path).name.replace(" ", ""):
            continue
        try:
            font = FT2Font(path)
            covered = frozenset(each for each in characters if font.get_char_index(ord(each)))
        except (OSError, RuntimeError):  # damaged, or of a kind that FreeType does not read
            continue
        if covered and (font.scalable or not outlines) and not (outlines and "Color" in font.family_name):
            ranked.append((font.style_name not in ("Regular", "Book"), path, covered))
    return {Path(path): covered for _, path, covered in sorted(ranked, key=lambda each: each[:2])}


@functools.lru_cache(maxsize=4096)
def families(text: str) -> tuple[str, ...]:
    """The families that matplotlib has to fall back on for this text, made known to it."""
    characters = missing_in_dejavu(text)
    if not characters:
        return ()
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    names = []
    for path in fonts(characters, True):
        if str(path) not in {entry.fname for entry in fontManager.ttflist}:
            fontManager.addfont(path)
        names.append(FT2Font(str(path)).family_name)
    return tuple(dict.fromkeys(names))
