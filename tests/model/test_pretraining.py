"""Masked language modelling and next-sentence prediction."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.data.synthetic import embedded
from model.encoders.tiny import Tiny, prepare
from model.pretraining import documents, mask_tokens
from model.rng import generator

MASK = 4


def masked(share_special: float = 0.1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """ids, special, hidden, chosen of a big batch."""
    ids = torch.randint(10, 400, (400, 100), generator=generator("ids"))
    special = torch.rand(400, 100, generator=generator("special")) < share_special
    hidden, chosen = mask_tokens(ids, special, torch.arange(10, 400), MASK, generator("mask"))
    return ids, special, hidden, chosen


def test_fifteen_percent_are_chosen_and_never_a_special_token() -> None:
    _, special, _, chosen = masked()
    assert not (chosen & special).any()
    assert float(chosen[~special].float().mean()) == pytest.approx(0.15, abs=0.01)


def test_chosen_tokens_are_hidden_swapped_or_kept_eighty_ten_ten() -> None:
    ids, _, hidden, chosen = masked()
    assert torch.equal(hidden[~chosen], ids[~chosen])
    now, before = hidden[chosen], ids[chosen]
    assert float((now == MASK).float().mean()) == pytest.approx(0.8, abs=0.02)
    assert float((now == before).float().mean()) == pytest.approx(0.1, abs=0.02)


def test_an_empty_line_ends_a_document() -> None:
    assert documents(["a", "b", "", "", "c", ""])[:2] == [["a", "b"], ["c"]]


def test_pre_training_repeats_exactly_and_is_done_once(tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    first = prepare(Tiny(steps=3), tmp_path / "a", lambda done, total: progress.append((done, total)))
    second = prepare(Tiny(steps=3), tmp_path / "b")
    assert progress[-1] == (3, 3)
    assert first.name == second.name
    assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()
    progress.clear()
    assert prepare(Tiny(steps=3), tmp_path / "a", lambda done, total: progress.append((done, total))) == first
    assert progress == []
    assert prepare(Tiny(steps=4), tmp_path / "a") != first


def test_pre_training_learns(tmp_path: Path) -> None:
    """After 60 steps the loss is clearly below that of guessing by frequency alone at the start."""
    from model.encoders.loading import load
    from model.pretraining import pretrain

    encoder, tokenizer = load(str(prepare(Tiny(steps=0), tmp_path)), 0)
    settings = {"steps": 60, "batch": 16, "rate": 2e-3, "seed": 0, "next_sentence": False, "max_tokens": 64}
    losses = list(pretrain(encoder, tokenizer, embedded().text, **settings))
    assert len(losses) == 60
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
