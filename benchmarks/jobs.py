"""``harness run table1`` at the demo profile: with one job over the same with two, in fresh results folders.

The encoders are made once beforehand and copied into each, since one worker makes them while the other waits. No
report is written: that is one process's work whatever the jobs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.apart import ROOT
from benchmarks.ratio import Bound, Failed, Figure, alternate, ratios, timed
from benchmarks.settings import Settings
from benchmarks.shapes import SMALL, encoder
from experiments.profiles import DEMO
from harness.execution.encoders import prepare_encoder
from harness.planning.plan import plan
from harness.planning.setup import Setup
from harness.registry.selectors import select

JOBS = Bound("demo table1, 2 jobs", "1 job", "at least", 1.6)
BOUNDS = (JOBS,)
ROUNDS = 2


def measure(settings: Settings) -> list[Figure]:
    """Whole commands; ``--quick`` takes two rows, an epoch and an encoder without training."""
    selection, encoders = ["table1"], settings.scratch / "prepared"
    if settings.quick:
        small = str(encoder(SMALL, "embedded", settings.scratch))
        selection = ["bertram/table1", "--rows", "02-*,03-*", "--set", "epochs=1", "--encoder", small]
    else:
        prepare(encoders, settings)

    def seconds(jobs: int) -> float:
        home = Path(tempfile.mkdtemp(prefix="home-", dir=settings.scratch))
        if encoders.is_dir():
            shutil.copytree(encoders / "encoders", home / "encoders")
        spent = timed(
            lambda: command([*selection, "--seeds", "1", "--jobs", str(jobs), "--home", str(home), "--no-report"])
        )
        shutil.rmtree(home)
        return spent

    contenders = {"1 job": lambda: seconds(1), "2 jobs": lambda: seconds(2)}
    by_contender = alternate(contenders, settings.count(ROUNDS), report=settings.report)
    facts = {"seconds": by_contender, "data": DEMO.data, "shape": DEMO.encoder, "rows": selection}
    return [Figure(JOBS, ratios(by_contender["1 job"], by_contender["2 jobs"]), facts)]


def prepare(home: Path, settings: Settings) -> None:
    """Make every encoder that a row of table1 starts from."""
    setup = Setup(profile=DEMO, data=DEMO.data, encoder=DEMO.encoder, seeds=1)
    recipes = [row.recipe for row in plan(select(["table1"]), setup) if row.cells]
    for wanted in {recipe.encoder for recipe in recipes}:
        settings.report(f"making the encoder {wanted.slug}")
        prepare_encoder(wanted, DEMO.data, home)


def command(arguments: list[str]) -> None:
    """``harness run`` to its end; ``Failed`` with its last words unless that is a good one."""
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli.main", "run", "--profile", DEMO.name, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise Failed(f"harness run ended with exit code {done.returncode}: {last[:300]}")
