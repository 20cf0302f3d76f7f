"""``harness export``: the trained cell of a row, found or trained, as a folder that others load."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from mlflow.tracking import MlflowClient
from rich.console import Console
from safetensors.torch import load_file, save_file

from experiments.profiles import PROFILES
from harness.cells.record import Record, read_records
from harness.execution.config import ExecutionConfig
from harness.execution.encoders import prepare_encoder
from harness.inference.trained_network import TrainedNetwork, TrainingFailed, find_or_train, load_network, plan_row
from harness.planning.data import open_data
from harness.planning.plan import PlannedRow
from harness.planning.setup import Setup
from model.batching import tokenise
from model.encoders.bert import Bert
from model.errors import InputError
from model.export import load_heads
from model.network import Network
from model.run import Run
from model.train import answer_all
from tests.harness.cli.test_bad_input import check
from tests.harness.conftest import Invoke
from tests.harness.homes import planned as rows_of
from tests.model.test_coverage import RegisteredScale

ROW = "bertram/table1/03-sst-quora"
SMALL = ("--set", "epochs=2", "--device", "cpu")
SETUP = Setup(profile=PROFILES["demo"], data="embedded", encoder="tiny", seeds=1, settings=(("epochs", "2"),))


def planned(encoder: Path) -> PlannedRow:
    return plan_row(ROW, 0, dataclasses.replace(SETUP, encoder=str(encoder)))


def test_what_is_exported_answers_as_the_row_did(invoke: Invoke, encoder: Path, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "out" / "exported"
    first = invoke("export", ROW, "--out", folder, "--encoder", encoder, *SMALL)
    assert first.exit_code == 0, first.output
    assert "its weights were not kept, so it is trained now" in first.output
    (record,) = read_records(home)
    assert record.id == planned(encoder).cells[0].id
    check_store(home)
    check_answers(planned(encoder), record, folder, int(first.output.partition(", epoch ")[2].partition(":")[0]))
    assert type(transformers.AutoModel.from_pretrained(folder)).__name__ == "BertModel"

    again = invoke("export", ROW, "--out", tmp_path / "again", "--encoder", encoder, *SMALL)
    assert again.exit_code == 0
    assert "trained now" not in again.output
    assert (tmp_path / "again" / "heads.safetensors").read_bytes() == (folder / "heads.safetensors").read_bytes()


def check_store(home: Path) -> None:
    """The training is in the tracking store as a run's would be."""
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("bertram/table1")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], "tags.kind = 'seed'")
    assert run.data.tags["row"] == "03-sst-quora[epochs=2]"


def check_answers(row: PlannedRow, record: Record, folder: Path, epoch: int) -> None:
    """The export's heads are those of the selected epoch, and a network made of it gives that epoch's answers."""
    heads = load_file(folder / "heads.safetensors")
    kept = load_file(record.folder / "weights" / f"epoch-{epoch}.safetensors")
    assert "sst.weight" in heads
    assert all(torch.equal(tensor, kept[f"heads.{name}"]) for name, tensor in heads.items())
    loaded, tokenizer = Bert(name=str(folder)).load(9)
    network = Network(row.recipe, loaded, 9)
    load_heads(network, folder)
    examples = open_data("embedded").splits["sts", "dev"]
    table = tokenise(examples, tokenizer, joint=False, max_tokens=row.recipe.max_tokens)
    answers = answer_all(Run(network, row.recipe, 0, {}, {}), "sts", table).answers
    chosen, other = (record.answers(number)["dev", "sts"].answers for number in (epoch, 3 - epoch))
    assert np.allclose(answers, chosen, rtol=0, atol=1e-5)
    assert not np.allclose(answers, other, rtol=0, atol=1e-3)


def test_a_cell_without_weights_is_trained_again_as_itself(invoke: Invoke, encoder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shared = ("--with", "constant", "--encoder", encoder)
    run = invoke(
        "run", "bertram/table1", "--rows", "12-combined,13-combined-test", "--seeds", "1", "--no-report", *shared
    )
    assert run.exit_code == 0, run.output
    (before,) = read_records(home)
    served = rows_of(home)
    assert len(served[before.id]) == 2
    result = invoke("export", "bertram/table1/13-combined-test", "--out", tmp_path / "out", *shared)
    assert result.exit_code == 0, result.output
    (after,) = read_records(home)
    assert after.id == before.id
    assert (after.folder / "weights" / "epoch-0.safetensors").is_file()
    assert rows_of(home) == served


def test_another_rows_kept_epoch_is_kept_too(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row, wanted = planned(encoder), []
    monkeypatch.setattr(
        "harness.inference.trained_network.carry_out", lambda *rows, rerun, keep: wanted.append(keep) or ()
    )
    machine = ExecutionConfig(home=tmp_path, jobs=1, threads=1, device="cpu")
    folder = tmp_path / "cells" / row.cells[0].id / "weights"
    folder.mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(TrainingFailed, match=r"03-sst-quora.* left no weights"):
            find_or_train(row, SETUP, machine, Console(quiet=True))
        (folder / "epoch-7.safetensors").touch()
    assert wanted == ["selected", "all"]


def test_a_training_that_fails_ends_with_one(invoke: Invoke, encoder: Path, tmp_path: Path) -> None:
    wild = ("--set", "optimizer.rate=1e30", "--set", "sst.rows=16", "--set", "quora.rows=16", *SMALL)
    result = invoke("export", ROW, "--out", tmp_path / "out", "--encoder", encoder, *wild)
    assert result.exit_code == 1
    assert f"failed: {ROW}" in result.output
    assert "the loss of sst is" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        (("bertram/table1/03-sst-quorra",), ("no suite or row", "03-sst-quora")),
        (("bertram/table1",), ("names 14 rows", "give one")),
        ((ROW, "--seed", "-1"), ("--seed is -1", "at least 0")),
        ((ROW, "--profile", "big"), ("demo, small, paper",)),
        (("smart-vs-deberta/controls/deberta-pretrained",), ("cannot be trained here", "unavailable")),
    ],
)
def test_a_row_that_cannot_be_exported_is_explained(
    invoke: Invoke, tmp_path: Path, words: tuple[str, ...], phrases: tuple[str, ...]
) -> None:
    check(invoke("export", *words, "--out", tmp_path / "out"), *phrases)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_refused_before_training(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    for out in (tmp_path / "full", tmp_path / "full" / "mine.txt"):
        check(invoke("export", ROW, "--out", out), "exists and is not an empty folder")
    assert not (tmp_path / "home").exists()


def test_damaged_weights_are_explained(encoder: Path, tmp_path: Path) -> None:
    weights = tmp_path / "epoch-1.safetensors"
    weights.write_bytes(b"\0" * 100)
    with pytest.raises(InputError, match=r"epoch-1\.safetensors cannot be read .*; delete it"):
        load_network(
            TrainedNetwork(planned(encoder), 1, weights),
            ExecutionConfig(home=tmp_path, jobs=1, threads=1, device="cpu"),
        )


def test_weights_that_a_regularizer_gave_the_network_are_loaded_too(encoder: Path, tmp_path: Path) -> None:
    row = planned(encoder)
    recipe = dataclasses.replace(row.cells[0].recipe, regularizers=(RegisteredScale(),))
    row = dataclasses.replace(row, cells=(dataclasses.replace(row.cells[0], recipe=recipe),))
    loaded, _ = prepare_encoder(recipe.encoder, row.cells[0].source, tmp_path).load(0)
    trained = Network(recipe, loaded, 0)
    RegisteredScale().start(trained, 1)
    trained.scale.data.fill_(7.0)
    save_file(trained.state_dict(), tmp_path / "epoch-1.safetensors")
    machine = ExecutionConfig(home=tmp_path, jobs=1, threads=1, device="cpu")
    again, _ = load_network(TrainedNetwork(row, 1, tmp_path / "epoch-1.safetensors"), machine)
    assert again.scale.item() == 7.0
