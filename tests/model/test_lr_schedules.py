"""The learning rate against torch's own schedulers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
import torch

from model.declaration import SettingError
from model.interfaces import LrSchedule, Step
from model.lr_schedules import Constant, Exponential
from model.train import train
from model.trainer import Loop
from tests.model import small


def torch_rates(per_epoch: float, steps: int, epochs: int) -> list[float]:
    """The rates of every update under torch's ExponentialLR, stepped once an epoch from a rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=per_epoch)
    rates: list[float] = []
    for _ in range(epochs):
        for _ in range(steps):
            optimizer.step()
            rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    return rates


def factors(decay: LrSchedule, steps: int, epochs: int) -> list[float]:
    return [decay.factor(step, steps, epochs) for step in range(steps * epochs)]


@pytest.mark.parametrize("per_epoch", [0.5, 0.9, 0.95, 1.0])
@pytest.mark.parametrize(("steps", "epochs"), [(1, 4), (7, 3), (100, 10)])
def test_exponential_is_torchs_stepped_once_an_epoch(per_epoch: float, steps: int, epochs: int) -> None:
    ours = factors(Exponential(per_epoch=per_epoch), steps, epochs)
    assert ours == pytest.approx(torch_rates(per_epoch, steps, epochs), rel=1e-12)


def test_constant_is_1() -> None:
    assert factors(Constant(), 5, 4) == [1.0] * 20


@pytest.mark.parametrize("decay", [Constant(warmup=0.25), Exponential(per_epoch=1.0, warmup=0.25)])
def test_warm_up_rises_linearly_over_its_share_of_all_updates(decay: LrSchedule) -> None:
    assert factors(decay, 8, 2)[:6] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_warm_up_is_torchs_linear_one() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / 6, total_iters=5)
    rates: list[float] = []
    for _ in range(60):
        optimizer.step()
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    assert factors(Constant(warmup=0.1), 20, 3) == pytest.approx(rates, rel=1e-12)


@pytest.mark.parametrize("decay", [Constant(warmup=0.01), Exponential(warmup=0.01)])
def test_a_warm_up_of_less_than_one_update_is_none(decay: LrSchedule) -> None:
    without = dataclasses.replace(decay, warmup=0.0)
    assert factors(decay, 10, 3) == factors(without, 10, 3)


def test_warm_up_multiplies_the_decay() -> None:
    both, decay, ramp = Exponential(warmup=0.5), Exponential(), Constant(warmup=0.5)
    expected = [a * b for a, b in zip(factors(decay, 4, 4), factors(ramp, 4, 4), strict=True)]
    assert factors(both, 4, 4) == pytest.approx(expected)


@pytest.mark.parametrize("decay", [Constant(warmup=0.3), Exponential(warmup=0.3), Exponential(per_epoch=0.1)])
def test_no_factor_leaves_0_to_1(decay: LrSchedule) -> None:
    assert all(0 < factor <= 1 for factor in factors(decay, 7, 5))


@pytest.mark.parametrize("setting", [{"per_epoch": 0.0}, {"per_epoch": 1.1}, {"warmup": 1.0}, {"warmup": -0.1}])
def test_other_numbers_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=rf"exponential\.{next(iter(setting))} is .*; it must be in"):
        Exponential(**setting)


def test_the_loop_sets_the_rate_before_every_update(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = dataclasses.replace(small.RECIPE, decay=Exponential(per_epoch=0.5, warmup=0.5), epochs=2)
    seen: list[float] = []
    original = Loop.losses

    def watched(self: Loop, step: Step) -> Iterator[tuple[str, torch.Tensor]]:
        seen.append(self.optimizers[step.optimizer].param_groups[0]["lr"])
        return original(self, step)

    monkeypatch.setattr(Loop, "losses", watched)
    list(train(small.run(recipe)))
    assert seen == pytest.approx([1e-3 / 3, 2e-3 / 3, 1e-3, 5e-4, 5e-4, 5e-4])
