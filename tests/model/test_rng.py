"""Streams depend on their names alone, and stay what they are: a change here would change every result."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from model.rng import generator, key, permutation, seed_global


@pytest.mark.parametrize(
    ("names", "value"),
    [
        ((0, "order", "sst", 0, 0), 3793374644748710040),
        (("a",), 552439110572495161),
        ((1,), 8992774166669296750),
        (("1",), 4874322630454220205),
    ],
)
def test_keys_stay_what_they_are(names: tuple[str | int, ...], value: int) -> None:
    assert key(*names) == value


def test_permutations_stay_what_they_are() -> None:
    assert permutation(10, "subset", "sst", "train").tolist() == [2, 1, 8, 0, 4, 6, 9, 5, 3, 7]
    assert permutation(5, 0, "order", "sst", 0, 0).tolist() == [0, 2, 4, 1, 3]


def test_different_names_have_different_keys() -> None:
    names: list[tuple[str | int, ...]] = [
        ("ab",),
        ("a", "b"),
        ("b", "a"),
        ("a", "b", ""),
        ("", "a", "b"),
        (1, 2),
        (12,),
        ("12",),
        ("1", 2),
        (1, "2"),
        (),
        *itertools.product(range(20), ("order", "dropout"), ("sst", "sts"), range(10)),
    ]
    assert len({key(*name) for name in names}) == len(names)


def test_keys_fit_every_generator() -> None:
    for number in range(1000):
        assert 0 <= key(number) < 2**63
    torch.manual_seed(key("largest"))


@pytest.mark.parametrize("size", [0, 1, 2, 17])
def test_a_permutation_holds_every_position_once(size: int) -> None:
    assert sorted(permutation(size, "x").tolist()) == list(range(size))


def test_all_orders_are_equally_frequent() -> None:
    counts = np.unique([permutation(3, "fair", n) for n in range(6000)], axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5  # chi squared, 5 degrees of freedom, p = .001


def test_generators_repeat_and_differ_by_name() -> None:
    draw = [torch.rand(3, generator=generator(*names)).tolist() for names in ((0, "x"), (0, "x"), (1, "x"))]
    assert draw[0] == draw[1] != draw[2]


def test_seeding_the_global_stream_is_torchs_manual_seed() -> None:
    drawn = []
    for seed in (torch.manual_seed, seed_global, seed_global):
        seed(key("global"))
        drawn.append(torch.nn.functional.dropout(torch.ones(64)).tolist())
    assert drawn[0] == drawn[1] == drawn[2]


def test_no_stream_touches_the_global_ones() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1).item()
    torch.manual_seed(5)
    key("a")
    permutation(9, "b")
    torch.rand(2, generator=generator("c"))
    assert torch.rand(1).item() == expected
