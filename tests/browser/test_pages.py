"""MLflow's pages and the report as a browser shows them: what should be there is, and nothing comes from elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.registry.selectors import select
from harness.reporting.report import write_report
from harness.tracking.from_cells import ResultsFolder
from tests.browser.chromium import CHROMIUM, PATIENCE, Page, browser
from tests.harness.homes import empty
from tests.harness.report_homes import deliver, furnish, seeds
from tests.harness.tracking.test_ui_server import shown

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

SUITES = ("smartbert/table1", "smooth-valleys/table2")
BASE, CHANGED = "finetune-default", "finetune-rrobin"
TABLE = "[...document.querySelectorAll('table')].find(each => each.caption.innerText.startsWith('Printed and ours'))"
ROWS = f"[...{TABLE}.tBodies[0].rows].filter(row => !row.classList.contains('under'))"
DRAWN = "document.querySelectorAll('.js-plotly-plot .scatterlayer path.js-line').length"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with rows of two suites, delivered."""
    home = tmp_path_factory.mktemp("pages") / "home"
    furnish(home, [*seeds(f"{SUITES[1]}/{BASE}", 2), *seeds(f"{SUITES[1]}/{CHANGED}", 2, skill=0.8)])
    furnish(home, seeds(f"{SUITES[0]}/baseline", 1))
    (home / "mlflow.db").write_bytes(empty())
    assert deliver(home).left == 0
    return home


@pytest.fixture(scope="module")
def pages(home: Path) -> Iterator[dict[str, str]]:
    """The addresses that ``harness ui`` prints, by what they are of."""
    with shown(home) as process:
        assert process.stdout is not None
        first, *tables = [process.stdout.readline().split() for _ in range(1 + len(SUITES))]
        server, _, token = first[2].partition("/?token=")
        yield {"MLflow": server, "link": f"{server}/?token={token}"} | dict(tables)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, pages: dict[str, str]) -> Iterator[Page]:
    """It is closed before the server, which would wait for its connections."""
    with browser(tmp_path_factory.mktemp("chromium")) as page:
        page.open(pages["link"])
        yield page


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    """The browser's page; whatever a test does there, nothing is asked of another machine."""
    yield opened
    assert opened.outside() == set()


def run(page: Page, name: str) -> str:
    """A run's address after the server's, read off the table that shows it."""
    link = f"[...document.querySelectorAll('a')].find(link => link.innerText === {json.dumps(name)})"
    return str(page.until(f"{link}?.getAttribute('href')"))


def unfold(page: Page, row: str) -> None:
    """Show the runs of a row's group."""
    group = f"[...document.querySelectorAll('[role=row]')].find(each => each.innerText.includes('Group: {row} '))"
    page.until(
        f"(button => {{ button?.click(); return button !== undefined; }})({group}?.querySelector('[role=button]'))"
    )


def test_suites_are_listed_with_what_they_are(page: Page, pages: dict[str, str]) -> None:
    assert sorted(pages) == ["MLflow", "link", *SUITES]
    page.open(f"{pages['MLflow']}/#/experiments")
    page.shows(*SUITES, "Walk Less and Only Down Smooth Valleys", "SMARTBert")


def test_a_table_opens_with_its_prepared_view(page: Page, pages: dict[str, str]) -> None:
    """A folded group a row, in the paper's order, with printed and reported figures beside each other."""
    page.open(pages[SUITES[1]])
    page.shows("Walk Less and Only Down Smooth Valleys, table 2", "Group by: line", "Sort: place")
    page.shows(f"Group: {BASE} (demo s1)", f"Group: {CHANGED} (demo s1)", "6 matching runs")
    text = page.text()
    assert text.index(f"Group: {BASE}") < text.index(f"Group: {CHANGED}")
    assert f"{BASE} seed 0" not in text
    heads = page.tell(
        "[...document.querySelectorAll('[role=columnheader][col-id^=\"metrics.\"]')]"
        ".sort((a, b) => a.getBoundingClientRect().left - b.getBoundingClientRect().left).map(e => e.innerText)"
    )  # they stand in the document in any order
    assert heads[:4] == [f"{whose}/{name}_accuracy" for name in ("sst", "quora") for whose in ("printed", "reported")]
    unfold(page, BASE)
    page.shows(f"{BASE} seed 0", f"{BASE} seed 1")


def test_a_tables_charts_have_a_line_a_row(page: Page, pages: dict[str, str]) -> None:
    page.open(f"{pages[SUITES[1]]}&compareRunsMode=CHART")
    page.shows("Table", "Curves by epoch", "reported/sst_accuracy", "printed/sst_accuracy")
    page.until("document.querySelectorAll('.js-plotly-plot .barlayer .point').length >= 4")


def test_a_run_shows_its_figures_and_its_curves(page: Page, pages: dict[str, str]) -> None:
    page.open(pages[SUITES[1]])
    page.shows(f"Group: {CHANGED} ")
    unfold(page, CHANGED)
    address = f"{pages['MLflow']}/{run(page, f'{CHANGED} seed 0')}"
    page.open(address)
    page.shows(f"Seed 0 of {CHANGED}", "printed", "reported/sst_accuracy", f"{CHANGED} (demo s1)")
    page.open(f"{address}/model-metrics")
    page.shows("sst_accuracy", "dev")
    page.until(f"{DRAWN} >= 3")


def test_two_runs_are_compared_side_by_side(page: Page, pages: dict[str, str]) -> None:
    page.open(pages[SUITES[1]])
    page.shows(f"Group: {CHANGED} ")
    for row in (BASE, CHANGED):
        unfold(page, row)
    names = [f"{row} seed 0" for row in (BASE, CHANGED)]
    _, _, experiment, _, *_ = run(page, names[0]).split("/")
    ids = [run(page, name).split("/")[4] for name in names]
    page.open(f"{pages['MLflow']}/#/compare-runs?runs={json.dumps(ids)}&experiments={json.dumps([experiment])}")
    page.shows("Comparing 2 Runs from 1 Experiment", *names, "reported/sst_accuracy")


@pytest.fixture(scope="module")
def report(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The HTML report's address, as a file."""
    out = tmp_path_factory.mktemp("report")
    assert write_report(ResultsFolder(home), select([SUITES[1]]), out, print).new
    yield (out / "report.html").as_uri()


def values(page: Page, at: int) -> list[float | None]:
    """The figures in a column of the report's table of results, from the top."""
    return list(page.tell(f"{ROWS}.map(row => row.cells[{at}].dataset.value).map(told => told ? Number(told) : null)"))


def test_the_reports_tables_sort_up_and_down_and_back(page: Page, report: str) -> None:
    """By a click on a heading; what has no figure stays last."""
    page.open(report)
    page.until(f"document.readyState === 'complete' && {ROWS}.length > 1")
    printed, ours = values(page, 1), values(page, 2)
    up = sorted(value for value in printed if value is not None)
    gaps = [None] * (len(printed) - len(up))
    assert printed != up + gaps
    orders = []
    for _ in range(3):
        page.tell(f"{TABLE}.tHead.rows[{TABLE}.tHead.rows.length - 1].cells[1].click()")
        orders.append(values(page, 1))
    assert orders == [up + gaps, up[::-1] + gaps, printed]
    assert values(page, 2) == ours


def test_the_reports_figures_are_drawn(page: Page, report: str) -> None:
    page.open(report)
    page.until("document.readyState === 'complete'")
    boxes = page.tell(
        "[...document.querySelectorAll('figure svg')].map(each => each.getBoundingClientRect())"
        ".map(box => Math.min(box.width, box.height))"
    )
    shapes = page.tell("[...document.querySelectorAll('figure svg')].map(each => each.querySelectorAll('path').length)")
    assert len(boxes) == page.tell("document.querySelectorAll('figure').length") > 3
    assert min(boxes) > 100
    assert min(shapes) > 3
    assert page.tell("[...document.images].every(each => each.naturalWidth > 0)")
    assert opened_alone(page, report)


def opened_alone(page: Page, address: str) -> bool:
    """Whether nothing else was loaded since, from wherever."""
    return page.requests[len(page.requests) - page.requests[::-1].index(address) :] == []


def test_what_is_asked_of_other_machines_is_noticed(opened: Page, pages: dict[str, str]) -> None:
    """By a page, its workers and those that it shares; none of it leaves the browser."""
    opened.open(pages["MLflow"])
    opened.shows("Experiments")
    ask = "URL.createObjectURL(new Blob([`fetch('http://example.org/NAME')`]))"
    opened.tell("void fetch('http://example.org/page').catch(() => 0)")
    opened.tell(f"void new Worker({ask.replace('NAME', 'worker')})")
    opened.tell(f"void new SharedWorker({ask.replace('NAME', 'shared')})")
    wanted = {f"http://example.org/{name}" for name in ("page", "worker", "shared")}
    until = time.monotonic() + PATIENCE
    while opened.outside() != wanted and time.monotonic() < until:
        opened.tell("new Promise(done => setTimeout(done, 100))")
    assert opened.outside() == wanted
    opened.requests[:] = [url for url in opened.requests if url not in wanted]
