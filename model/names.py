"""Names and texts of declarations: what can stand on a command line, in a file's name, a table and a tracking store."""

from __future__ import annotations

import re
import unicodedata

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
LONGEST_NAME = 40  # characters: six names are one folder's, of an ablation between two papers
LONGEST_TEXT = 1000
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")  # control characters, bytes that are no UTF-8, line separators
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # have what follows read backwards
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def unprintable(text: str) -> str | None:
    """The first letter that cannot stand in a line."""
    return next((letter for letter in text if unfit(letter)), None)


def unfit(letter: str) -> bool:
    return unicodedata.category(letter) in UNPRINTABLE or letter in TURNING


def printed(text: str, keep: str = "") -> str:
    """The text with U+FFFD for each letter that cannot stand in a line, but for those to ``keep``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(UNKNOWN if unfit(letter) and letter not in keep else letter for letter in text)


def name_fault(name: str, *, dots: bool = True) -> str:
    """Why this is no name; empty where it is one. Without ``dots`` it can be joined to others by them."""
    if not name:
        return "it is empty"
    if len(name) > LONGEST_NAME:
        return f"it has {len(name):,} characters, and {LONGEST_NAME} is the most"
    marks = "- _ and ." if dots else "- and _"
    if not (NAME if dots else PLAIN).fullmatch(name):
        return f"it must be letters from A to Z, digits, {marks} alone, a letter or digit first"
    if ".." in name or name.endswith((".", ".py")):
        return "it must not hold two dots in a row, and not end with a dot or .py"
    return ""


def text_fault(text: str) -> str:
    """Why this is no text of a line; empty where it is one."""
    if len(text) > LONGEST_TEXT:
        return f"it has {len(text):,} characters, and {LONGEST_TEXT:,} is the most"
    odd = unprintable(text)
    return "" if odd is None else f"it holds {odd!r}, which cannot be printed"
