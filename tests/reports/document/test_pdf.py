"""The PDF: text is text, the same bytes everywhere, tables and figures keep what belongs together."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.document.blocks import Block, Heading, Words
from reports.document.figure_files import FigureError
from reports.document.text import plain
from reports.document.typst import compiler, literal, pdf, plan_pages, source
from tests import ROOT
from tests.reports.document.parts import SIGNS, TEXT, drawn, every, numbered, picture

PROGRAM = """
import sys
from pathlib import Path
from reports.document.typst import pdf
from tests.reports.document.parts import drawn, every, numbered, picture
folder = Path(sys.argv[1])
drawn(folder, "one", "two")
blocks = [*every("x \u2260 \u05e9"), picture("one"), picture("two", width=3.1), numbered(90)]
(folder / "report.pdf").write_bytes(pdf(blocks, "T", folder))
"""
OURS = re.compile(r"Libertinus|NewCM|DejaVu|STIX|LastResort|cm[a-z]+10")  # of Typst and of Matplotlib


def streams(document: bytes) -> bytes:
    """The PDF's objects, unpacked."""
    parts = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL)
    unpacked = []
    for part in parts:
        try:
            unpacked.append(zlib.decompressobj().decompress(part))
        except zlib.error:
            unpacked.append(b"")
    return document + b"\n".join(unpacked)


def pages(document: bytes, folder: Path) -> list[str]:
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("needs pdftotext (poppler) to read a PDF's text")
    (folder / "read.pdf").write_bytes(document)
    run = subprocess.run([program, "-layout", str(folder / "read.pdf"), "-"], capture_output=True, check=True)
    return run.stdout.decode().rstrip("\f").split("\f")


@settings(max_examples=15)
@given(st.lists(TEXT, min_size=1, max_size=25))
@example(SIGNS)
@example(["".join(SIGNS)])
def test_text_is_never_markup(texts: list[str]) -> None:
    blocks: list[Block] = [Heading(2, text) for text in texts]
    blocks += [block for text in texts for block in every(text)]
    text = source(blocks, texts[0])
    assert compiler(text, Path.cwd()).compile(format="pdf", timestamp=0)
    bodies = json.loads(compiler(text, Path.cwd()).query("heading.where(level: 2)", field="body"))
    assert [body.get("text", "") for body in bodies] == [plain(text) for text in texts]


@given(TEXT)
def test_a_literal_ends_where_it_should(text: str) -> None:
    assert re.fullmatch(r'"([^"\\]|\\["\\])*"', literal(text))


def test_two_processes_write_equal_bytes(tmp_path: Path) -> None:
    root = ROOT
    digests = []
    for seed in "12":
        (folder := tmp_path / seed).mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root), "HOME": str(folder)}
        subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], check=True, env=environment, cwd=folder)
        digests.append(hashlib.sha256((folder / "report.pdf").read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_the_machines_fonts_are_not_used(tmp_path: Path) -> None:
    """For what ours have; tests/reports/document/test_fonts.py has what they have not."""
    blocks: list[Block] = [Words("plain ≠ ★ ✓ ↓ ⁿ عربي 😀"), Words("bold"), *every("naïve")]
    names = set(re.findall(rb"/BaseFont\s*/(?:[A-Z]{6}\+)?([\w-]+)", streams(pdf(blocks, "naïve", tmp_path))))
    assert any(name.startswith(b"LibertinusSerif") for name in names)
    assert any(name.startswith(b"DejaVuSans") for name in names)
    assert [name for name in names if not OURS.match(name.decode())] == []


def test_a_missing_figure_is_named(tmp_path: Path) -> None:
    with pytest.raises(FigureError, match=r"figure .*one\.svg is missing; harness report --force"):
        pdf([picture("one")], "T", tmp_path)


def test_a_long_table_repeats_its_head(tmp_path: Path) -> None:
    page_texts = pages(pdf([numbered(200)], "T", tmp_path), tmp_path)
    assert len(page_texts) > 2
    assert all("name of row" in page and "row-" in page for page in page_texts)
    assert "The note stands here" in page_texts[-1]
    assert sum(page.count("The note stands here") for page in page_texts) == 1
    assert [int(name) for page in page_texts for name in re.findall(r"row-(\d+)", page)] == list(range(200))


def test_a_tables_caption_head_and_notes_stay_with_its_rows(tmp_path: Path) -> None:
    for rows, lines in (*((9, lines) for lines in range(36, 52, 3)), *((rows, 20) for rows in range(20, 36))):
        blocks: list[Block] = [*(Words("a line") for _ in range(lines)), numbered(rows)]
        page_texts = pages(pdf(blocks, "T", tmp_path), tmp_path)
        for sign in ("The caption", "name of row", "The note stands here"):
            assert all("row-" in page for page in page_texts if sign in page), (rows, lines, sign)
        assert len([page for page in page_texts if "row-" in page]) == 1 or rows > 14


def test_figures_stay_where_they_were_planned(tmp_path: Path) -> None:
    names = [f"f{at}" for at in range(8)]
    blocks: list[Block] = [Heading(1, "a"), *(Words("a line") for _ in range(12))]
    blocks += [
        picture(name, height) for name, height in zip(names, (4.1, 6.9, 4.2, 3.5, 3.7, 3.7, 8.7, 2.0), strict=True)
    ]
    blocks += [Heading(1, "b"), Words("after")]
    page_texts = pages(pdf(blocks, "T", drawn(tmp_path, *names)), tmp_path)
    (run,) = plan_pages(blocks, "T", tmp_path)
    shown = [re.findall(r"Shows (f\d)", page) for page in page_texts]
    assert [names for names in shown if names] == [
        [item.name for item in sheet.items if hasattr(item, "name")] for sheet in run.sheets if sheet.items
    ]
    assert all(page.strip() for page in page_texts)
