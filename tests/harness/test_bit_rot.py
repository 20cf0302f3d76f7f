"""One bit of any file of a results folder: what is shown stays as it was, or what was hurt is named. Never another
figure without a word."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from harness import store as storing
from harness.catalogue import find, select
from harness.cell import PARTS
from harness.declared import row_digest
from harness.listing import OURS, latest, of_now, seal
from harness.measured import Evidence, Home
from harness.seed import check
from harness.store import Store
from harness.stored import Stored
from model.errors import InputError
from reports.evidence import SetUp
from tests.harness.conftest import Invoke
from tests.harness.homes import empty
from tests.harness.processes import FULL
from tests.harness.report_homes import contents, deliver, furnish, seeds
from tests.harness.rot import count, turn

FLIPS = 400 if FULL else 20
SUITE = "smooth-valleys/table2"
ROWS = (f"{SUITE}/finetune-default", f"{SUITE}/finetune-rrobin")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two rows of two seeds, delivered."""
    home = tmp_path_factory.mktemp("rot") / "home"
    for row in ROWS:
        furnish(home, seeds(row, 2, skill=0.5 if row == ROWS[0] else 0.8))
    empty()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storing, "migrate", lambda file: file.write_bytes(empty()))
        assert deliver(home).left == 0
    return home


def flipped(home: Path, kind: str, stream: random.Random) -> tuple[Path, int]:
    """One random bit of one random file of a kind, a pattern, is turned; which."""
    files = [path for path in sorted(home.glob(kind)) if path.is_file()]
    path = stream.choice(files)
    return path, turn(path, stream)


def figures(setups: list[SetUp]) -> dict[str, Any]:
    """All that a report would take from evidence: of every seed all that is read of it, its answers and a curve."""
    told = {}
    for setup in setups:
        for slug, row in setup.rows.items():
            for seed in row.seeds:
                curves = row.reader.curves(seed.run, ["dev/sst_accuracy"])
                told[f"{setup.name} {slug} {seed.seed}"] = [check(seed, {}), row.prints().get(seed.seed), dict(curves)]
    return told


def read(evidence: Evidence) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what is said of those that are not there."""
    try:
        setups = evidence.setups(select((SUITE,)))
        told = [f"{setup.name} {slug} {seed}" for setup in setups for slug, of in setup.left_out.items() for seed in of]
        return figures(setups), told + evidence.faults()
    except InputError as error:
        return {}, [str(error)]


def judged(before: Mapping[str, Any], after: Mapping[str, Any], said: list[str]) -> str:
    if dict(after) == dict(before):
        return "harmless"
    changed = {name for name in after if after[name] != before.get(name)}
    assert not changed, changed  # another figure is never shown
    return "noticed" if said else "silent"


def trials(whole: Path, folder: Path, kind: str) -> Iterator[tuple[Path, Path, int]]:
    stream = random.Random(f"{kind} bits")
    for at in range(FLIPS):
        home = Path(shutil.copytree(whole, folder / str(at)))
        yield home, *flipped(home, kind, stream)
        shutil.rmtree(home)


@pytest.mark.parametrize("kind", [*(f"cells/*/{name}" for name in (*PARTS, "outcome.json")), "readers/*"])
def test_cells_and_what_was_planned(whole: Path, tmp_path: Path, kind: str) -> None:
    before, _ = read(Home(whole))
    outcomes = []
    for home, path, bit in trials(whole, tmp_path, kind):
        after, said = read(Home(home))
        outcomes.append(count(kind, judged(before, after, said)))
        assert outcomes[-1] == "noticed", (path, bit)  # every file is read, and every bit of it counts
    assert len(outcomes) == FLIPS


@pytest.mark.parametrize("kind", ["mlflow.db", "artifacts/**/*"])
def test_a_stores_values_and_answers(whole: Path, tmp_path: Path, kind: str) -> None:
    before, _ = read(Stored(Store(whole, f"sqlite:///{whole / 'mlflow.db'}")))
    assert len(before) == 4
    outcomes = []
    for home, path, bit in trials(whole, tmp_path, kind):
        after, said = read(Stored(Store(home, f"sqlite:///{home / 'mlflow.db'}")))
        outcomes.append(count(f"{kind} --from", judged(before, after, said)))
        assert outcomes[-1] != "silent", (path, bit)
        assert read(Home(home))[0] == read(Home(whole))[0]  # reports do not read it
    if kind != "mlflow.db":
        assert set(outcomes) == {"noticed"}


@pytest.mark.usefixtures("no_figures")
def test_a_reports_own_files_are_written_again(whole: Path, tmp_path: Path, invoke: Invoke) -> None:
    home = Path(shutil.copytree(whole, tmp_path / "reported"))
    assert invoke("report", SUITE, "--home", home).exit_code == 0
    before, stream = contents(home / "reports"), random.Random("reports")
    for suffix in sorted({Path(name).suffix for name in before}) * (FLIPS // 10):
        path, bit = flipped(home, f"reports/**/*{suffix}", stream)
        told = invoke("report", SUITE, "--home", home)
        assert told.exit_code == 0
        assert contents(home / "reports") == before, (path, bit)
        assert "unchanged" not in told.output
        count(f"reports: {suffix[1:]}", "mended")


def test_the_databases_answers_are_made_again(whole: Path, tmp_path: Path, invoke: Invoke) -> None:
    """What a sync finds to be other than what was delivered it delivers again."""
    home = Path(shutil.copytree(whole, tmp_path / "home"))
    path, _ = flipped(home, "artifacts/**/*", random.Random(1))
    next(each for each in home.rglob("predictions.parquet") if each != path).unlink()
    told = invoke("sync", "--home", home)
    assert "2 new, 2 there before, 0 not delivered" in told.output
    after, said = read(Stored(Store(home, f"sqlite:///{home / 'mlflow.db'}")))
    assert (len(after), said) == (4, [])


@pytest.mark.parametrize("kind", ["mlflow.db", "artifacts/**/*"])
def test_a_sync_mends_the_homes_own_database(whole: Path, tmp_path: Path, invoke: Invoke, kind: str) -> None:
    before, _ = read(Stored(Store(whole, f"sqlite:///{whole / 'mlflow.db'}")))
    for home, path, bit in islice(trials(whole, tmp_path, kind), FLIPS // 5):
        assert invoke("sync", "--home", home).exit_code == 0
        after, said = read(Stored(Store(home, f"sqlite:///{home / 'mlflow.db'}")))
        outcome = judged(before, after, said).replace("harmless", "mended")
        assert count(f"{kind} of the home", outcome) == "mended", (path, bit, said)


def test_a_bit_of_the_latest_figures(tmp_path: Path) -> None:
    """Another figure is in no list: a result is there as it was, or not until its row's next run."""
    suite, row = find(ROWS[0])
    made = {"profile": "demo", "data": "embedded", "encoder": "tiny", "variant": ""}
    told = made | {
        "declared": row_digest(suite, row, made),
        "n": 3,
        "figures": {"overall": {"mean": 0.5, "half": 0.01}},
    }
    path, stream = tmp_path / "reports" / OURS, random.Random(0)
    path.parent.mkdir()

    def shown() -> dict[str, list[dict[str, Any]]]:
        return {name: of_now(*find(name), each) for name, each in latest(tmp_path).items() if name in ROWS}

    for _ in range(FLIPS):
        path.write_text(json.dumps({ROWS[0]: [told | {"check": seal(told)}]}, indent=1))
        before = shown()
        assert before[ROWS[0]]
        bit, after = turn(path, stream), shown()
        outcome = "harmless" if after == before else "silent" if any(after.values()) else "left out"
        assert count(OURS, outcome) != "silent", bit
