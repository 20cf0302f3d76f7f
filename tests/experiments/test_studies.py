"""A study's parameters are its space, its starts lie in it, and what it suggests fits its row at every scale."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import FixedTrial

import experiments.studies
from experiments.papers import SUITES
from experiments.profiles import PROFILES
from experiments.search_space import Value
from experiments.shared import SHARED, compare_parameters
from experiments.studies import STUDIES
from experiments.study import Range, ReplayTrial, Study
from experiments.suite import RegistryError, Row, Suite
from model.recipe import Recipe, recipe_digest

ROWS = {f"{suite.slug}/{row.name}": (suite, row) for suite in SUITES for row in suite.rows}
ALL = pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.name)
SMART = STUDIES["smart"]
PARAMS = SMART.starts[0].params


def recipe(study: Study, params: dict[str, Value], row: str = "") -> Recipe:
    """What the row becomes with these parameters."""
    suite, base = ROWS[row or study.row]
    variant: Row = dataclasses.replace(base, name="tried", on=base.name, changes=study.changes(params))
    return suite.recipe(variant)


def ends(study: Study) -> list[dict[str, Value]]:
    """The lowest and the highest value of everything."""
    space = study.space()
    chosen = ({name: within.low for name, within in space.items()}, {n: within.high for n, within in space.items()})
    return [{name: int(v) if space[name].whole else float(v) for name, v in each.items()} for each in chosen]


def test_the_studies_seek_what_they_are_for() -> None:
    wide = Range(0.01, 100, log=True)
    rate, share, weight = Range(1e-6, 1e-4, log=True), Range(0.0, 0.6), Range(0.1, 10, log=True)
    assert {name: study.space() for name, study in STUDIES.items()} == {
        "baseline": {"lr": rate, "dropout": share, "weight_decay": Range(1e-6, 0.1, log=True)},
        "heads": {"layers": Range(1, 4, whole=True), "dropout": share, "lr": rate},
        "pcgrad": {"quora_weight": weight, "sts_weight": weight, "lr": rate, "dropout": share},
        "smart": {
            "lambda_s": wide,
            "mu": wide,
            "epsilon": Range(1e-5, 0.1, log=True),
            "eta": Range(1e-4, 0.1, log=True),
            "sigma": Range(1e-6, 0.01, log=True),
            "lr": rate,
        },
    }


@ALL
def test_starts_and_ends_of_the_space_build_at_every_profile(study: Study) -> None:
    for params in [*(dict(start.params) for start in study.starts), *ends(study)]:
        for profile in PROFILES.values():
            assert profile.scale(recipe(study, params)).ready


@ALL
def test_names_can_be_rows_files_and_keys(study: Study) -> None:
    starts = [start.name for start in study.starts]
    assert starts and len(set(starts)) == len(starts)
    assert not any(name == "untuned" or name.startswith("tuned") for name in starts)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in (study.name, *starts))
    assert all(re.fullmatch(r"[a-z_]+", name) for name in study.space())
    assert all(start.says.endswith(".") for start in study.starts)


@ALL
def test_the_same_parameters_are_the_same_recipe_and_others_another(study: Study) -> None:
    start = dict(study.starts[0].params)
    assert recipe_digest(recipe(study, start)) == recipe_digest(recipe(study, start))
    for name in study.space():
        for end in ends(study):
            moved = start | {name: end[name]}
            same = recipe_digest(recipe(study, moved)) == recipe_digest(recipe(study, start))
            assert same == (end[name] == start[name]), name


@ALL
def test_changes_say_their_numbers(study: Study) -> None:
    for params in (dict(study.starts[0].params), *ends(study)):
        said = " ".join(change.says for change in study.changes(params))
        assert all(f"{value:.3g}" in re.findall(r"[-+.\de]*\d", said) for value in params.values())


@ALL
def test_a_tuner_and_known_parameters_are_told_the_same(study: Study) -> None:
    for start in study.starts:
        assert study.ask(FixedTrial(dict(start.params))) == study.changes(start.params)


@pytest.mark.parametrize(("suite", "row"), ROWS.values(), ids=lambda each: getattr(each, "name", ""))
def test_the_baseline_fits_every_row(suite: Suite, row: Row) -> None:
    study = STUDIES["baseline"]
    tuned = recipe(study, ends(study)[1], f"{suite.slug}/{row.name}")
    assert tuned.optimizer.weight_decay == 0.1
    assert (tuned.schedule, tuned.regularizers) == (suite.recipe(row).schedule, suite.recipe(row).regularizers)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_the_baselines_start_moves_no_weight_by_decay(profile: experiments.profiles.Profile) -> None:
    study = STUDIES["baseline"]
    optimizer = profile.scale(recipe(study, dict(study.starts[0].params))).optimizer
    assert optimizer.weight_decay > 0
    assert np.float32(1 - optimizer.rate * optimizer.weight_decay) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 1e-3}, "lr is 0.001; the study seeks a number in 1e-06 to 0.0001"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"lr": "fast"}, "lr must be a number in"),
        ({"lr": True}, "lr must be a number in"),
        ({"radius": 1.0}, "the study smart has no parameter 'radius'; it seeks lambda_s, mu,"),
    ],
)
def test_parameters_outside_the_space_are_refused(change: dict[str, Value], message: str) -> None:
    with pytest.raises(RegistryError, match=re.escape(message)):
        SMART.changes(dict(PARAMS) | change)


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(RegistryError, match=r"the parameters lack mu; give it a number in 0\.01 to 100"):
        SMART.changes({name: value for name, value in PARAMS.items() if name != "mu"})


@pytest.mark.parametrize("layers", [1.5, 2.0, True])
def test_whole_numbers_are_not_rounded(layers: Value) -> None:
    with pytest.raises(RegistryError, match="layers must be a whole number in 1 to 4"):
        ReplayTrial({"layers": layers}).suggest_int("layers", 1, 4)


def test_a_new_study_is_one_file_and_two_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments.studies, "__path__", [*experiments.studies.__path__, str(tmp_path)])
    source = "import dataclasses\nfrom experiments.studies.heads import STUDY as HEADS\n"
    (tmp_path / "another.py").write_text(source + "STUDY = dataclasses.replace(HEADS, name='another')\n")
    assert experiments.studies.load_studies().keys() - STUDIES.keys() == {"another"}
    (tmp_path / "twice.py").write_text(source + "STUDY = HEADS\n")
    with pytest.raises(RegistryError, match=r"two studies are called heads, one of them in twice\.py"):
        experiments.studies.load_studies()
    for name in ("another", "twice"):
        monkeypatch.delitem(sys.modules, f"experiments.studies.{name}")


PAIRS = [(one, other) for one in STUDIES.values() for other in STUDIES.values() if one is not other]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda study: study.name)
def test_studies_beside_each_other_have_the_same_choice_but_for_their_subjects(one: Study, other: Study) -> None:
    """What any row has is sought by both or by none, in the same ranges; what is left is the studies' own."""
    first, second = one.with_shared(other.shared).space(), other.with_shared(one.shared).space()
    common = {name for each in SHARED for name in each.params}
    assert {name: within for name, within in first.items() if name in common} == {
        name: within for name, within in second.items() if name in common
    }
    for study in (one, other):
        compare_parameters = dataclasses.replace(study, shared=(), starts=study.starts).suggest
        trial = ReplayTrial(ends(one.with_shared(other.shared))[0] | ends(other.with_shared(one.shared))[0])
        compare_parameters(trial)
        assert not set(trial.space) & common, "a subject of its own that any row has is shared"


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda study: study.name)
def test_what_is_sought_beside_another_can_be_read_by_the_study_itself(one: Study, other: Study) -> None:
    """A winner's parameters outlive the comparison."""
    wide = one.with_shared(other.shared)
    for params in [*(dict(start.params) for start in wide.starts), *ends(wide)]:
        assert recipe(one, params, other.row) == recipe(wide, params, other.row)
    assert one.with_shared(one.shared) == one


def test_a_sentence_says_which_arm_alone_seeks_what() -> None:
    assert compare_parameters({"smart": ["mu", "lr"], "baseline": ["lr", "decay"]}) == (
        "Only smart seeks mu; only baseline seeks decay; both seek lr"
    )
    assert compare_parameters({"a": ["x", "lr"], "b": ["lr"], "c": ["x", "lr"]}) == "Only a and c seek x; all seek lr"
    assert compare_parameters({"a": ["x"], "b": ["y"]}) == "Only a seeks x; only b seeks y; both seek nothing in common"
