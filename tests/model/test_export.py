"""A trained network as a folder, and back to the last bit."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from model.encoders.bert import Bert
from model.encoders.deberta import Deberta, DebertaFromBert
from model.encoders.loading import EncoderError
from model.export import export, load_heads
from model.heads.mlp import Intermediate
from model.heads.routing import Routing
from model.interfaces import Encoder, Tokens
from model.kernels.padding_layout import Layout
from model.network import Network
from model.settings import describe
from tests.model import folders, small

BRANCHES = (
    dataclasses.replace(small.SENTIMENT, head=Routing(vectors=4)),
    dataclasses.replace(small.PARAPHRASE, head=Intermediate(layers=2)),
    small.SIMILARITY,
)
RECIPE = dataclasses.replace(small.RECIPE, branches=BRANCHES)
TEXTS = ["the film was good .", "very dull , not bad !", "never dull", "bad"]


def trained(tmp_path: Path, **start: Any) -> tuple[Network, Any]:
    """A network whose every weight has moved from where loading puts it."""
    bert: Encoder = Bert(name=str(folders.bert_folder(tmp_path / "start")))
    encoder, tokenizer = (DebertaFromBert(start=bert, **start) if start else bert).load(0)
    network = Network(RECIPE, encoder, 0)
    for name, parameter in network.named_parameters():
        parameter.data.add_(small.draws(*parameter.shape, name=name) * 0.1)
    return network.eval(), tokenizer


def predictions(network: Network, tokenizer: Any) -> dict[str, torch.Tensor]:
    tokens = tokenizer(TEXTS, padding=True, return_tensors="pt")
    ids, mask, types = (tokens[name] for name in ("input_ids", "attention_mask", "token_type_ids"))
    batch = Tokens(ids, mask, types, Layout.of(mask.bool().numpy()))
    with torch.no_grad():
        return {branch.key: network(branch.key, batch) for branch in BRANCHES}


STARTS: dict[str, dict[str, str]] = {
    "bert": {},
    "deberta": {"positions": "input"},
    "deberta, positions at the output": {"positions": "output"},
}


@pytest.mark.parametrize("start", STARTS)
def test_the_way_there_and_back_changes_no_bit(tmp_path: Path, start: str) -> None:
    network, tokenizer = trained(tmp_path, **STARTS[start])
    folder = export(network, tokenizer, tmp_path / "out" / "exported")
    kind = Deberta if STARTS[start] else Bert
    encoder, same_tokenizer = kind(name=str(folder)).load(9)
    assert encoder.new_parameters == ()
    back = Network(RECIPE, encoder, 9).eval()
    load_heads(back, folder)
    assert small.same(small.weights(network), small.weights(back))
    before, after = predictions(network, tokenizer), predictions(back, same_tokenizer)
    assert all(torch.equal(before[task], after[task]) for task in before)


@pytest.mark.parametrize("start", ["bert", "deberta"])
def test_transformers_loads_the_folder_by_itself(tmp_path: Path, start: str) -> None:
    network, tokenizer = trained(tmp_path, **STARTS[start])
    folder = export(network, tokenizer, tmp_path / "exported")
    theirs = transformers.AutoModel.from_pretrained(folder).eval()
    assert type(theirs).__module__.startswith("transformers.")
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        ours = network.encoder(**tokens).last_hidden_state
        assert torch.equal(theirs(**tokens).last_hidden_state, ours)


def test_the_branches_are_told_as_data(tmp_path: Path) -> None:
    network, tokenizer = trained(tmp_path)
    about = json.loads((export(network, tokenizer, tmp_path / "exported") / "heads.json").read_text())
    assert about["dropout"] == RECIPE.dropout
    assert {task: branch["outputs"] for task, branch in about["branches"].items()} == {"sst": 5, "quora": 1, "sts": 1}
    assert about["branches"]["quora"]["architecture"]["head"] == describe(Intermediate(layers=2))
    assert about["branches"]["quora"]["settings"]["head.layers"] == 2


def test_a_full_folder_is_not_written_into(tmp_path: Path) -> None:
    network, tokenizer = trained(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(EncoderError, match="exists and is not an empty folder"):
        export(network, tokenizer, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    assert (export(network, tokenizer, tmp_path / "empty") / "heads.safetensors").is_file()


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    network, _ = trained(tmp_path)
    with pytest.raises(AttributeError):
        export(network, None, tmp_path / "out" / "exported")
    assert list((tmp_path / "out").iterdir()) == []


def test_how_a_branch_was_trained_does_not_stop_its_head_from_being_read(tmp_path: Path) -> None:
    network, tokenizer = trained(tmp_path)
    folder = export(network, tokenizer, tmp_path / "exported")
    branches = tuple(dataclasses.replace(branch, rows=7, weight=2.0) for branch in BRANCHES[:2])
    fewer = Network(dataclasses.replace(small.only("sst"), branches=branches), small.encoder(), 1)
    load_heads(fewer, folder)
    assert torch.equal(fewer.get_parameter("heads.quora.0.weight"), network.get_parameter("heads.quora.0.weight"))


def test_heads_of_another_network_are_refused_and_nothing_is_read(tmp_path: Path) -> None:
    network, tokenizer = trained(tmp_path)
    folder = export(network, tokenizer, tmp_path / "exported")
    other = dataclasses.replace(
        small.only("sst"), branches=(dataclasses.replace(BRANCHES[0], head=Routing(vectors=5)),)
    )
    wide = Network(RECIPE, small.encoder(hidden=32), 0)
    cases = ((Network(other, small.encoder(), 0), "has no sst head of this kind"), (wide, "have other sizes"))
    for target, says in cases:
        before = small.weights(target)
        with pytest.raises(EncoderError, match=says):
            load_heads(target, folder)
        assert small.same(before, small.weights(target))


@pytest.mark.parametrize("name", ["heads.safetensors", "heads.json"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xff{"], ids=["missing", "empty", "damaged"])
def test_missing_or_damaged_heads_are_refused(tmp_path: Path, name: str, content: bytes | None) -> None:
    network, tokenizer = trained(tmp_path)
    folder = export(network, tokenizer, tmp_path / "exported")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(EncoderError, match="is not an export with heads"):
        load_heads(network, folder)


@pytest.mark.parametrize("name", ["heads.safetensors", "heads.json"])
def test_heads_of_which_a_bit_was_turned_are_refused(tmp_path: Path, name: str) -> None:
    network, tokenizer = trained(tmp_path)
    folder = export(network, tokenizer, tmp_path / "exported")
    content = bytearray((folder / name).read_bytes())
    content[-9] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(EncoderError, match=r"is not (what was written there|an export)"):
        load_heads(network, folder)
    (folder / "README.md").write_text("more files are no damage")
    (folder / "harness-manifest.json").unlink()  # older exports have none
    assert Bert(name=str(folder)).load(0)


class MeanPooled(transformers.BertModel):
    """The mean of the real tokens' states, as sentence embeddings take it."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        output = super().forward(*args, **kwargs)
        mask = kwargs["attention_mask"][:, :, None]
        output.pooler_output = (output.last_hidden_state * mask).sum(1) / mask.sum(1)
        return output


class Renamed(transformers.BertModel):
    """BERT under another name."""


def with_class(network: Network, kind: type) -> None:
    network.encoder.__class__ = kind
    network.survey()


def test_an_encoder_that_would_be_loaded_as_another_is_refused_in_a_sentence(tmp_path: Path) -> None:
    network, tokenizer = trained(tmp_path)
    with_class(network, MeanPooled)
    with pytest.raises(EncoderError, match=r"is a MeanPooled .* transformers would load it with other pooled states"):
        export(network, tokenizer, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["start"]


def test_one_with_a_hook_or_a_part_of_its_own_is_refused_too(tmp_path: Path) -> None:
    network, tokenizer = trained(tmp_path)

    def first(_: Any, args: Any, output: Any) -> None:
        output.pooler_output = output.last_hidden_state[:, 0]

    hook = network.encoder.register_forward_hook(first)
    with pytest.raises(EncoderError, match="other pooled states"):
        export(network, tokenizer, tmp_path / "out")
    hook.remove()
    network.encoder.pooler.activation = torch.nn.Identity()  # type: ignore[union-attr,assignment]
    network.survey()
    with pytest.raises(EncoderError, match="other pooled states"):
        export(network, tokenizer, tmp_path / "out")


def test_one_that_is_a_bert_in_all_but_its_name_is_exported(tmp_path: Path) -> None:
    network, tokenizer = trained(tmp_path)
    with_class(network, Renamed)
    export(network, tokenizer, tmp_path / "out")
    encoder, _ = Bert(name=str(tmp_path / "out")).load(1)
    assert small.same(small.weights(encoder), small.weights(network.encoder))
