"""``harness tune``: from a study to rows beside what they have to beat; whatever is wrong is one sentence."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from experiments.profiles import PROFILES
from experiments.studies import STUDIES
from harness.registry import tuned_settings
from tests.experiments.test_tuned_suites import winner
from tests.harness.cli.test_generated_input import NAMES, TEXTS, WORDS, mistyped
from tests.harness.conftest import Invoke
from tests.harness.homes import empty
from tests.harness.trials import answered, few, files, workers
from tests.harness.tune.quick import QUICK

__all__ = ["workers"]  # a fixture
ROW = "not-so-smart/table1/multi-1"
OVER = ("--trials", 1, "--timeout", 1e-9)  # before anything is trained


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, workers: None) -> None:
    """Cells that take a moment, winners under the test's folder, new databases as copies of one."""
    empty()
    monkeypatch.setattr("harness.tracking.database.migrate_database", lambda file: file.write_bytes(empty()))
    monkeypatch.setitem(PROFILES, "quick", QUICK)
    monkeypatch.setenv("HARNESS_TUNED", str(tmp_path / "tuned"))


def tune(invoke: Invoke, encoder: Path, study: str, *more: object) -> Result:
    fixed = ("tune", "--study", study, "--profile", "quick", "--encoder", encoder, "--device", "cpu", "--no-report")
    return invoke(*map(str, (*fixed, *more)))


def trials(output: str) -> list[str]:
    """What was said of each trial as it ended, in the order of their numbers."""
    said = re.findall(r"^\d+(?:/\d+)?  trial (\d+) (.*)$", output, re.MULTILINE)
    assert len({number for number, _ in said}) == len(said)
    return [rest for _, rest in sorted(said, key=lambda each: int(each[0]))]


def test_a_study_tells_each_trial_exports_the_best_and_goes_on(invoke: Invoke, encoder: Path, tmp_path: Path) -> None:
    result = tune(invoke, encoder, "heads", "--trials", 4, "--jobs", 2, "--sampler", "random", "--export")
    assert result.exit_code == 0, result.output
    said = trials(result.output)
    assert len(said) == 4
    assert "as in multi-1: layers 1, dropout 0.3, lr 1e-5" in said[0]
    assert "as in multi-2: layers 2, dropout 0.3, lr 1e-5" in said[1]
    assert "at most 4 at once" in result.output
    values = {number: float(text.split()[0]) for number, text in enumerate(said) if "pruned" not in text}
    best = max(values, key=lambda number: (values[number], -number))
    title = re.search(r"heads-quick-[0-9a-f]{6}: (.*); [\d,]+ CPU-seconds *$", result.output, re.MULTILINE)
    assert title is not None, result.output
    assert f"{len(values)} complete" in title[1]
    path = tmp_path / "tuned" / "heads.toml"
    assert str(path) in result.output.replace("\n", "")
    (won,) = tuned_settings.read_winners(path)
    assert (won.study, won.row, won.trial, won.trials) == ("heads", ROW, best, 4)
    assert won.value == pytest.approx(values[best], abs=5e-4)
    assert (won.sampler, won.sampler_seed, won.pruner, won.seed) == ("random", 0, "hyperband", 1000)
    assert (won.profile, won.encoder, won.unit) == ("quick", str(encoder), "CPU-seconds")
    again = tune(invoke, encoder, "heads", "--trials", 4, "--jobs", 2, "--sampler", "random", "--export")
    assert again.exit_code == 0
    assert trials(again.output) == []
    assert tuned_settings.read_winners(path) == (won,)
    more = tune(invoke, encoder, "heads", "--trials", 5, "--sampler", "random")
    assert len(trials(more.output)) == 1
    assert "5/5  trial 4 " in more.output
    few = ("--profile", "quick", "--encoder", str(encoder), "--device", "cpu", "--seeds", "1", "--no-report")
    run = invoke("run", "tuned/heads", *few)
    assert run.exit_code == 0, run.output
    assert re.search(r"^cells +(\d) of \1 done$", run.output, re.MULTILINE), run.output
    for row in ("untuned", "multi-1", "multi-2", "tuned"):
        assert re.search(rf"^{row} .*\d", run.output, re.MULTILINE), run.output


def test_two_studies_share_a_budget_and_their_winners_are_compared(
    invoke: Invoke, encoder: Path, tmp_path: Path
) -> None:
    result = tune(invoke, encoder, "pcgrad", "--against", "baseline", "--trials", 2, "--seeds", 1, "--pruner", "none")
    assert result.exit_code == 0, result.output
    both = "Both seek quora_weight, sts_weight, lr, dropout, weight_decay"
    assert result.output.startswith(both), result.output  # before anything is trained
    first, second = tuned_settings.read_winners(tmp_path / "tuned" / "pcgrad.toml")
    assert set(first.params) == set(second.params) == {*both.replace(",", "").split()} - {"Both", "seek"}
    assert (first.study, second.study) == ("pcgrad", "baseline")
    assert first.row == second.row == ROW
    assert first.trials == 2
    assert second.cost <= first.cost
    of_first, of_second = result.output.split("study baseline-")
    assert len(trials(of_first)) == 2
    assert second.trials <= len(trials(of_second))
    output = " ".join(result.output.split())
    assert re.search(r"pcgrad: 2 trials within the budget, \d+ CPU-seconds", output)
    assert f"baseline: {second.trials} trials within the budget" in output
    assert "tuned/pcgrad/tuned" in output
    assert "tuned-baseline" in output
    assert re.search(r"overall +\.\d+ +\.\d+ +.\.\d+", result.output)
    with (tmp_path / "tuned" / "pcgrad.toml").open("rb") as stream:
        assert len(tomllib.load(stream)["winner"]) == 2


def check(result: Result, *words: str) -> None:
    said = answered(result)
    assert result.exit_code == 2, result.output
    for word in words:
        assert word in said, said


@pytest.mark.parametrize(
    ("words", "sentences"),
    [
        (("--study", "smrt"), ("no study 'smrt'", "smart")),
        (("--row", "smooth-valleys/table2/finetune-default"), ("finetune-default", "no overall", "--row")),
        (("--row", "bertram/table1/01-baseline"), ("01-baseline", "--row")),
        (("--row", "not-so-smart/table1/multi-9"), ("multi-9", "near names: not-so-smart/table1/multi-")),
        (("--row", ""), ("''",)),
        (("--trials", "0"), ("--trials is 0", "at least 1")),
        (("--trials", "many"), ("many",)),
        (("--budget", "nan"), ("--budget is nan", "minutes above 0")),
        (("--budget", "1e308"), ("--budget is 1e+308", "1,000,000 at most")),
        (("--timeout", "-1"), ("--timeout is -1", "minutes above 0")),
        (("--timeout", "0"), ("--timeout is 0",)),
        (("--sampler", "tpee"), ("no sampler 'tpee'", "tpe")),
        (("--sampler", "x" * 4000), ("no sampler 'xxx",)),
        (("--pruner", "asha"), ("no pruner 'asha'", "hyperband, none")),
        (("--sampler-seed", "-1"), ("--sampler-seed", "from 0")),
        (("--sampler-seed", str(2**63)), ("--sampler-seed", "9,223,372,036,854,775,807")),
        (("--against", "heads"), ("--against heads is the study itself",)),
        (("--against", ""), ("no study ''",)),
        (("--at-once", "0"), ("--at-once is 0",)),
        (("--jobs", "0"), ("--jobs is 0",)),
        (("--threads", "0"), ("--threads is 0",)),
        (("--seeds", "0"), ("--seeds is 0",)),
        (("--profile", "big"), ("'big'", "demo, small, paper")),
        (("--data", "no/such"), ("no/such",)),
        (("--encoder", "./no-such"), ("no-such",)),
        (("--storage", ""), ("--storage is empty",)),
        (("--storage", "a\nb"), ("--storage", "cannot be printed")),
        (("--storage", "~nobody-at-all/file"), ("--storage", "nobody-at-all")),
        (("--storage", "nosuch://host/db"), ("nosuch://host/db",)),
        (("--storage", "postgresql+nosuch://ann:secret@127.0.0.1/db"), ("ann:***@127.0.0.1",)),
    ],
)
def test_a_wrong_word_is_explained(
    invoke: Invoke, encoder: Path, tmp_path: Path, words: tuple[str, str], sentences: tuple[str, ...]
) -> None:
    check(tune(invoke, encoder, "heads", *words), *sentences)
    assert not (tmp_path / "home" / "cells").exists()


@pytest.mark.parametrize("place", ["folder", "file/below", "/proc/no/file"])
def test_a_storage_that_cannot_be_is_explained(invoke: Invoke, encoder: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    check(tune(invoke, encoder, "heads", "--storage", tmp_path / place), str(tmp_path / place), "cannot be used")
    assert not (tmp_path / "home" / "cells").exists()


def test_a_home_that_cannot_be_is_explained(invoke: Invoke, encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "studies").touch()
    check(tune(invoke, encoder, "heads"), "studies is not a folder")


def test_a_study_goes_on_with_as_many_at_once_as_it_began(invoke: Invoke, encoder: Path) -> None:
    assert tune(invoke, encoder, "heads", *OVER, "--at-once", 3).exit_code == 0
    check(tune(invoke, encoder, "heads", *OVER, "--at-once", 4), "--at-once is 4", "began with 3")
    result = tune(invoke, encoder, "heads", *OVER)
    assert result.exit_code == 0
    assert "at most 3 at once" in result.output
    assert "time is up; the same command goes on from here" in result.output


def test_a_row_that_comes_of_tuning_is_not_tuned_again(invoke: Invoke, encoder: Path, tmp_path: Path) -> None:
    tuned_settings.write_winners(tmp_path / "tuned" / "smart.toml", [winner()])
    check(tune(invoke, encoder, "heads", "--row", "tuned/smart/tuned"), "tuned/smart/tuned comes of tuning", "--row")


OPTIONS = ("study", "on", "against", "profile", "data", "encoder", "sampler", "pruner")
NUMBERS = ("trials", "budget", "sampler-seed", "seeds", "jobs", "threads", "at-once", "timeout")
REGISTERED = [*STUDIES, *NAMES, "tpe", "random", "gp", "hyperband", "none", "quick"]


@few(6, 200)
@given(data=st.data())
def test_any_value_is_used_or_explained(
    invoke: Invoke, encoder: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """On a storage that cannot be opened, so that nothing is trained."""
    folder = tmp_path_factory.mktemp("any")
    names = mistyped(REGISTERED) | st.sampled_from(TEXTS) | WORDS
    numbers = st.integers(-5, 12).map(str) | st.integers(-(2**70), 2**70).map(str) | st.sampled_from(TEXTS)
    option = data.draw(st.sampled_from(OPTIONS + NUMBERS))
    value = data.draw(names if option in OPTIONS else numbers)
    words = ("--home", folder / "home", "--storage", folder, f"--{option}={value}")
    result = tune(invoke, encoder, "heads", *words)
    answered(result)
    assert result.exit_code == 2
    assert {name.partition("/")[0] for name in files(folder)} <= {"home"}
    assert not (folder / "home" / "cells").exists()


@few(4, 100)
@given(text=mistyped(["studies/optuna.log", "sqlite:///trials.db", "postgresql://a@127.0.0.1/db"]) | WORDS)
def test_any_storage_is_used_or_explained(
    invoke: Invoke, encoder: Path, tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = tune(invoke, encoder, "heads", "--home", folder / "home", f"--storage={text}", *OVER)
    said = answered(result)
    assert result.exit_code == 2 or "time is up" in said
