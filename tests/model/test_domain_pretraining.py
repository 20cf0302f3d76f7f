"""Domain pre-training: an encoder folder, made once and whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from model import pretraining
from model.encoders import domain_pretrained
from model.encoders.bert import Bert
from model.encoders.domain_pretrained import DomainPretrained
from tests.model import folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folders.bert_folder(tmp_path / "encoder")


LINES = ["the film was good .", "bad film .", "never dull !", "a good film", "", "not bad , not good", "very dull ."]


def test_domain_pretraining_gives_a_folder_that_loads(folder: Path, tmp_path: Path) -> None:
    spec = DomainPretrained(start=Bert(name=str(folder)), steps=3, batch=4, rate=1e-3, max_tokens=64)
    folder_ = domain_pretrained.prepare(spec, LINES, tmp_path / "made", 0)
    assert [path.name for path in (tmp_path / "made").iterdir()] == [folder_.name]
    before, after = folders.bert().state_dict(), Bert(name=str(folder_)).load(0)[0].state_dict()
    assert before.keys() == after.keys()
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert {"embeddings.word_embeddings.weight", "pooler.dense.weight"} <= {*moved}


def test_domain_pretraining_is_done_once_for_the_same_text_start_and_settings(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []

    def counted(encoder: Any, tokenizer: Any, lines: Any, **settings: Any) -> Any:
        runs.append(settings)
        return iter([1.0])

    monkeypatch.setattr(pretraining, "pretrain", counted)
    start, target = Bert(name=str(folder)), tmp_path / "made"
    spec = DomainPretrained(start=start, max_tokens=64)
    homes = [domain_pretrained.prepare(spec, LINES, target, 0) for _ in range(2)]
    assert homes[0] == homes[1]
    assert len(runs) == 1
    assert runs[0] == {
        "steps": 1000,
        "batch": 32,
        "rate": 5e-5,
        "seed": 0,
        "next_sentence": True,
        "max_tokens": 32,
    }  # 32: the start's own limit
    elsewhere = Bert(name=str(folders.bert_folder(tmp_path / "copy")))
    assert domain_pretrained.prepare(DomainPretrained(start=elsewhere, max_tokens=64), LINES, target, 0) == homes[0]
    others = [
        domain_pretrained.prepare(DomainPretrained(start=start, max_tokens=64, steps=1), LINES, target, 0),
        domain_pretrained.prepare(spec, LINES[1:], target, 0),
        domain_pretrained.prepare(spec, LINES, target, 1),
    ]
    assert len({*homes, *others}) == 4


def test_domain_pretraining_that_fails_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*arguments: Any, **settings: Any) -> Any:
        yield 1.0
        raise RuntimeError("power cut")

    monkeypatch.setattr(pretraining, "pretrain", failing)
    with pytest.raises(RuntimeError, match="power cut"):
        domain_pretrained.prepare(DomainPretrained(start=Bert(name=str(folder))), LINES, tmp_path / "made", 0)
    assert list((tmp_path / "made").iterdir()) == []
