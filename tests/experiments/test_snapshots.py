"""A default that changes changes results; so does code. Neither happens in passing."""

from __future__ import annotations

import sys

import pytest

from tests.experiments import snapshots

HOW = "run `python -m tests.experiments.snapshots` and commit what it writes"


def test_no_default_changed() -> None:
    assert snapshots.defaults() == snapshots.read("defaults.json"), f"a default changed: if that is meant, {HOW}"


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="syntax trees differ between Python versions")
def test_no_code_changed_under_its_version() -> None:
    now, before = snapshots.code(), snapshots.read("code.json")
    changed = [name for name in now if now[name] != before.get(name)]
    assert not changed, f"{changed} changed: raise the version of what computes another result, then {HOW}"


def test_slugs_are_unique() -> None:
    slugs = [kind.slug for kind in snapshots.techniques()]
    assert len(slugs) == len(set(slugs))
