"""What a stranger installs: the pins, the package's parts, the first lines of the README."""

from __future__ import annotations

import os
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = ["harness", "model", "experiments", "reports"]
PINS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
SYSTEMS = [
    {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": system}
    for python in ("3.11", "3.12", "3.13")
    for system in ("linux", "darwin")
]


def required() -> list[Requirement]:
    """Every dependency, the extras' too, but for the project's own extras."""
    project = PROJECT["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    return [wish for wish in map(Requirement, texts) if wish.name != project["name"]]


def pinned(name: str, system: dict[str, str]) -> list[Version]:
    """The versions that one Python on one system is given."""
    fitting = [
        pin
        for pin in PINS
        if canonicalize_name(pin.name) == canonicalize_name(name) and (not pin.marker or pin.marker.evaluate(system))
    ]
    return [Version(specifier.version) for pin in fitting for specifier in pin.specifier]


def test_pins_are_exact_public_versions_without_the_graphics_cards_packages() -> None:
    assert len(PINS) > 100
    for pin in PINS:
        (specifier,) = pin.specifier
        assert specifier.operator == "==", pin
        assert Version(specifier.version).local is None, pin
        assert pin.url is None, pin
        assert not pin.name.startswith(("nvidia", "cuda", "triton")), pin


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: f"{system['sys_platform']}-{system['python_version']}")
def test_every_dependency_has_one_pin_within_its_range(system: dict[str, str]) -> None:
    for wish in required():
        versions = pinned(wish.name, system)
        assert len(versions) == 1, wish
        assert wish.specifier.contains(versions[0], prereleases=True), f"{wish} against {versions[0]}"


def test_the_wheel_and_the_checkers_hold_the_same_packages() -> None:
    tool = PROJECT["tool"]
    assert tool["hatch"]["build"]["targets"]["wheel"]["packages"] == ROOMS
    assert tool["mypy"]["files"] == ["benchmarks", *ROOMS]
    assert tool["importlinter"]["root_packages"] == ROOMS


def test_the_command_is_there() -> None:
    module, _, name = PROJECT["project"]["scripts"]["harness"].partition(":")
    assert callable(getattr(__import__(module, fromlist=[name]), name))


def test_the_changelog_tells_of_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == PROJECT["project"]["version"]


def test_the_readme_opens_with_the_two_commands_that_the_makefile_has() -> None:
    first_block = (ROOT / "README.md").read_text(encoding="utf-8").split("```")[1]
    commands = re.findall(r"^make (\w+)", first_block, re.MULTILINE)
    assert commands == ["table1", "test"]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(commands) <= set(targets)


def test_continuous_integration_runs_the_readmes_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test\n" in script.read_text(encoding="utf-8")
