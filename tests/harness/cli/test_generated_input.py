"""Options and encoders that nobody spoilt by hand, through the command line: one clear sentence and exit code 2, or
correct work; never a traceback, never damage to the results folder. Data files are in ``test_generated_data``, homes in
``test_generated_homes``.

Examples in ``make test`` and in ``make test-all``, the same ones every time:

===================================== == ===
encoders with another setting          3  30
encoders with other weights            2  30
encoders with another file             2  30
encoders with a planted pickle         2  20
names of rows, changes, folders...     4  60
settings                               4  60
numbers of seeds, jobs and threads     3  30
===================================== == ===
"""

from __future__ import annotations

import io
import pickle
import shutil

import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from experiments.suite import row_slug
from harness.cli.setup import setup_of
from harness.planning.plan import scale_recipe
from harness.registry.selectors import named_changes, select
from model.settings import flatten
from tests.harness.accidents import REPLACED, mangled, mangled_json, mangled_weights, planted, replace
from tests.harness.trials import ROW, RUN, SUITE, Trial, answered, few, trial, workers

__all__ = ["trial", "workers"]  # fixtures


@few(3, 30)
@given(data=st.data())
def test_settings_of_encoders(trial: Trial, data: st.DataObject) -> None:
    folder = trial.fresh()
    encoder = shutil.copytree(trial.encoder, folder / "encoder")
    path = encoder / data.draw(st.sampled_from(["config.json", "tokenizer_config.json", "tokenizer.json"]))
    path.write_bytes(data.draw(mangled_json(path.read_bytes())))
    trial(folder, *RUN, "--encoder", encoder)


@few(2, 30)
@given(data=st.data())
def test_weights_of_encoders(trial: Trial, data: st.DataObject) -> None:
    folder = trial.fresh()
    encoder = shutil.copytree(trial.encoder, folder / "encoder")
    path = encoder / "model.safetensors"
    path.write_bytes(data.draw(mangled_weights(path.read_bytes())))
    trial(folder, *RUN, "--encoder", encoder)


@few(2, 30)
@given(data=st.data())
def test_files_of_encoders(trial: Trial, data: st.DataObject) -> None:
    folder = trial.fresh()
    encoder = shutil.copytree(trial.encoder, folder / "encoder")
    path = encoder / data.draw(st.sampled_from(sorted(path.name for path in encoder.iterdir())))
    kind = data.draw(st.sampled_from([*["bytes"] * 6, *REPLACED]))
    if kind == "bytes":
        path.write_bytes(data.draw(mangled(path.read_bytes())))
    else:
        replace(path, kind)
    trial(folder, *RUN, "--encoder", encoder)


@few(2, 20)
@given(data=st.data())
def test_planted_pickles(trial: Trial, data: st.DataObject) -> None:
    folder = trial.fresh()
    encoder = shutil.copytree(trial.encoder, folder / "encoder")
    thing = data.draw(planted(folder / "trap"))
    kind = data.draw(st.sampled_from(["weights", "pickle", "zip", "legacy", "mangled"]))
    stream = io.BytesIO()
    if kind == "pickle":
        stream.write(pickle.dumps(thing, protocol=data.draw(st.integers(0, 5))))
    elif kind == "weights":
        torch.save(load_file(encoder / "model.safetensors") | {"pooler.dense.bias": thing}, stream)
    else:
        torch.save(thing, stream, _use_new_zipfile_serialization=kind != "legacy")
    content = stream.getvalue()
    (encoder / "pytorch_model.bin").write_bytes(data.draw(mangled(content)) if kind == "mangled" else content)
    (encoder / "model.safetensors").unlink()
    said = trial(folder, *RUN, "--encoder", encoder)
    assert "1 of 1 done" not in said
    assert not (folder / "trap").exists()


ANY = st.characters(exclude_characters="\0")  # what a command line can carry
WORDS = st.text(st.sampled_from("abeorst019.-_/ ") | ANY, max_size=9)
ODD = ["*", "?", "[", "[!", "/", "..", " ", "_", ",", "\udcff", "\x1b[31m", "é", "x" * 300, "\n", "-", "~", "~no one/"]
NAMES = [*(row_slug(*pair) for pair in select([])), "table1", "bertram", SUITE, "demo", "hub", *named_changes()]


@st.composite
def mistyped(draw: st.DrawFn, names: list[str]) -> str:
    """A name with a letter changed, cut, lengthened or in capitals."""
    name = draw(st.sampled_from(names))
    at = draw(st.integers(0, len(name)))
    word = draw(st.sampled_from(ODD) | WORDS)
    mistakes = [name[:at] + word + name[at + 1 :], name.upper(), name + word, word + name, name[:at], word * 3]
    return draw(st.sampled_from(mistakes)) or word or name


@few(4, 60)
@given(name=mistyped(NAMES), data=st.data())
def test_names(trial: Trial, name: str, data: st.DataObject) -> None:
    run = ("run", SUITE, "--dry-run")
    command = data.draw(
        st.sampled_from(
            [
                *(("run", "--dry-run", "--", name), ("list", "--", name), ("results", "--", name)),
                *((*run, f"--{option}={name}") for option in ("rows", "with", "profile", "data", "encoder")),
                ("run", SUITE, f"--set={name}", "--dry-run"),
                *(("predict", ROW, f"--{option}={name}") for option in ("task", "split")),
                ("predict", ROW, f"--file={''.join(letter for letter in name if letter.isprintable()) or 'x'}"),
            ]
        )
    )
    trial(trial.fresh(), *command)
    answered(trial.invoke("show", "--", name))


def paths() -> list[tuple[str, str]]:
    """Every setting and a row that has it."""
    plain = setup_of("demo", None, None, None, (), ())
    rows = {
        path: row_slug(suite, row) for suite, row in select([]) for path in flatten(scale_recipe(suite, row, plain))
    }
    return sorted(rows.items())


PATHS = paths()
TEXTS = [
    *(
        "0",
        "-1",
        "1",
        "1e3",
        "1.5",
        "nan",
        "inf",
        "-inf",
        "1e308",
        "1e-320",
        "1e999",
        "9" * 20,
        "9" * 5000,
        "0x10",
        "\u0663",
    ),
    *(
        "none",
        "all",
        "true",
        "x",
        " 1 ",
        "1_0",
        "-0",
        "",
        " ",
        "=",
        "\udcff",
        "\x1b[31m",
        "a\nb",
        "x" * 4000,
        "/",
        "~no one",
    ),
]


@few(4, 60)
@given(place=st.sampled_from(PATHS), text=st.sampled_from(TEXTS) | WORDS, data=st.data())
def test_settings(trial: Trial, place: tuple[str, str], text: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([place[0]] * 4) | mistyped([place[0]]))
    trial(trial.fresh(), "run", place[1], f"--set={path}={text}", "--seeds", "1", "--dry-run")


@few(3, 30)
@given(
    option=st.sampled_from(["seeds", "jobs", "threads"]),
    text=st.integers(-5, 12).map(str) | st.integers(-(2**70), 2**70).map(str) | st.sampled_from(TEXTS),
)
def test_numbers(trial: Trial, option: str, text: str) -> None:
    trial(trial.fresh(), "run", ROW, f"--{option}={text}", "--dry-run")
