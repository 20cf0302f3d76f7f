"""What befalls files by accident or by malice, as hypothesis strategies."""

from __future__ import annotations

import copy
import json
import os
import struct
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

CRUMBS = [
    *(b'"', b"'", b"\t", b"\n", b"\r", b"\0", b"\x1b[31m", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80"),
    *(b",", b";", b"{", b"}", b"[", b"]", b"\\", b"\\u0000", b"\\ud800", b":", b"-", b".", b"0", b"9" * 400, b"1e999"),
    *("\u2028 \u202e \u00a0 \ufeff \x85 é \U0001d7d8 \u0663 😀".encode().split()),
]
CELLS = [
    *("", " ", "nan", "inf", "1e999", "-1", "5", "6", "0.5", "1.0", "\u0661", "None", "true", "0x1", "1_0", '"', '""'),
    *("\0", "\x1b[31m", "\u2028", "\u202e", "a" * 70_000, "word " * 3000, "😀", "e\u0301", "2" * 5000),
]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 3, 10**6, 10**30, 0.5, -0.5, 1e308, float("nan"), float("inf")),
    *("", "x", "bert", "\ud800", "\x1b[31m", "x\ny", "../..", "x" * 3000, [], {}, [[]], {"x": 1}, [1, "x"], [None]),
]
CLOSED = ["closed"] if os.geteuid() else []  # nothing is closed to root
REPLACED = ["nothing", "empty", "folder", "broken link", "loop", *CLOSED]
HEADERS: list[dict[str, Any]] = [  # of a tensor in a safetensors file
    *({"dtype": "I32"}, {"dtype": "F16"}, {"dtype": "no"}, {"shape": []}, {"shape": [-1]}, {"shape": [2**62, 4]}),
    *({"data_offsets": [0, 4]}, {"data_offsets": [4, 0]}, {"data_offsets": [0, 2**63]}),
]


def replace(path: Path, kind: str) -> None:
    """Put something else in the place of a file: one of ``REPLACED``."""
    path.unlink()
    if kind in ("empty", "closed"):
        path.touch(0o600 if kind == "empty" else 0)
    elif kind == "folder":
        path.mkdir()
    elif kind != "nothing":
        path.symlink_to("nowhere" if kind == "broken link" else path.name)


@st.composite
def mangled(draw: st.DrawFn, whole: bytes) -> bytes:
    """One to three accidents at any byte."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(whole)))
        end = at + draw(st.integers(0, 60))
        crumb = draw(st.sampled_from(CRUMBS) | st.binary(min_size=1, max_size=9))
        whole = draw(
            st.sampled_from(
                [
                    whole[:at],
                    whole[:at] + whole[end:],
                    whole[:at] + crumb + whole[at:],
                    whole[:at] + crumb + whole[at + len(crumb) :],
                    whole[:end] + whole[at:],
                ]
            )
        )
    return whole


@st.composite
def mangled_table(draw: st.DrawFn, whole: bytes) -> bytes:
    """One to three accidents to a line, a column or a cell of a tab-separated file, or another encoding of it."""
    rows = [line.split("\t") for line in whole.decode().split("\n")]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(rows) - 1))
        column = draw(st.integers(0, len(rows[at]) - 1))
        cell = draw(st.sampled_from(CELLS))
        kind = draw(
            st.sampled_from(["cell", "cell", "lose", "repeat", "header", "lose column", "swap", "merge", "all"])
        )
        if kind == "cell":
            rows[at][column] = cell
        elif kind == "header":
            rows[0][column % len(rows[0])] = cell
        elif kind == "lose":
            rows = rows[:at] + rows[at + 1 :] or [[""]]
        elif kind == "repeat":
            rows = [*rows[:at], list(rows[at]), *rows[at:]]
        elif kind == "merge":
            rows[at][column] = "\n".join(rows[at])
        elif kind == "swap":
            rows = [[*row[column:], *row[:column]] for row in rows]
        elif kind == "lose column":
            rows = [row[:column] + row[column + 1 :] or [""] for row in rows]
        else:
            rows = [rows[0], *([*row[:column], cell, *row[column + 1 :]] for row in rows[1:])]
    text = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])).join("\t".join(row) for row in rows)
    return text.encode(draw(st.sampled_from(["utf-8"] * 6 + ["utf-16", "utf-8-sig"])))


@st.composite
def mangled_json(draw: st.DrawFn, whole: bytes) -> bytes:
    """One to three values changed, removed or added, anywhere in the tree."""
    tree = {"root": json.loads(whole)}
    for _ in range(draw(st.integers(1, 3))):
        node: Any = tree
        key: Any = "root"
        while isinstance(node[key], dict | list) and node[key] and draw(st.integers(0, 3)):
            node = node[key]
            key = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        value = copy.deepcopy(draw(st.sampled_from(VALUES)))
        kind = draw(st.sampled_from(["change", "change", "change", "remove", "add"]))
        if kind == "change" or node is tree:
            node[key] = value
        elif kind == "remove":
            del node[key]
        elif isinstance(node, dict):
            node[draw(st.sampled_from(["", "x", "auto_map", "quantization_config", "dtype"]))] = value
        else:
            node.append(value)
    return json.dumps(tree["root"]).encode()


@st.composite
def mangled_lines(draw: st.DrawFn, whole: bytes) -> bytes:
    """One to three accidents to the lines of a JSON-lines file."""
    lines = whole.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["value", "value", "bytes", "lose", "repeat"]))
        if kind == "value" and lines[at][:1] == b"{":
            lines[at] = draw(mangled_json(whole.splitlines()[0]))
        elif kind == "lose":
            lines[at] = b""
        elif kind == "repeat":
            lines[at:at] = [lines[at]] * draw(st.sampled_from([1, 300]))
        else:
            lines[at] = draw(mangled(lines[at]))
    return b"\n".join(lines)


@st.composite
def mangled_weights(draw: st.DrawFn, whole: bytes) -> bytes:
    """A safetensors file with another header or other numbers."""
    (length,) = struct.unpack("<Q", whole[:8])
    header, numbers = json.loads(whole[8 : 8 + length]), whole[8 + length :]
    name = draw(st.sampled_from([name for name in header if name != "__metadata__"]))
    kind = draw(st.sampled_from(["tensor", "tensor", "turn", "name", "lose", "number", "length", "tree"]))
    if kind == "length":
        length = draw(st.sampled_from([0, 1, length - 1, length + 1, len(whole), 2**31, 2**63, 2**64 - 1]))
        return struct.pack("<Q", length) + whole[8:]
    if kind == "number":
        odd = draw(st.sampled_from([b"\0\0\xc0\x7f", b"\0\0\x80\xff", b"\xff\xff\x7f\x7f"]))  # nan, -inf, the largest
        at = 4 * draw(st.integers(0, len(numbers) // 4 - 1))
        numbers = numbers[:at] + odd + numbers[at + 4 :]
    elif kind == "tensor":
        header[name] |= draw(st.sampled_from(HEADERS))
    elif kind == "turn":
        header[name]["shape"] = draw(st.sampled_from([header[name]["shape"][::-1], [1, *header[name]["shape"]]]))
    elif kind == "name":
        header[draw(st.sampled_from(["x", "encoder.layer.7.output.dense.weight", "\x1b[31m", ""]))] = header.pop(name)
    elif kind == "lose":  # and all that comes after it
        numbers = numbers[: header[name]["data_offsets"][0]]
        header = {key: entry for key, entry in header.items() if entry.get("data_offsets", [0, 0])[1] <= len(numbers)}
    text = json.dumps(header).encode()
    if kind == "tree":
        text = draw(mangled_json(text))
    return struct.pack("<Q", len(text)) + text + numbers


class Planted:
    """Unpickling this makes a folder."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def planted(trap: Path) -> st.SearchStrategy[Any]:
    """Things to pickle that hold a trap somewhere; unpickling them makes the folder ``trap``."""
    return st.recursive(
        st.just(Planted(str(trap))),
        lambda inner: st.lists(inner, min_size=1, max_size=2) | st.dictionaries(st.text(max_size=9), inner, min_size=1),
        max_leaves=3,
    )
