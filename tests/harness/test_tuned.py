"""Files of winners read back to the bit, and whatever is wrong with one is a sentence that stops only whom it
concerns."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.studies import STUDIES
from experiments.study import Study, Value
from experiments.tuned import Winner
from experiments.variant import RegistryError
from harness import catalogue, tuned
from harness.cli import main
from harness.readers import declared
from harness.tuned import TunedError
from tests.experiments.test_tuned import BASELINE, winner
from tests.harness.accidents import mangled

FILE = """\
# The best settings that the study smart found, and how; written by harness tune.
# harness run tuned/smart trains them beside what they have to beat.

[[winner]]
study = "smart"
row = "bertram/table1/04-all-three"
trial = 17
trials = 40
metric = "overall"
value = 0.5123456789012345
sampler = "tpe"
sampler_seed = 3
pruner = "median"
seed = 0
profile = "demo"
data = "0123456789abcdef"
encoder = "tiny"
cost = 1234.5
unit = "CPU-seconds"
version = "0.1.0"
revision = "abc1234"
date = "2026-01-31"

[winner.params]
lambda_s = 3.0
mu = 0.25
epsilon = 0.01
eta = 0.01
sigma = 0.0001
lr = 2.5e-05
"""
LITERALS = [
    *(
        "nan",
        "-inf",
        "1e999",
        "-1",
        "0",
        "2.0",
        "true",
        '""',
        '"x"',
        "'\\'",
        "[]",
        "[[]]",
        "{}",
        "{x = 1}",
        "1979-05-27",
    ),
    *(
        "1979-13-45",
        "07:32:00",
        "0x" + "f" * 5000,
        "9" * 30,
        "9" * 5000,
        "[" * 3000,
        '"\\u001b[31m"',
        '"\\ud800"',
        "1_0",
    ),
    *('"' + "x" * 5000 + '"', '"smart"', '"bertram/table1/04-all-three"', '"tuned/smart/tuned"', '"""a\nb"""', ""),
]
SELECTORS = ["tuned", "tuned/smart", "tuned/*", "tuned/smart/tuned", "tuned/smart/tun*", "*", "*/smart", "smart"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of winners, still to be made."""
    monkeypatch.setenv("HARNESS_TUNED", str(tmp_path / "winners"))
    return tmp_path / "winners"


@pytest.fixture
def smart(folder: Path) -> Path:
    path = folder / "smart.toml"
    tuned.write(path, [winner(), BASELINE])
    return path


@st.composite
def winners(draw: st.DrawFn) -> list[Winner]:
    """Of some studies in any order, with any parameters of their spaces."""
    return [
        dataclasses.replace(
            winner(study, params_of(draw, STUDIES[study])),
            value=draw(st.floats(allow_nan=False, allow_infinity=False)),
            cost=draw(st.floats(0, 1e9)),
            trial=draw(st.integers(0, 2**63 - 1)),
            encoder=draw(st.text().filter(str.isprintable)),
        )
        for study in draw(st.lists(st.sampled_from(["baseline", "smart"]), min_size=1, unique=True))
    ]


def params_of(draw: st.DrawFn, study: Study) -> dict[str, Value]:
    return {
        name: draw(st.integers(int(space.low), int(space.high)) if space.whole else st.floats(space.low, space.high))
        for name, space in study.space().items()
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some=winners())
def test_a_file_reads_back_to_the_bit(tmp_path: Path, some: list[Winner]) -> None:
    path = tmp_path / f"{some[0].study}.toml"
    tuned.write(path, some)
    assert repr(tuned.read(path)) == repr(tuple(some))  # repr tells -0.0 from 0.0
    once = path.read_bytes()
    tuned.write(path, tuned.read(path))
    assert path.read_bytes() == once


def test_a_file_is_written_in_one_order() -> None:
    assert re.sub(r'check = "\w+"\n', "", tuned.text([winner()])) == FILE


@pytest.mark.parametrize(
    "spoilt",
    [
        dataclasses.replace(winner(), cost=float("nan")),
        dataclasses.replace(winner(), row="bertram/table1/99"),
        dataclasses.replace(winner(), trial=-1),
        winner(params={"lr": 1e-5}),
    ],
)
def test_what_could_not_be_read_is_not_written(folder: Path, spoilt: Winner) -> None:
    with pytest.raises(TunedError):
        tuned.write(folder / "smart.toml", [spoilt])
    assert not folder.exists()


def test_the_folder_is_here_or_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    assert tuned.folder() == folder
    monkeypatch.delenv("HARNESS_TUNED")
    assert tuned.folder() == Path("tuned")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("seed = 0", "seed 0", r":14 is no TOML \(Expected '=' .*\); mend it or let harness tune write the file again"),
        ("seed = 0", "seed = 0\nseed = 1", r":15 is no TOML \(Cannot overwrite a value\)"),
        (FILE[-12:], "lr = ", r" is no TOML \(Invalid value .*\)"),
        (FILE, "", r" has no \[\[winner\]\] table"),
        (FILE, "winner = 3", r" has no \[\[winner\]\] table"),
        ("[[winner]]", "x = 1\n[[winner]]", r" has an unknown key 'x'; it holds \[\[winner\]\] tables alone"),
        ("seed = 0", "sed = 0\nseed = 0", r", winner 1 has an unknown key 'sed'; did you mean seed\?"),
        ("seed = 0", "qqqq = 0\nseed = 0", r", winner 1 has an unknown key 'qqqq'; take it out"),
        ("seed = 0\n", "", r", winner 1 lacks seed;"),
        ("seed = 0", 'seed = "0"', r", winner 1: seed must be a whole number of 0 or more"),
        ("seed = 0", "seed = -1", r", winner 1: seed must be a whole number of 0 or more"),
        ("seed = 0", "seed = true", r", winner 1: seed must be a whole number of 0 or more"),
        ("cost = 1234.5", "cost = inf", r", winner 1: cost must be a finite number"),
        ('"tiny"', "1", r", winner 1: encoder must be text on one line"),
        ('"tiny"', '"a\\nb"', r", winner 1: encoder must be text on one line"),
        ("[winner.params]", "[winner.parms]", r", winner 1 has an unknown key 'parms'; did you mean params\?"),
        (FILE[FILE.index("\n[winner.params]") :], "params = 3\n", r", winner 1: params must be a table"),
        ('"smart"', '"smrt"', r", winner 1: there is no study 'smrt'; take one of baseline, heads, pcgrad, smart"),
        ('"smart"', '"heads"', r", winner 1, params: the parameters lack layers; give it a whole number in 1 to 4"),
        ("04-all-three", "04-all", r", winner 1: there is no row 'bertram/table1/04-all'; did you mean bertram/"),
        ("bertram/table1/04-all-three", "x", r", winner 1: there is no row 'x'; harness list shows all"),
        ("mu = 0.25\n", "", r", winner 1, params: the parameters lack mu; give it a number in 0\.01 to 100"),
        ("mu = 0.25", "mu = 1e3", r", winner 1, params: mu is 1000\.0; the study seeks a number in 0\.01 to 100"),
        ("mu = 0.25", "nu = 1\nmu = 0.25", r", winner 1, params: the study smart has no parameter 'nu'; it seeks"),
        ("mu = 0.25", "mu = 'x'", r", winner 1, params: 'mu' must be a finite number"),
        ("\n[winner.params]", "\n[winner.params.x]", r", winner 1, params: 'x' must be a finite number"),
        (FILE, FILE + FILE[FILE.index("[[") :], r", winner 2: the study smart has a winner already; keep one"),
    ],
)
def test_every_fault_says_where_it_is_and_how_to_mend_it(tmp_path: Path, before: str, after: str, told: str) -> None:
    path = tmp_path / "smart.toml"
    assert before in FILE
    path.write_text(FILE.replace(before, after, 1))
    with pytest.raises(TunedError, match="^" + re.escape(str(path)) + told):
        tuned.read(path)


def test_winners_of_two_rows_are_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "smart.toml"
    path.write_text(tuned.text([winner(), dataclasses.replace(BASELINE, row="bertram/table1/11-mse")]))
    with pytest.raises(TunedError, match="winner 2: row is not that of winner 1"):
        tuned.read(path)


def test_a_file_has_the_name_of_its_study(tmp_path: Path) -> None:
    path = tmp_path / "better.toml"
    path.write_text(FILE)
    with pytest.raises(TunedError, match=r"better\.toml, winner 1 is of the study smart; call the file smart\.toml"):
        tuned.read(path)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.write_bytes(b"\xff\xfe"), "is no UTF-8 text"),
        (lambda path: path.write_text("x = " + "[" * 5000), "smart.toml is n"),  # no TOML, or nested too deeply
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_none_is_told_in_a_sentence(tmp_path: Path, spoil: Callable[[Path], object], told: str) -> None:
    path = tmp_path / "smart.toml"
    spoil(path)
    with pytest.raises(TunedError, match=re.escape(told)):
        tuned.read(path)


@st.composite
def relined(draw: st.DrawFn) -> bytes:
    """One to three lines lost, repeated or given another value."""
    lines = FILE.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        key = lines[at].partition(" = ")[0]
        value = draw(st.sampled_from(LITERALS))
        lines[at : at + 1] = draw(st.sampled_from([[], [lines[at]] * 2, [f"{key} = {value}"], [value, lines[at]]]))
    return "\n".join(lines).encode(errors="replace")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary() | mangled(FILE.encode()) | relined())
def test_whatever_a_file_holds_is_read_or_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "smart.toml"
    path.write_bytes(content)
    try:
        found = tuned.read(path)
    except TunedError as error:
        told = str(error)
        assert told.startswith(str(path)) and told.isprintable() and len(told) < len(str(path)) + 400
    else:
        assert tuned.text(found).startswith(FILE[:20])


def names(*selectors: str) -> list[str]:
    return [catalogue.slug(*pair) for pair in catalogue.select(selectors)]


def test_winners_are_in_the_catalogue_beside_the_papers(smart: Path) -> None:
    rows = [f"tuned/smart/{name}" for name in ("untuned", "smooth-valleys", "bertram", "tuned", "tuned-baseline")]
    assert names("tuned") == names("tuned/smart") == names("tuned/*") == names("smart") == rows
    assert names("tuned/smart/tuned") == ["tuned/smart/tuned"]
    assert names()[-len(rows) :] == rows
    suite, row = catalogue.find("tuned/smart/tuned")
    assert suite.recipe(row).optimizer.rate == 2.5e-5
    change = catalogue.change("smart-tuned-smart")
    assert change in row.changes and catalogue.named_changes()["smart-tuned-smart"] == change
    with pytest.raises(RegistryError, match="near names: tuned/smart"):
        catalogue.select(["tuned/smrt"])


def test_a_file_that_changes_is_read_again(smart: Path) -> None:
    first = catalogue.find("tuned/smart/tuned")[0]
    assert catalogue.find("tuned/smart/tuned")[0] is first
    tuned.write(smart, [winner(params=dict(winner().params) | {"mu": 1.0})])
    assert catalogue.find("tuned/smart/tuned")[0] != first
    with pytest.raises(RegistryError):
        catalogue.find("tuned/smart/tuned-baseline")
    smart.unlink()
    assert tuned.suites() == ()


def test_no_folder_is_no_suite(folder: Path) -> None:
    assert (tuned.suites(), tuned.faults()) == ((), {})


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_broken_file_stops_selectors_that_may_mean_it(smart: Path, selector: str) -> None:
    smart.write_text(FILE + "x\n")
    with pytest.raises(TunedError, match=r"smart\.toml:\d+ is no TOML"):
        catalogue.select([selector])


@pytest.mark.parametrize("selector", ["table1", "bertram", "*/table1", "bertram/*", "tuned/baseline", "*/06-smart"])
def test_a_broken_file_stops_no_other_selector(smart: Path, selector: str) -> None:
    tuned.write(smart.with_name("baseline.toml"), [BASELINE])
    before = names(selector)
    smart.write_text(FILE + "x\n")
    assert names(selector) == before
    assert tuned.faults().keys() == {"smart"}
    assert [suite.slug for suite in tuned.suites()] == ["tuned/baseline"]


def test_what_does_not_ask_for_a_broken_file_goes_on(smart: Path) -> None:
    smart.write_text(FILE + "x\n")
    assert all(suite.paper != "tuned" for suite, _ in catalogue.everything())
    assert "smart-all" in catalogue.named_changes()
    assert catalogue.find("bertram/table1/06-smart")
    with pytest.raises(TunedError, match="is no TOML"):
        catalogue.find("tuned/smart/tuned")
    assert declared("tuned/smart", "tuned") is None


def test_commands_say_the_sentence_and_exit_with_2(smart: Path) -> None:
    assert CliRunner().invoke(main, ["show", "tuned/smart/tuned"]).exit_code == 0
    smart.write_text(FILE + "x\n")
    for arguments in (["list"], ["list", "tuned/*"], ["run", "tuned/smart"], ["show", "tuned/smart/tuned"]):
        told = CliRunner().invoke(main, arguments)
        assert told.exit_code == 2
        assert re.fullmatch(rf"error: {re.escape(str(smart))}:\d+ is no TOML .*\n", told.output)
    assert CliRunner().invoke(main, ["list", "table1"]).exit_code == 0
    assert CliRunner().invoke(main, ["run", "bertram/table1/06-smart", "--dry-run"]).exit_code == 0


def test_tuned_suites_need_no_torch(smart: Path) -> None:
    code = "import sys, harness.catalogue as c; print(len(c.select(['tuned/*'])), 'torch' in sys.modules)"
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=dict(os.environ), capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["5", "False"]
