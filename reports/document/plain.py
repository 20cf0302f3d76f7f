"""Text as every form of the report takes it: one line, of characters that can be written."""

from __future__ import annotations

import re

from model.names import unfit

LINES = re.compile("\r\n|[\t-\r\x1c-\x1f\x85\u2028\u2029]")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """The text with a space for each line break and tab, and U+FFFD for controls, marks that turn the direction of
    reading, lone surrogates and noncharacters."""
    return "".join(sign if writable(sign) else UNKNOWN for sign in LINES.sub(" ", text))


def writable(sign: str) -> bool:
    code = ord(sign)
    nothing = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return not nothing and not unfit(sign)
