"""TorchJD's aggregators as combiners. Tests that need the package are skipped where it is not installed."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from model.combiners.pcgrad import PcGrad
from model.combiners.sum import Sum
from model.combiners.torchjd import TorchJd
from model.declaration import SettingError
from model.interfaces import Combiner, Step
from model.schedules.sequential import Sequential
from model.task_forward import TaskForward
from tests.model import small

installed = pytest.mark.skipif(importlib.util.find_spec("torchjd") is None, reason="torchjd is not installed")
quadprog = pytest.mark.skipif(importlib.util.find_spec("quadprog") is None, reason="quadprog is not installed")
TASKS = ("sst", "quora", "sts")


def losses(vectors: Tensor, shared: list[nn.Parameter]) -> Iterator[tuple[str, Tensor]]:
    """Losses whose gradients are the rows; a parameter of zeros in a row is not used by that task."""
    for number, row in enumerate(vectors):
        parts = row.split([parameter.numel() for parameter in shared])
        used = [(p * part).sum() for p, part in zip(shared, parts, strict=True) if part.any()]
        yield f"t{number}", torch.stack(used).sum()


def combined(combiner: Combiner, vectors: Tensor, seed: int = 0) -> list[Tensor | None]:
    shared = [nn.Parameter(torch.zeros(size)) for size in (2, 1)]
    combiner.backward(Step(()), losses(vectors, shared), shared, seed)
    return [parameter.grad for parameter in shared]


def gradients(combiner: Combiner) -> dict[str, Tensor | None]:
    network = small.network()
    forwards = ((task, TaskForward(network, small.batch(task), 0, 0).loss) for task in TASKS)
    combiner.backward(Step(TASKS), forwards, network.shared(), 0)
    return {name: parameter.grad for name, parameter in network.named_parameters()}


@installed
@pytest.mark.parametrize(
    ("combiner", "expected"),
    [
        (TorchJd(aggregator="Sum"), (2.0, 2.0, 2.0)),
        (TorchJd(aggregator="Mean"), (1.0, 1.0, 1.0)),
        (TorchJd(aggregator="TrimmedMean", number=0), (1.0, 1.0, 1.0)),
        pytest.param(TorchJd(aggregator="UPGrad"), (0.2929, 1.9004, 1.9004), marks=quadprog),  # as TorchJD's manual
    ],
)
def test_golden_values(combiner: TorchJd, expected: tuple[float, ...]) -> None:
    gradients_ = combined(combiner, torch.tensor([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]]))
    assert torch.cat([grad for grad in gradients_ if grad is not None]).tolist() == pytest.approx(expected, abs=1e-4)


@installed
def test_sum_equals_the_total_on_a_network() -> None:
    summed, expected = gradients(TorchJd(aggregator="Sum")), gradients(Sum())
    differences = [(summed[name] - grad).abs().max().item() for name, grad in expected.items() if grad is not None]
    assert len(differences) == len(expected) and max(differences) < 1e-6


@installed
@pytest.mark.parametrize("name", ["PCGrad", "MGDA", "IMTLG", "AlignedMTL", "GradDrop", "Random", "ConFIG"])
def test_heads_keep_plain_gradients_and_the_global_stream_cannot_interfere(name: str) -> None:
    plain, once = gradients(Sum()), gradients(TorchJd(aggregator=name))
    torch.manual_seed(99)
    assert all(torch.equal(plain[key], once[key]) for key in plain if key.startswith("heads."))
    again = gradients(TorchJd(aggregator=name))
    assert all(torch.equal(once[key], again[key]) for key in plain)
    assert any(not torch.allclose(plain[key], once[key]) for key in plain if key.startswith("encoder."))


@installed
@pytest.mark.parametrize("name", ["GradDrop", "Random"])
def test_aggregators_that_draw_follow_the_updates_seed_alone(name: str) -> None:
    def drawn(seed: int, before: int) -> list[float]:
        torch.manual_seed(before)
        result = combined(TorchJd(aggregator=name), torch.tensor([[1.0, -2.0, 3.0], [-4.0, 5.0, -6.0]]), seed)
        return torch.cat([grad for grad in result if grad is not None]).tolist()

    assert drawn(0, before=1) == drawn(0, before=2)
    assert len({tuple(drawn(seed, before=1)) for seed in range(8)}) > 1


@installed
def test_pcgrad_of_two_tasks_is_ours() -> None:
    vectors = torch.tensor([[1.0, 0.0, 2.0], [-2.0, 1.0, 0.5]])  # two tasks have one order only
    ours, theirs = combined(PcGrad(), vectors), combined(TorchJd(aggregator="PCGrad"), vectors)
    for a, b in zip(ours, theirs, strict=True):
        assert a is not None and b is not None
        assert torch.allclose(a, b, atol=1e-6)


@installed
def test_a_parameter_that_no_task_touched_keeps_no_gradient() -> None:
    whole, unused = combined(TorchJd(aggregator="Sum"), torch.tensor([[1.0, 2.0, 0.0], [3.0, 4.0, 0.0]]))
    assert whole is not None and whole.tolist() == [4.0, 6.0] and unused is None
    _, once = combined(TorchJd(aggregator="Mean"), torch.tensor([[1.0, 2.0, 0.0], [3.0, 4.0, 5.0]]))
    assert once is not None and once.tolist() == [2.5]


@installed
def test_signals_are_those_of_pcgrad() -> None:
    vectors, message = torch.tensor([[1.0, 0.0, 2.0], [-2.0, 1.0, 0.5]]), []
    for combiner in (PcGrad(), TorchJd(aggregator="Mean")):
        shared = [nn.Parameter(torch.zeros(size)) for size in (2, 1)]
        message.append(combiner.backward(Step(()), losses(vectors, shared), shared, 0))
    assert message[0] == message[1]
    assert message[0]["conflict"] == 1.0


@installed
def test_with_one_task_an_update_the_training_is_the_plain_one_to_the_last_bit() -> None:
    recipe = dataclasses.replace(small.RECIPE, schedule=Sequential(), epochs=1)
    plain = small.trained(small.run(recipe))
    combined = small.trained(small.run(dataclasses.replace(recipe, combiner=TorchJd(aggregator="ConFIG"))))
    assert small.same(small.weights(plain), small.weights(combined))


@installed
@pytest.mark.parametrize(
    ("combiner", "says"),
    [
        (TorchJd(aggregator="PcGrad"), "'PcGrad' is not in the installed torchjd; choose one of: .*PCGrad"),
        (TorchJd(aggregator="UPGradWeighting"), "is not in the installed torchjd"),
        (TorchJd(aggregator="WeightedAggregator"), "is not in the installed torchjd"),
        (TorchJd(aggregator="GradVac"), "remembers earlier updates"),
        (TorchJd(aggregator="FairGrad"), "must be given, as FairGrad's alpha"),
        (TorchJd(aggregator="Mean", number=1.0), "must be left out, Mean takes none"),
        (TorchJd(aggregator="Constant", number=1.0), "takes more than a number; choose one of: .*ConFIG"),
        (TorchJd(aggregator="TrimmedMean", number=-1.0), "cannot make TrimmedMean"),
    ],
)
def test_an_aggregator_that_cannot_be_made_says_why(combiner: TorchJd, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        combiner.make()


@installed
@pytest.mark.skipif(importlib.util.find_spec("cvxpy") is not None, reason="cvxpy is installed")
def test_what_lacks_a_package_is_refused_and_not_offered() -> None:
    for number in (None, 0.5):
        with pytest.raises(SettingError, match="'CAGrad' needs cvxpy, clarabel beside torchjd, which the extra leaves"):
            TorchJd(aggregator="CAGrad", number=number).make()
    with pytest.raises(SettingError) as caught:
        TorchJd(aggregator="CAGrab").make()
    assert "PCGrad, UPGrad" in str(caught.value) and "CAGrad" not in str(caught.value)


@installed
@pytest.mark.parametrize(
    ("combiner", "least"),
    [
        (TorchJd(aggregator="Krum", number=1), 4),
        (TorchJd(aggregator="Krum", number=2), 5),
        (TorchJd(aggregator="TrimmedMean", number=1), 3),
        (TorchJd(aggregator="MGDA"), 2),
    ],
)
def test_too_few_tasks_are_refused_before_an_update_and_draw_nothing(combiner: TorchJd, least: int) -> None:
    state = torch.get_rng_state()
    combiner.check_tasks(least)
    for tasks in range(2, least):
        with pytest.raises(SettingError, match=f"{combiner.aggregator} cannot combine the {tasks} tasks that share an"):
            combiner.check_tasks(tasks)
    assert torch.equal(torch.get_rng_state(), state)


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchjd.aggregation", None)
    with pytest.raises(SettingError, match=r"not installed; mend it with: pip install 'ablation-harness\[torchjd\]'"):
        gradients(TorchJd())


def test_declaring_it_does_not_need_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchjd.aggregation", None)
    assert dataclasses.replace(small.RECIPE, combiner=TorchJd()).combiner.built
