"""The proximal point: when it does nothing, where its anchor is, and smooth-valleys' code on the same updates."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional

from model.declaration import SettingError
from model.divergences import divergence
from model.interfaces import Regularizer
from model.network import Network
from model.objectives.cross_entropy import CrossEntropy
from model.recipe import Recipe
from model.regularizers.proximal import FunctionSpace, MomentumProximal, ParameterProximal, ParameterSpace, Proximal
from model.schedules.round_robin import RoundRobin
from model.task import SST
from model.task_forward import TaskForward
from tests.model import small
from tests.model.toy import grid, lively, passes

NO_OP = pytest.mark.filterwarnings("ignore:.*changes nothing:UserWarning")


def updates(
    network: Network, rule: Any, number: int, tasks: tuple[str, ...] = ("sst",), active: Any = None
) -> Iterator[tuple[dict[str, float], dict[str, bool]]]:
    """Train by plain gradient descent; yields the penalties by task, and by name whether the penalties' gradient of a
    parameter is all zeros, after each update."""
    active = active or rule.start(network, number)
    for step in range(number):
        forwards = [TaskForward(network, small.batch(task, network.recipe), 0, step) for task in tasks]
        penalties = {f.task.name: active.penalty(f) for f in forwards}
        names = [name for name, part in network.named_parameters() if part.requires_grad]
        pull = torch.autograd.grad(
            sum(penalties.values()), [network.get_parameter(n) for n in names], allow_unused=True, retain_graph=True
        )
        network.zero_grad()
        torch.stack([f.loss for f in forwards]).sum().backward()
        with torch.no_grad():
            for part in network.parameters():
                if part.grad is not None:
                    part.sub_(0.05 * part.grad)
        active.after_step(network)
        quiet = {name: part is None or not part.any() for name, part in zip(names, pull, strict=True)}
        yield {name: value.item() for name, value in penalties.items()}, quiet


# the basic form


@NO_OP
@pytest.mark.parametrize("task", ["sst", "quora", "sts"])
def test_one_step_per_anchor_is_a_no_op(task: str) -> None:
    """The value and every gradient are exactly 0 at every update, dropout on."""
    for penalties, quiet in updates(lively(small.network()), Proximal(), 4, (task,)):
        assert penalties == {task: 0.0}
        assert all(quiet.values())


@pytest.mark.parametrize("rule", [Proximal(), MomentumProximal(beta=0.0), ParameterProximal()])
def test_a_no_op_says_so_and_trains_the_baseline_to_the_last_bit(rule: Regularizer) -> None:
    plain = small.weights(small.trained(small.run()))
    with pytest.warns(UserWarning, match=f"{rule.slug} changes nothing: its anchor is always the current weights"):
        regularized = small.run(dataclasses.replace(small.RECIPE, regularizers=(rule,)))
        assert small.same(plain, small.weights(small.trained(regularized)))


def test_what_is_no_op_is_known_without_running_it() -> None:
    assert Proximal().is_no_op
    assert ParameterProximal().is_no_op
    assert not Proximal(steps_per_anchor=2).is_no_op
    assert not Proximal(dropout="fresh").is_no_op
    assert not MomentumProximal().is_no_op
    assert not ParameterProximal(steps_per_anchor=2).is_no_op


def test_penalty_is_zero_at_the_first_update_of_each_anchor_alone() -> None:
    values = [penalties["sst"] for penalties, _ in updates(lively(small.network()), Proximal(steps_per_anchor=3), 8)]
    assert [value == 0.0 for value in values] == [True, False, False, True, False, False, True, False]
    assert all(value >= 0 for value in values)


@pytest.mark.parametrize("rule", [Proximal(steps_per_anchor=9), MomentumProximal(beta=0.9)])
def test_masks_of_its_own_would_dwarf_what_the_weights_do(rule: Any) -> None:
    """smooth-valleys' anchor draws dropout masks of its own: at equal weights its penalty is far from 0."""
    own = dataclasses.replace(rule, dropout="fresh")
    (replayed, _), (independent, _) = (next(updates(lively(small.network()), form, 1)) for form in (rule, own))
    assert replayed["sst"] == 0.0
    assert independent["sst"] > 1e-3


# the anchor


def test_momentum_anchor_is_the_weighted_mean_of_the_past() -> None:
    """anchor_n = beta^n theta_0 + (1 - beta) sum over k of beta^(n - k) theta_k."""
    network = small.network()
    active = MomentumProximal(beta=0.8).start(network, 10)
    assert isinstance(active, FunctionSpace)
    past = [small.weights(network), *(small.weights(network) for _ in updates(network, None, 5, active=active))]
    for name, anchor in active.copies.items():
        terms = [0.8**5 * past[0][name]] + [0.2 * 0.8 ** (5 - k) * past[k][name] for k in range(1, 6)]
        torch.testing.assert_close(anchor, torch.stack(terms).sum(0), rtol=1e-5, atol=1e-7)


def test_default_schedule_is_the_papers() -> None:
    """.99 while t <= T / 10, then .999 (section 4.1)."""
    for updates, tenth in ((20, 2), (29, 2), (30, 3), (9, 0)):
        shares = [MomentumProximal().share(update, updates) for update in range(1, updates + 1)]
        assert shares == pytest.approx([0.01] * tenth + [0.001] * (updates - tenth))
    assert MomentumProximal(beta=0.995).share(1, 10) == pytest.approx(0.005)


@pytest.mark.parametrize("rule", [Proximal(steps_per_anchor=4), MomentumProximal(beta=0.9)])
def test_anchor_shares_no_memory_with_the_weights(rule: Any) -> None:
    network = small.network()
    active = rule.start(network, 10)
    for _ in updates(network, None, 4, active=active):
        live = {part.data_ptr() for part in network.parameters()}
        assert live.isdisjoint(part.data_ptr() for part in active.network.parameters())
    assert not any(part.requires_grad for part in active.network.parameters())
    network.get_parameter("heads.sst.weight").data.add_(1.0)
    assert not torch.equal(active.copies["heads.sst.weight"], network.get_parameter("heads.sst.weight"))


def test_anchor_trains_and_rests_with_the_network() -> None:
    """A run starts its regularizers before it turns dropout on; scoring turns it off in between."""
    network = lively(small.network()).eval()
    active = MomentumProximal(beta=0.9).start(network, 10)
    for training in (True, False, True):
        network.train(training)
        penalty = active.penalty(TaskForward(network, small.batch("sst"), 0, 0))
        assert penalty is not None
        assert penalty.item() == 0.0


def test_anchor_costs_one_pass_without_a_graph() -> None:
    network = small.network()
    active = MomentumProximal(beta=0.9).start(network, 10)
    assert isinstance(active, FunctionSpace)
    own, anchored = passes(network), passes(active.network)
    forward = TaskForward(network, small.batch("sst"), 0, 0)
    assert active.penalty(forward) is not None
    assert (own, anchored) == ([True], [False])


def test_a_copied_network_keeps_its_embeddings_to_itself() -> None:
    """The hook that reads and swaps the embeddings goes to the copy."""
    network = small.network().eval()
    tokens = small.batch("sst").tokens
    network("sst", tokens)
    twin = copy.deepcopy(network)
    assert twin.embedding_output is None
    kept = network.embedding_output
    moved = torch.zeros_like(kept)  # type: ignore[arg-type]
    swapped = twin.answer("sst", twin.encode(tokens, moved, "embedding_output"))
    assert twin.embedding_output is moved
    assert network.embedding_output is kept
    assert torch.equal(swapped, network.answer("sst", network.encode(tokens, moved, "embedding_output")))


def test_agrees_with_public_code_over_six_updates() -> None:
    """Golden numbers: smooth-valleys' code (nlp-minibert at 21f8fbd), MBPP(beta=.9, mu=1), on f(x) = x W without
    dropout, updates by gradient descent at rate .5: each penalty and, at the end, the norms of W and of its anchor.
    Its first anchor IS the weights' memory; only its swapping of tensors to and fro parts the two."""

    class Line(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(2 * grid(4, 3))

    x, labels = grid(6, 4, pace=0.9), torch.arange(6) % 3
    network: Any = Line()
    descent = torch.optim.SGD(network.parameters(), lr=0.5)
    active = MomentumProximal(beta=0.9).start(network, 10)
    assert isinstance(active, FunctionSpace)
    values = []
    for _ in range(6):
        forward: Any = SimpleNamespace(task=SST, objective=CrossEntropy(), network=network)
        forward.logits = x @ network.weight
        forward.again = lambda network, dropout: x @ network.weight
        descent.zero_grad()
        penalty = active.penalty(forward)
        assert penalty is not None
        (functional.cross_entropy(forward.logits, labels) + penalty).backward()
        descent.step()
        active.after_step(network)
        values.append(penalty.item())
    theirs = [0.0, 0.0059954441739090685, 0.02433020271622542, 0.05715322564903799, 0.1062287877009879]
    assert values == pytest.approx([*theirs, 0.16950597320464378], rel=1e-12, abs=1e-15)
    assert network.weight.norm().item() == pytest.approx(2.679739188605989, rel=1e-12)
    assert active.copies["weight"].norm().item() == pytest.approx(4.298253216413357, rel=1e-12)


def test_reference_fault_softmax_over_one_logit_penalises_nothing() -> None:
    """smooth-valleys' code compares softmax(logit): for paraphrases and similarity its penalty is 0 for ever."""
    values = [
        penalties["quora"]
        for penalties, _ in updates(lively(small.network()), MomentumProximal(beta=0.9), 3, ("quora",))
    ]
    assert values[2] > 0
    logits, anchored = grid(4, 1), 3 * grid(4, 1)
    assert torch.equal(functional.softmax(logits, dim=-1), functional.softmax(anchored, dim=-1))
    assert divergence(logits, anchored, "bernoulli_symmetric_kl").min() > 0


# parameter space


def test_half_the_squared_distance_once_an_update() -> None:
    """Three tasks share an update: together they pay mu / 2 |theta - anchor|^2, and its gradient is theta - anchor."""
    network = small.network()
    active = ParameterProximal(steps_per_anchor=9).start(network, 10)
    assert isinstance(active, ParameterSpace)
    with torch.no_grad():
        for part in network.parameters():
            part.add_(0.1)
    tasks = ("sst", "quora", "sts")
    penalties = [active.penalty(TaskForward(network, small.batch(task), 0, 0)) for task in tasks]
    assert all(penalty is not None for penalty in penalties)
    total = torch.stack([penalty for penalty in penalties if penalty is not None]).sum()
    count = sum(part.numel() for part in network.parameters())
    assert total.item() == pytest.approx(count * 0.1**2 / 2, rel=1e-4)
    total.backward()
    for part in network.parameters():
        torch.testing.assert_close(part.grad, torch.full_like(part, 0.1), rtol=1e-4, atol=0)
    again = active.penalty(TaskForward(network, small.batch("sst"), 0, 1))  # the next update pays anew
    assert again is not None
    assert again.item() > penalties[2].item()  # type: ignore[union-attr]


def test_distance_counts_the_same_whatever_the_tasks_weights() -> None:
    """The loop multiplies a task's loss, penalties included, by the task's weight."""
    totals = []
    for weight in (1.0, 0.25):
        branches = tuple(dataclasses.replace(branch, weight=weight) for branch in small.RECIPE.branches)
        network = small.network(dataclasses.replace(small.RECIPE, branches=branches))
        active = ParameterProximal(steps_per_anchor=9).start(network, 10)
        network.get_parameter("heads.sst.bias").data.add_(1.0)
        penalty = active.penalty(TaskForward(network, small.batch("sst"), 0, 0))
        assert penalty is not None
        totals.append(weight * penalty.item())
    assert totals == pytest.approx([2.5, 2.5])


def test_heads_of_other_tasks_are_left_alone() -> None:
    """A zero gradient is not none: the optimizer would go on moving a head that the update has nothing to do with."""
    network = small.network()
    for space, own in (("all", True), ("shared", False)):
        active = ParameterProximal(steps_per_anchor=9, space=space).start(network, 10)  # type: ignore[arg-type]
        network.zero_grad()
        penalty = active.penalty(TaskForward(network, small.batch("quora"), 0, 0))
        assert penalty is not None
        penalty.backward()
        assert all(part.grad is not None for part in network.shared())
        assert (network.get_parameter("heads.quora.weight").grad is not None) is own
        assert network.get_parameter("heads.sst.weight").grad is None


# in training


@pytest.mark.parametrize(
    "rule", [Proximal(steps_per_anchor=2), MomentumProximal(beta=0.9), ParameterProximal(steps_per_anchor=2)]
)
@pytest.mark.parametrize("schedule", [small.RECIPE.schedule, RoundRobin()])
def test_weight_zero_is_the_baseline_to_the_last_bit(rule: Any, schedule: Any) -> None:
    recipe: Recipe = dataclasses.replace(small.RECIPE, schedule=schedule)
    plain = small.weights(small.trained(small.run(recipe)))
    for weight, equal in ((0.0, True), (100.0, False)):
        regularized = dataclasses.replace(recipe, regularizers=(dataclasses.replace(rule, weight=weight),))
        assert small.same(plain, small.weights(small.trained(small.run(regularized)))) is equal


@pytest.mark.parametrize("rule", [MomentumProximal(beta=0.5), ParameterProximal(steps_per_anchor=10)])
def test_a_heavy_penalty_keeps_the_weights_near(rule: Any) -> None:
    start, distances = small.weights(small.network()), []
    for weight in (0.0, 1000.0):
        regularized = dataclasses.replace(small.RECIPE, regularizers=(dataclasses.replace(rule, weight=weight),))
        end = small.weights(small.trained(small.run(regularized)))
        distances.append(sum((end[name] - start[name]).square().sum().item() for name in start))
    assert distances[1] < 0.8 * distances[0]


@pytest.mark.parametrize(
    "rule", [Proximal(steps_per_anchor=3), MomentumProximal(), ParameterProximal(steps_per_anchor=3)]
)
def test_a_checkpoint_goes_on_where_it_stopped(rule: Any) -> None:
    """Two updates, a checkpoint, two more: the same penalties as without the stop."""
    network = lively(small.network())
    active = rule.start(network, 20)
    list(updates(network, rule, 2, active=active))
    state, twin = active.state(), copy.deepcopy(network)
    saved = {name: part.clone() for name, part in state.items()}
    on = [values for values, _ in updates(network, rule, 3, active=active)]
    assert small.same(saved, state)  # what was saved does not move with the anchor
    resumed = rule.start(twin, 20)
    resumed.load(state)
    assert [values for values, _ in updates(twin, rule, 3, active=resumed)] == on
    assert resumed.state()["updates"].item() == 5


def test_a_task_left_out_has_no_penalty() -> None:
    network = small.network()
    for rule in (Proximal(tasks=("sts",), steps_per_anchor=2), ParameterProximal(tasks=("sts",), steps_per_anchor=2)):
        active = rule.start(network, 10)
        assert active.penalty(TaskForward(network, small.batch("sst"), 0, 0)) is None
        assert active.penalty(TaskForward(network, small.batch("sts"), 0, 0)) is not None


@pytest.mark.parametrize("kind", [Proximal, ParameterProximal])
def test_impossible_settings_are_refused(kind: Any) -> None:
    with pytest.raises(SettingError, match="steps_per_anchor is 0; it must be at least 1"):
        kind(steps_per_anchor=0)
    with pytest.raises(SettingError, match=r"beta is 1.5; it must be in \[0, 1\]"):
        MomentumProximal(beta=1.5)
