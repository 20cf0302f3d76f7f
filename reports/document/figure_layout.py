"""Figures on pages: runs of them are scaled a little and shared out so that little of a page stays white."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence

from reports.document.blocks import Block, Picture

HEIGHT = 10.2  # inches of a page's text
GAP, LINE = 0.17, 0.145  # inches between figures, of a caption's line
LEAST, MOST = 0.86, 1.08  # scale: 7 points stay 6, 6.3 inches stay within the text's width
HALF = 3.3  # inches
SWAP = 4.0  # square inches of white that a change of order must save
OPEN = 0.4  # of a page: more white than this and the text goes on below the last figure


@dataclasses.dataclass(frozen=True)
class Columns:
    """Figures of half the page's width, read down the left column first."""

    left: tuple[Picture, ...]
    right: tuple[Picture, ...]


Item = Picture | Columns


@dataclasses.dataclass(frozen=True)
class Sheet:
    """What one page holds of a run."""

    items: tuple[Item, ...]
    scale: float
    white: float  # inches


@dataclasses.dataclass(frozen=True)
class Run:
    """Figures without text between them. ``open``: the text goes on below them."""

    sheets: tuple[Sheet, ...]
    open: bool


def runs(blocks: Sequence[Block]) -> Iterator[Block | tuple[Item, ...]]:
    """The blocks, with pictures that follow each other as one run."""
    pictures: list[Picture] = []
    for block in blocks:
        if isinstance(block, Picture):
            pictures.append(block)
            continue
        if pictures:
            yield tuple(arrange(pictures))
            pictures = []
        yield block
    if pictures:
        yield tuple(arrange(pictures))


def arrange(pictures: Sequence[Picture]) -> Iterator[Item]:
    """Neighbours of half the width in two columns of about equal height."""
    halves: list[Picture] = []
    for picture in pictures:
        if picture.width < HALF:
            halves.append(picture)
            continue
        yield from columns(halves)
        halves = []
        yield picture
    yield from columns(halves)


def columns(halves: Sequence[Picture]) -> Iterator[Item]:
    if len(halves) < 2:
        yield from halves
        return
    splits = [Columns(tuple(halves[:at]), tuple(halves[at:])) for at in range(1, len(halves))]
    yield min(splits, key=lambda split: sum(room(split)))


def room(item: Item) -> tuple[float, float]:
    """Inches of its height that scale, and that do not."""
    if isinstance(item, Columns):
        sides = [[room(picture) for picture in side] for side in (item.left, item.right)]
        return (
            max(sum(scaled for scaled, _ in side) for side in sides),
            max(sum(fixed for _, fixed in side) + GAP * (len(side) - 1) for side in sides),
        )
    lines = math.ceil((len(item.caption) + 12) / (48 if item.width < HALF else 105))
    return item.height, GAP + LINE * lines


def sheet(items: Sequence[Item], height: float) -> Sheet | None:
    """The items on so much of a page; None where they do not fit."""
    if not items:
        return Sheet((), 1.0, height)
    sizes = [room(item) for item in items]
    fixed = sum(each for _, each in sizes) + GAP * (len(items) - 1)
    scaled = sum(each for each, _ in sizes)
    scale = (height - fixed) / scaled
    if scale < LEAST and not (len(items) == 1 and height >= HEIGHT and scale > 0):
        return None
    scale = min(scale, MOST)
    return Sheet(tuple(items), scale, height - fixed - scaled * scale)


def plan_run(items: Sequence[Item], first: float) -> Run:
    """The run with the least white; ``first`` inches are left of the page on which it begins. Two neighbours change
    places where that saves much."""
    swapped = [[*items[:at], items[at + 1], items[at], *items[at + 2 :]] for at in range(len(items) - 1)]
    begun = min(first, HEIGHT - 1e-6)
    kept, others = least(items, begun), [least(order, begun) for order in swapped]
    sheets = min([kept, *((cost + SWAP, pages) for cost, pages in others)], key=lambda each: each[0])[1]
    return Run(sheets, sheets[-1].white > OPEN * HEIGHT)


def least(items: Sequence[Item], first: float) -> tuple[float, tuple[Sheet, ...]]:
    """The sheets with the least sum of squared white, in order, and that sum."""

    @functools.cache
    def best(at: int, height: float) -> tuple[float, tuple[Sheet, ...]]:
        candidates: list[tuple[float, tuple[Sheet, ...]]] = []
        for end in range(at if height < HEIGHT else at + 1, len(items) + 1):
            first_sheet = sheet(items[at:end], height)
            if first_sheet is None:
                break
            if end < len(items):
                cost, rest = best(end, HEIGHT)
                candidates.append((first_sheet.white**2 + cost, (first_sheet, *rest)))
            else:
                candidates.append((0.0 if first_sheet.white > OPEN * HEIGHT else first_sheet.white**2, (first_sheet,)))
        return min(candidates, key=lambda each: each[0])

    return best(0, first)
