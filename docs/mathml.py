"""A Markdown extension: ``$x$`` and, as a paragraph of its own, ``$$x$$`` become MathML when the pages are built, so
that a page needs no script to show an equation."""

from __future__ import annotations

import re
import xml.etree.ElementTree as etree

from latex2mathml.converter import convert_to_element
from markdown import Extension, Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.inlinepatterns import InlineProcessor

INLINE = r"(?<![\\$\w])\$(?!\s)([^$\n]+?)(?<!\s)\$(?![\w$])"
BLOCK = re.compile(r"^\$\$(.+)\$\$$", re.DOTALL)


class Inline(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> tuple[etree.Element, int, int]:
        return convert_to_element(m[1]), m.start(), m.end()


class Block(BlockProcessor):
    def test(self, parent: etree.Element, block: str) -> bool:
        return BLOCK.match(block.strip()) is not None

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        match = BLOCK.match(blocks.pop(0).strip())
        assert match is not None
        holder = etree.SubElement(parent, "div", {"class": "equation"})
        holder.append(convert_to_element(" ".join(match[1].split()), display="block"))


class MathMl(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.inlinePatterns.register(Inline(INLINE, md), "mathml", 185)  # after `code`, before escapes
        md.parser.blockprocessors.register(Block(md.parser), "mathml", 105)


def makeExtension() -> MathMl:  # the name that Markdown looks for
    return MathMl()
