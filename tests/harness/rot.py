"""Turned bits, and what became of them: a table by kind of file, which ends a session of the tests that turn them."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

OUTCOMES = ("noticed", "harmless", "mended", "left out", "silent")
TABLE: dict[str, Counter[str]] = {}


def turn(path: Path, chance: random.Random) -> int:
    """Turn one bit of a file, which keeps its times; which."""
    facts, content = path.stat(), bytearray(path.read_bytes())
    bit = chance.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return bit


def count(kind: str, outcome: str) -> str:
    """Note an outcome in the table; the same one."""
    TABLE.setdefault(kind, Counter())[outcome] += 1
    return outcome


def lines() -> Iterator[str]:
    yield f"{'turned bits of':<44}{'tried':>8}" + "".join(f"{name:>10}" for name in OUTCOMES)
    for kind, counts in sorted(TABLE.items()):
        yield f"{kind:<44}{counts.total():>8}" + "".join(f"{counts[name]:>10}" for name in OUTCOMES)
