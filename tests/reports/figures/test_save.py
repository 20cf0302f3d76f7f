"""Saved figures are the same bytes each time, and nothing of them is kept."""

from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys
import weakref
from pathlib import Path

import matplotlib

from reports.figures.forest import Effect, forest
from reports.figures.save import save
from tests import ROOT

PROGRAM = """
import sys
from pathlib import Path
from reports.figures.forest import Effect, forest
from reports.figures.pareto import Point, pareto
from reports.figures.save import save
from reports.figures.scatter import Pairs, scatter
from reports.figures.estimates import Estimate
folder = Path(sys.argv[1])
(one,) = forest([Effect(row="smart \u2260", metric="SST", mean=.01, low=0., high=.02, printed=.02, supported=True)])
save(one, folder, "forest")
spots = [Point(row=f"row-{i}", x=Estimate(i / 9, 0., 1.), y=Estimate(1 - i / 9)) for i in range(9)]
save(pareto(spots, "a", "b"), folder, "pareto")
many = tuple(i / 500 for i in range(2500))
save(scatter(Pairs(row="a", gold=many, predicted=many, r=1.0)), folder, "scatter")
assert "matplotlib.pyplot" not in sys.modules
assert "torch" not in sys.modules
"""


def digests(folder: Path, seed: str) -> dict[str, str]:
    root = ROOT
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], check=True, env=environment, cwd=root)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_two_processes_write_equal_bytes(tmp_path: Path) -> None:
    first, second = digests(tmp_path / "first", "1"), digests(tmp_path / "second", "2")
    assert len(first) == 6
    assert first == second


def test_the_readers_settings_change_nothing(tmp_path: Path) -> None:
    def drawn(name: str) -> list[bytes]:
        (figure,) = forest([Effect(row="a", metric="m", mean=0.1, low=0.0, high=0.2)])
        return [path.read_bytes() for path in save(figure, tmp_path / name, "forest")]

    plain = drawn("plain")
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "pink", "svg.fonttype": "none", "axes.grid": True}):
        assert drawn("theirs") == plain


def test_a_figure_saved_twice_is_the_same(tmp_path: Path) -> None:
    (figure,) = forest([Effect(row="a", metric="m", mean=0.1, low=0.0, high=0.2)])
    once = [path.read_bytes() for path in save(figure, tmp_path, "a")]
    assert [path.read_bytes() for path in save(figure, tmp_path, "a")] == once


def test_fonts_are_embedded(tmp_path: Path) -> None:
    (figure,) = forest([Effect(row="a", metric="m", mean=0.1, low=0.0, high=0.2)])
    svg, pdf = save(figure, tmp_path / "new" / "folder", "a")
    assert "<text" not in svg.read_text(encoding="utf-8")
    assert b"/FontFile2" in pdf.read_bytes()


def test_figures_are_forgotten_with_their_last_name() -> None:
    (figure,) = forest([Effect(row="a", metric="m", mean=0.1, low=0.0, high=0.2)])
    gone = weakref.ref(figure)
    del figure
    gc.collect()
    assert gone() is None
