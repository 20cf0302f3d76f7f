"""The pages in ``docs``: they build, name what there is, and say of commands, numbers and JSON what is so."""

from __future__ import annotations

import dataclasses
import doctest
import html.parser
import importlib
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest

from docs.fields import filled
from experiments.papers import SUITES
from harness.cli.main import main
from harness.registry.selectors import select
from harness.reporting.frame import COLUMNS
from model.declaration import Technique
from model.interfaces import Regularizer
from model.recipe import Branch, Recipe
from model.task import Task
from reports.claim_verdicts import Outcome, Verdict
from reports.statistics.sequential import Decision
from tests import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
READ = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
ADDRESS = re.compile(r"(https?:)?//")


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


class Tags(html.parser.HTMLParser):
    """What a built page loads, links to and can be linked at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads, self.links, self.ids = list[str](), list[str](), set[str]()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.ids.add(attributes.get("id", ""))
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        elif not (tag == "link" and attributes.get("rel") in ("canonical", "next", "prev")):
            self.loads += [attributes[name] for name in ("src", "href", "data", "poster") if name in attributes]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("zensical") is None or importlib.util.find_spec("latex2mathml") is None:
        pytest.skip("the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "mkdocs.yml", folder)
    words = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build" / "docs"


def test_the_built_pages_need_nothing_from_elsewhere_and_their_links_lead_somewhere(site: Path) -> None:
    built = {path.name: Tags(path) for path in site.glob("*.html")}
    assert {f"{path.stem}.html" for path in PAGES} <= set(built)
    for name, tags in built.items():
        assert not [each for each in tags.loads if ADDRESS.match(each)], name
        for link in tags.links:
            target, _, anchor = link.partition("#")
            target = target.removeprefix("./") or name
            if not ADDRESS.match(link) and name != "404.html":
                assert (site / target).exists(), (name, link)
                assert not anchor or target not in built or anchor in built[target].ids, (name, link)
    for style in (*site.rglob("*.css"), *site.rglob("*.svg")):
        assert not re.search(r"(url\(|@import|href=)\s*['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style
    assert not list(site.rglob("*.py"))
    for name in built:
        assert "$" not in re.sub(r"<(code|script)\b.*?</\1>", "", (site / name).read_text(), flags=re.DOTALL), name


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    named = [re.search(r"\{#([\w-]+)\}", head) for head in heads]
    plain = [re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", head).strip().lower()) for head in heads]
    return {match[1] if match else slug for match, slug in zip(named, plain, strict=True)}


@pytest.mark.parametrize("path", READ, ids=lambda path: path.name)
def test_relative_links_and_anchors_resolve_in_the_sources(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        if not ADDRESS.match(target):
            other = path.parent / name if name else path
            assert other.exists(), target
            assert not anchor or anchor in anchors(other.read_text(encoding="utf-8")), target


def test_every_file_and_module_that_is_named_is_there() -> None:
    packages = "benchmarks|deploy|docs|experiments|harness|model|reports|tests"
    named = set[str]()
    for path in (*READ, *(ROOT / name for name in ("CHANGELOG.md", "deploy/README.md", "experiments/LOG.md"))):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(rf"(?<![\w/.])((?:{packages})/[\w/]+(?:\.\w+)?)", text))
        modules = re.findall(rf"`((?:{packages})(?:\.[a-z_]\w*){{2,}})`", text)
        named |= {name.replace(".", "/") for name in modules}
    assert {"harness/planning/matching.py", "model/kernels/attention"} <= named
    named -= {"benchmarks/results.json", "reports/ours.json"}  # written by commands
    assert not [each for each in sorted(named) if not (ROOT / each).exists() and not (ROOT / f"{each}.py").exists()]


def test_every_package_has_its_line_in_the_architecture() -> None:
    layers = {path.parent.name for path in (ROOT / "harness").glob("*/__init__.py")}
    named = set(re.findall(r"`harness/(\w+)`", page("architecture").partition("## One parameter")[0]))
    assert named == layers
    for package in ("harness", "reports", "experiments", "model"):
        assert f"| `{package}` |" in page("architecture"), package


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 1500


def commands(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Every ``harness ...``: whether it stands in a block, to be typed as it is, and its words."""
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in re.findall(r"^(?:uv run )?harness (.+)$", block, re.MULTILINE):
            yield True, shlex.split(line, comments=True)
    for span in re.findall(r"`harness ([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)):
        yield False, shlex.split(span)


@pytest.mark.parametrize("path", READ, ids=lambda path: path.name)
def test_every_command_line_can_be_typed(path: Path) -> None:
    papers = {suite.paper for suite in SUITES}
    for whole, (name, *words) in commands(path.read_text(encoding="utf-8")):
        if name.startswith("-"):
            continue
        command = main.commands[name]
        options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= options, (name, words)
        if whole:
            command.make_context(name, list(words), parent=click.Context(main))
        for word in words:
            if word.split("/")[0] in papers and "/" in word:
                assert select([word.partition(":")[0]]), word


def techniques() -> list[type[Technique]]:
    """Those that a recipe or a row can hold."""
    for path in sorted((ROOT / "model").rglob("*.py")):
        if "slug: ClassVar" in path.read_text(encoding="utf-8"):  # declarations import no torch: this is quick
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    kinds, todo = list[type[Technique]](), [Technique]
    while todo:
        todo += (kind := todo.pop()).__subclasses__()
        if "slug" in vars(kind) and kind.__module__.startswith("model.") and kind not in (Task, Branch, Recipe):
            kinds.append(kind)
    return sorted(kinds, key=lambda kind: kind.slug)


def format_default(default: Any) -> str:
    if isinstance(default, tuple):
        return " ".join(default)
    return default.slug if isinstance(default, Technique) else str(default)


@pytest.mark.parametrize("kind", techniques(), ids=lambda kind: kind.slug)
def test_a_technique_is_described_with_its_fields_and_their_defaults(kind: type[Technique]) -> None:
    name = f"`{kind.slug}`: {kind.__name__}"
    section = re.search(rf"^### {name} .*?(?=^##)", page("techniques"), re.DOTALL | re.MULTILINE)
    line = re.search(rf"^(\| )?{name} .*?(?=^\||\n\n)", page("techniques"), re.DOTALL | re.MULTILINE)
    assert section or line
    shared = {field.name for field in dataclasses.fields(Regularizer)} if issubclass(kind, Regularizer) else set()
    for field in dataclasses.fields(kind):
        default = re.escape(format_default(field.default))
        if field.name in shared:
            assert re.search(rf"^\| `{field.name}` \|.*\| `{default}` \|", page("techniques"), re.MULTILINE), field.name
        elif section:
            assert re.search(rf"^\| `{field.name}` \|[^|]*\| `{default}` \|", section[0], re.MULTILINE), field.name
        else:
            assert line and re.search(rf"`{field.name}` \(`{default}`\)", line[0].replace("\n", " ")), field.name


def test_every_word_of_a_verdict_and_a_decision_is_explained() -> None:
    text = page("statistics")
    for word in get_args(Verdict):
        assert f"| **{word}** |" in text, word
    for word in (*get_args(Outcome), *get_args(Decision)):
        assert f"*{word}*" in text.replace("\n", " "), word


def test_every_suite_is_counted() -> None:
    counted = re.findall(r"^\| `(\S+/\S+)` \|[^|]+\| (\d+) \| (\d*) ?\|", page("registry"), re.MULTILINE)
    assert counted == [(suite.slug, str(len(suite.rows)), str(len(suite.claims) or "")) for suite in SUITES]


def test_the_worked_example_is_what_the_functions_answer() -> None:
    blocks = re.findall(r"^```pycon\n(.*?)^```", page("statistics"), re.DOTALL | re.MULTILINE)
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "statistics.md", "statistics.md", 0)
    said: list[str] = []
    failed = doctest.DocTestRunner().run(example, out=said.append).failed
    assert len(example.examples) > 15 and not failed, "".join(said)


def test_the_tables_of_json_are_those_of_the_schemas() -> None:
    assert page("json") == filled(page("json")), "python -m docs.fields writes them"
    assert set(re.findall(r"fields: (\w+)", page("json"))) == {path.stem for path in (DOCS / "schemas").glob("*.json")}
    assert re.findall(r"^\| `(\w+)` \|", page("json").partition("## harness results")[2], re.MULTILINE) == list(COLUMNS)
