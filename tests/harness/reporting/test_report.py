"""``harness report``: what the store holds and no more, each set-up apart, the same bytes from the same store."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from mlflow.tracking import MlflowClient

from harness.registry.selectors import select
from harness.reporting import report
from reports.document.blocks import Block
from tests.harness.conftest import Invoke
from tests.harness.homes import empty
from tests.harness.processes import FULL
from tests.harness.report_homes import Training, contents, deliver, expected, furnish, reads, seeds, train
from tests.harness.report_scale import fill
from tests.harness.tracking.test_server import Server

SUITE = "smartbert/table1"
FEW = "smooth-valleys/table2"
BASE, CHANGED = f"{FEW}/finetune-default", f"{FEW}/finetune-rrobin"
FIGURE = re.compile(r'data-value="([^"]*)"[^>]*>[^<]*<small>[0-9a-f]{6}<')  # with its name in small print

Table = dict[tuple[str, str], dict[str, str]]


@pytest.fixture(autouse=True)
def quickly_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases are copies of one."""
    empty()
    monkeypatch.setattr("harness.tracking.database.migrate_database", lambda file: file.write_bytes(empty()))


def row(name: str) -> str:
    return f"{SUITE}/{name}"


def every_state(home: Path) -> None:
    """One row of each kind: whole, a seed failed, all failed, one seed, constant, test without labels; and one, the
    similarity's, that never ran."""
    failure = "the loss of sst is nan"
    partly = seeds(row("sentiment-smart"), 3)
    furnish(home, seeds(row("baseline"), 3, skill=0.5))
    furnish(home, [*partly[:2], Training(name="lost", row=row("sentiment-smart"), seed=2, failure=failure)])
    furnish(
        home,
        [Training(name=f"none{at}", row=row("paraphrase-smart"), seed=at, failure="out of memory") for at in range(2)],
    )
    furnish(home, seeds(row("all-three-smart"), 1, skill=0.8))
    constant = furnish(home, seeds(row("interleaved-smart"), 3, constant=("sts",), splits=("dev",)))
    reads(home, row("interleaved-smart-test"), constant)


def reported(home: Path, out: Path, *words: str, uri: str = "", hashing: str = "0") -> str:
    """``harness report`` in a process of its own; what it says."""
    more = ("--from", uri) if uri else ()
    result = subprocess.run(
        [sys.executable, "-m", "harness.cli.main", "report", *words, "--home", home, "--out", out, *more],
        env=os.environ | {"PYTHONHASHSEED": hashing, "COLUMNS": "120"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert all(line.startswith(("reading ", "report: ")) for line in result.stderr.splitlines()), result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Such a results folder, delivered, and the report of its suite."""
    folder = tmp_path_factory.mktemp("states")
    every_state(folder / "home")
    (folder / "home" / "mlflow.db").write_bytes(empty())
    assert deliver(folder / "home").left == 0
    reported(folder / "home", folder / "out", SUITE)
    return folder / "home", folder / "out"


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A results folder with two rows of two seeds, delivered."""
    home = tmp_path / "home"
    furnish(home, [*seeds(BASE, 2), *seeds(CHANGED, 2, skill=0.7)])
    deliver(home)
    return home


def table(out: Path, kind: str, suite: str = SUITE) -> Table:
    """A suite's records by row and metric."""
    with (out / "tables" / f"{suite.replace('/', '-')}-demo-s1-{kind}.csv").open() as stream:
        return {(each["row"], each["metric"]): each for each in csv.DictReader(stream)}


def figures(out: Path) -> list[float]:
    """Every figure that the page sorts by."""
    page = (out / "report.html").read_text()
    return [float(value) for value in re.findall(r'data-value="([^"]*)"', page)]


def words(out: Path) -> str:
    """The page's text."""
    return unescape(re.sub(r"<[^>]*>", " ", (out / "report.html").read_text()))


def test_every_state_looks_different(states: tuple[Path, Path]) -> None:
    _, out = states
    scores = table(out, "scores")
    sst = {row: (line["state"], line["seeds"]) for (row, metric), line in scores.items() if metric == "sst_accuracy"}
    assert sst == {
        "baseline": ("done", "3"),
        "sentiment-smart": ("done", "2"),
        "paraphrase-smart": ("failed", "0"),
        "similarity-smart": ("not run", "0"),
        "all-three-smart": ("done", "1"),
        "interleaved-smart": ("done", "3"),
        "interleaved-smart-test": ("no test labels", "0"),
    }
    assert scores["interleaved-smart", "sts_pearson"]["state"] == "undefined"
    assert scores["interleaved-smart", "overall"]["state"] == "undefined"
    assert "single-seed" in scores["all-three-smart", "sst_accuracy"]["marks"]
    assert scores["all-three-smart", "sst_accuracy"]["low"] == ""
    assert {line["mean"] for line in scores.values() if line["state"] != "done"} == {""}
    text = (out / "tables" / "smartbert-table1-demo-s1-scores.md").read_text()
    lines = [line for line in text.splitlines() if "|" in line]
    shown = {line.split("|")[1].partition("\N{NO-BREAK SPACE}")[0].strip(): line for line in lines}
    ends = ("3", "2!", "0", "0", "1", "3", "0")
    assert [shown[row].split("|")[-2].strip() for row in sst] == list(ends)
    for row, said in (
        ("baseline", "±"),
        ("paraphrase-smart", "failed"),
        ("similarity-smart", "not run"),
        ("all-three-smart", "¹"),
        ("interleaved-smart", "const"),
        ("interleaved-smart-test", "no labels"),
    ):
        assert said in shown[row]
    text = words(out)
    for said in ("some seeds failed", "every seed tried has failed", "no finished seed yet", "a single seed"):
        assert said in text
    assert "out of memory" in text
    assert "constant predictions, which have no Pearson r" in text
    assert "dev never stands in for test" in text


def test_no_figure_is_made_up(states: tuple[Path, Path]) -> None:
    """Each mean on the page is the mean of what the answers give, and no other row has one."""
    _, out = states
    page = (out / "report.html").read_text()
    wanted = {
        name: [expected(each)[1] for each in seeds(row(name), count, **more)]
        for name, count, more in (
            ("baseline", 3, {"skill": 0.5}),
            ("sentiment-smart", 2, {}),
            ("all-three-smart", 1, {"skill": 0.8}),
            ("interleaved-smart", 3, {"constant": ("sts",), "splits": ("dev",)}),
        )
    }
    for name, scores in wanted.items():
        lines = [line for line in re.findall(r"<tr>.*?</tr>", page) if f">{name}" in line]
        line = next(line for line in lines if FIGURE.search(line))
        shown = [float(value) for value in FIGURE.findall(line)]
        means = [np.mean([each[metric] for each in scores]) for metric in scores[0]]
        assert shown == pytest.approx(means, abs=1e-12), name
    assert all(np.isfinite(figures(out)))
    effects = table(out, "effects")
    measured = {row for (row, _), line in effects.items() if line["difference"]}
    assert measured == {"sentiment-smart", "all-three-smart", "interleaved-smart"}


def test_a_constant_row_has_no_difference_in_pearson(states: tuple[Path, Path]) -> None:
    _, out = states
    effects = table(out, "effects")
    undefined = effects["interleaved-smart", "sts_pearson"]
    assert (undefined["difference"], undefined["p"], undefined["p_holm"]) == ("", "", "")
    assert "one answer for every item has no Pearson r" in undefined["reason"]
    single = effects["all-three-smart", "sst_accuracy"]
    assert (single["seeds"], single["p_holm"]) == ("1", "")
    assert float(single["low"]) < float(single["difference"]) < float(single["high"])
    whole = effects["sentiment-smart", "sst_accuracy"]
    assert whole["seeds"] == "2"
    ours, theirs = (
        [expected(each)[1]["sst_accuracy"] for each in seeds(row(name), 2, skill=skill)]
        for name, skill in (("sentiment-smart", 0.6), ("baseline", 0.5))
    )
    assert float(whole["difference"]) == pytest.approx(np.mean(ours) - np.mean(theirs), abs=1e-12)
    with (out / "tables" / "smartbert-verdicts-demo-s1.csv").open() as stream:
        verdicts = list(csv.DictReader(stream))
    of_missing = [each for each in verdicts if "similarity-smart" in each["better"] + each["worse"]]
    assert of_missing
    assert {each["difference"] for each in of_missing} == {""}
    assert {each["verdict"] for each in verdicts if each in of_missing} == {"not run"}


def test_the_same_results_give_the_same_bytes(states: tuple[Path, Path], tmp_path: Path) -> None:
    """From another store of the same home, in another process, where strings have other hashes."""
    home, out = states
    (tmp_path / "other.db").write_bytes(empty())
    other = f"sqlite:///{tmp_path / 'other.db'}"
    assert deliver(home, other).left == 0
    reported(home, tmp_path / "out", SUITE, uri=other, hashing="77")
    assert contents(tmp_path / "out") == contents(out)


def test_a_servers_report_is_the_databases(states: tuple[Path, Path], tmp_path: Path) -> None:
    home, out = states
    server = Server(tmp_path / "server")
    server.start()
    try:
        assert deliver(home, server.address).left == 0
        reported(tmp_path / "anywhere", tmp_path / "out", SUITE, uri=server.address)
    finally:
        server.kill()
    assert contents(tmp_path / "out") == contents(out)


def mixed(home: Path) -> dict[str, list[Training]]:
    """The same row in four set-ups, by the heading of their chapters: no two have all of profile, data and variant."""
    chapters: dict[str, tuple[list[Training], dict[str, str]]] = {
        "demo profile, embedded, encoder tiny": (seeds(BASE, 3), {}),
        "small profile, embedded, encoder tiny": (
            seeds(BASE, 2, suffix="small", skill=0.8, profile="small"),
            {"setup": "s2", "profile": "small"},
        ),
        "demo profile, folder, encoder tiny": (
            seeds(BASE, 2, suffix="other", skill=0.3, data="d2"),
            {"setup": "s3", "data": "d2", "data_source": "folder"},
        ),
        "demo profile, embedded, encoder tiny, with dropout=0.5": (
            seeds(BASE, 2, suffix="wet", skill=0.4, variant="[dropout=0.5]"),
            {"setup": "s4", "variant": "[dropout=0.5]"},
        ),
    }
    return {heading: furnish(home, trainings, **tags) for heading, (trainings, tags) in chapters.items()}


@pytest.mark.usefixtures("no_figures")
def test_set_ups_are_chapters_and_never_averaged(invoke: Invoke, tmp_path: Path) -> None:
    """A cell that was trained again counts once, and as it is now: even where the earlier run was never marked."""
    home = tmp_path / "home"
    wanted = mixed(home)
    deliver(home)
    later = Training(name="later", row=BASE, seed=0, ended=50, skill=0.9)
    again = Training(name=wanted["demo profile, embedded, encoder tiny"][1].name, row=BASE, seed=1, ended=51, skill=0.9)
    furnish(home, [later])
    train(home, again)
    deliver(home)
    wanted["demo profile, embedded, encoder tiny"][:2] = [later, again]
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(FEW)
    assert experiment is not None
    marked = client.search_runs([experiment.experiment_id], filter_string="tags.superseded = 'true'")
    assert len(marked) == 2
    client.delete_tag(marked[0].info.run_id, "superseded")
    result = invoke("report", FEW, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    _, *parts = re.split(r"<h2 [^>]*>", (tmp_path / "out" / "report.html").read_text())
    chapters = dict(part.split("</h2>", 1) for part in parts)
    assert set(wanted) <= set(chapters)
    for heading, trainings in wanted.items():
        (line,) = [line for line in re.findall(r"<tr>.*?</tr>", chapters[heading]) if FIGURE.search(line)]
        shown = FIGURE.findall(line)
        scores = [expected(each)[1] for each in trainings]
        means = [np.mean([each[name] for each in scores]) for name in scores[0]]
        assert [float(value) for value in shown] == pytest.approx(means[: len(shown)], abs=1e-12), heading
        assert len(shown) == 3
        assert f'data-value="{len(trainings)}"' in line
    assert len(list((tmp_path / "out" / "tables").glob("*-table2-*-scores.csv"))) == 4


def stamps(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_it_is_written_again_only_for_new_results(
    invoke: Invoke, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    first = invoke("report", FEW, "--out", out)
    assert (first.exit_code, first.output.splitlines()[-1]) == (0, f"{out / 'report.pdf'}")
    (out / "tables" / "mine.csv").write_text("mine")
    (out / "notes.txt").write_text("mine")
    before, files = stamps(out), contents(out)
    again = invoke("report", FEW, "--out", out)
    assert (again.exit_code, again.output) == (0, f"{out / 'report.pdf'}: unchanged\n")
    assert stamps(out) == before
    furnish(few, [Training(name="more", row=BASE, seed=2, ended=9)])
    deliver(few)
    more = invoke("report", FEW, "--out", out)
    assert "unchanged" not in more.output
    assert contents(out)["report.html"] != files["report.html"]
    assert table(out, "scores", FEW)["finetune-default", "sst_accuracy"]["seeds"] == "3"
    assert would_compose(invoke, monkeypatch, "report", FEW, "--out", out) is False
    train(few, Training(name="more", row=BASE, seed=2, ended=10))
    deliver(few)
    assert would_compose(invoke, monkeypatch, "report", FEW, "--out", out) is True
    fewer = invoke("report", BASE, "--out", out)
    assert fewer.exit_code == 0
    gone = set(files) - set(contents(out))
    assert any(name.endswith("-effects.csv") for name in gone)
    assert any(name.startswith("figures/") and "-effects" in name for name in gone)
    assert {"notes.txt", "tables/mine.csv"} <= set(contents(out))
    assert would_compose(invoke, monkeypatch, "report", BASE, "--out", out) is False
    assert would_compose(invoke, monkeypatch, "report", BASE, "--out", out, "--force") is True
    (out / "report.pdf").unlink()
    assert would_compose(invoke, monkeypatch, "report", BASE, "--out", out) is True


def would_compose(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> bool:
    """Whether the report would be made; it is not."""

    class Composing(Exception):
        pass

    def compose(*_: object) -> list[Block]:
        raise Composing

    with monkeypatch.context() as patch, contextlib.suppress(Composing):
        patch.setattr(report, "compose_blocks", compose)
        assert "unchanged" in invoke(*map(str, words)).output
        return False
    return True


@pytest.mark.usefixtures("no_figures")
def test_a_report_removes_no_file_outside(invoke: Invoke, few: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    (out / "report.json").write_text('{"inputs": "", "files": ["../mine.txt"]}')
    assert invoke("report", BASE, "--out", out).exit_code == 0
    assert (tmp_path / "mine.txt").exists()


@pytest.mark.usefixtures("no_figures")
def test_a_stores_answers_that_are_gone_are_refused_by_name(invoke: Invoke, few: Path, tmp_path: Path) -> None:
    for path in few.rglob("predictions.parquet"):
        path.unlink()
    result = invoke("report", FEW, "--out", tmp_path / "out", "--from", f"sqlite:///{few / 'mlflow.db'}")
    refused(result, "are gone")
    assert "finetune-" in result.output
    assert invoke("report", FEW, "--out", tmp_path / "out").exit_code == 0  # from the cells
    assert "has kept no answers of" not in words(tmp_path / "out")
    assert invoke("sync").exit_code == 0
    again = invoke("report", FEW, "--out", tmp_path / "again", "--from", f"sqlite:///{few / 'mlflow.db'}")
    assert again.exit_code == 0, again.output
    assert contents(tmp_path / "again") == contents(tmp_path / "out")


@pytest.mark.usefixtures("no_figures")
def test_warnings_are_told_however_many_and_long_they_are(invoke: Invoke, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    furnish(home, seeds(BASE, 2, warnings=tuple(f"warning {at} {'ü' * 3000}" for at in range(300))))
    assert deliver(home).left == 0
    suite, _, name = BASE.rpartition("/")
    assert invoke("report", suite, "--home", home, "--out", out).exit_code == 0
    assert f"{name}: warning 0 ü" in words(out)


def test_a_moved_home_keeps_its_answers(invoke: Invoke, few: Path, tmp_path: Path) -> None:
    before = invoke("compare", BASE, CHANGED)
    assert "has kept no answers" not in before.output
    few.rename(tmp_path / "elsewhere")
    assert invoke("compare", BASE, CHANGED, "--home", tmp_path / "elsewhere").output == before.output


def refused(result: Result, sentence: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.output.startswith("error: ")
    assert result.output.count("\n") == 1
    assert sentence in result.output


COMMANDS = (("report", FEW), ("compare", BASE, CHANGED), ("explain", f"{BASE}:sst_accuracy"))


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_store_that_cannot_be_read_is_one_sentence(invoke: Invoke, tmp_path: Path, words: tuple[str, ...]) -> None:
    home = tmp_path / "home"
    refused(invoke(*words), "is no results folder of trained cells")
    (home / "cells").mkdir(parents=True)
    refused(invoke(*words), "has no results of these rows")
    assert not (home / "mlflow.db").exists()
    refused(invoke(*words, "--from", f"sqlite:///{tmp_path / 'typed.db'}"), "there is no tracking store")
    assert not (tmp_path / "typed.db").exists()
    (home / "mlflow.db").write_bytes(empty())
    refused(invoke(*words, "--from", f"sqlite:///{home / 'mlflow.db'}"), "has no results of these rows")
    refused(invoke(*words, "--from", "http://ann:secret@127.0.0.1:1"), "http://ann:***@127.0.0.1:1 cannot be read")
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 64)
    refused(invoke(*words, "--from", f"sqlite:///{tmp_path / 'broken.db'}"), "cannot be read")
    (tmp_path / "words.db").write_text("no database " * 500)
    refused(invoke(*words, "--from", f"sqlite:///{tmp_path / 'words.db'}"), "cannot be read")


@pytest.mark.usefixtures("no_figures")
def test_damaged_answers_are_one_sentence(invoke: Invoke, few: Path, tmp_path: Path) -> None:
    next(few.rglob("predictions.parquet")).write_bytes(b"PAR1 nothing")
    store = f"sqlite:///{few / 'mlflow.db'}"
    refused(invoke("report", FEW, "--out", tmp_path / "out", "--from", store), "are not what was delivered")


def test_a_folder_that_cannot_be_written_is_one_sentence(invoke: Invoke, few: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    refused(invoke("report", BASE, "--out", tmp_path / "file"), "is a file")
    refused(invoke("report", BASE, "--out", tmp_path / "file" / "below"), "cannot be written")
    refused(invoke("report", BASE, "--out", "/proc/none/below"), "cannot be written")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tables").write_text("mine")
    refused(invoke("report", BASE, "--out", tmp_path / "out"), "cannot be written")
    assert (tmp_path / "out" / "tables").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not FULL, reason="HARNESS_TEST_COUNTS=full runs it")
@pytest.mark.parametrize(
    ("selector", "count", "seconds", "megabytes"), [("table1", 6, 60, 1000), ("*", 55, 900, 2500)], ids=["300", "10000"]
)
def test_scale(tmp_path: Path, selector: str, count: int, seconds: int, megabytes: int) -> None:
    """51 rows of 6 seeds, and all 185 of 55, with 3,300 dev items each: time and the process's largest memory."""
    fill(tmp_path / "home", select((selector,)), count)
    before = time.monotonic()
    words = ["report", selector, "--home", str(tmp_path / "home"), "--out", str(tmp_path / "out")]
    process = subprocess.Popen([sys.executable, "-m", "harness.cli.main", *words])
    _, process.returncode, usage = os.wait4(process.pid, 0)
    assert process.returncode == 0
    elapsed, memory = time.monotonic() - before, usage.ru_maxrss / 1024
    print(f"{len(select((selector,))) * count:,} runs: {elapsed:.0f} s, {memory:,.0f} MiB")
    assert elapsed < seconds
    assert memory < megabytes
