"""SMART: closed forms, the ball it stays in, its cost, and three public implementations on the same noise."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model.declaration import SettingError
from model.interfaces import Tokens
from model.kernels.padding_layout import Layout
from model.network import Network
from model.objectives.mse import Mse
from model.regularizers.smart import Smart
from model.task import STS
from model.task_forward import TaskForward
from tests.model import small
from tests.model.toy import Toy, lively, passes

# How the packages do it, on the caller's embeddings; without dropout "fresh" makes no difference.
PACKAGES: dict[str, Any] = {"normalise": "step", "axis": "token", "project": False, "dropout": "fresh"}
SMART_PYTORCH = Smart(radius=1e-6, ascent="reverse_kl", divergence="stopped", reduction="sum", **PACKAGES)
MT_DNN = Smart(radius=1e-6, ascent="log_odds", ascent_reduction="sum", divergence="stopped", **PACKAGES)
SMOOTH_VALLEYS = Smart(axis="batch", detach_target=True, dropout="off")
STRONG = Smart(radius=1e-2, step_size=1.0, noise_scale=1e-9)  # every coordinate reaches the edge of the ball


def penalty(smart: Smart, forward: Any) -> Tensor:
    value = smart.penalty(forward)
    assert value is not None
    return value


def clean(task: str, network: Network | None = None, step: int = 0) -> TaskForward:
    """The clean pass of a batch of the small network."""
    network = network or lively(small.network())
    return TaskForward(network, small.batch(task, network.recipe), 0, step)


def without_dropout() -> Network:
    network = lively(small.network())
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return network


# values


def test_linear_score_has_the_penalty_of_the_dual_norm() -> None:
    """Of f(x) = w . mean(x), the worst delta in a max-norm ball has every entry epsilon sign(w): R = (eps |w|_1)^2."""
    toy = Toy(1, Mse(), STS, straight=True)
    value = penalty(STRONG, toy).item()
    assert value == pytest.approx((1e-2 * toy.weight.abs().sum().item()) ** 2, rel=1e-9)
    edge = 1e-2 * toy.batch.tokens.mask[:, :, None].double().expand_as(toy.delta)
    torch.testing.assert_close(toy.delta.abs(), edge, rtol=1e-12, atol=1e-15)


def test_linear_score_in_a_euclidean_ball() -> None:
    """All tokens move epsilon / sqrt(n) along w, n their number: R = mean over items of (eps |w|_2)^2 / n."""
    toy = Toy(1, Mse(), STS, straight=True)
    value = penalty(dataclasses.replace(STRONG, norm="2"), toy).item()
    squares = [(1e-2 * toy.weight.norm().item()) ** 2 / length for length in (5, 3, 4)]
    assert value == pytest.approx(sum(squares) / 3, rel=1e-6)


@pytest.mark.parametrize(
    ("smart", "value", "table", "weight"),
    [
        # smart-pytorch at e96d863: SMARTLoss(kl_loss, sym_kl_loss, num_steps=K), its other defaults
        (SMART_PYTORCH, 0.300297147852, 0.0621108708938, 0.0806133269803),
        (dataclasses.replace(SMART_PYTORCH, steps=3), 0.365694392334, 0.0714222535534, 0.10031453157),
        # mt-dnn at 3228e7c: SmartPerturbation(1e-6, step_size=1e-3, noise_var=1e-5, k=K) with SymKlCriterion; its
        # divergences work in float32
        (MT_DNN, 0.100165858865, 0.0207252053544, 0.0268836346273),
        (dataclasses.replace(MT_DNN, steps=3), 0.122521780431, 0.0239059344042, 0.0336078855556),
        # smooth-valleys (nlp-minibert at 21f8fbd): AdversarialReg(epsilon, lambda_=1, K=K) on an embedding table in
        # which every token is used once, so that moving the table is moving the tokens
        (SMOOTH_VALLEYS, 6.07016318415e-10, 2.22331046354e-05, 1.58346606054e-05),
        (dataclasses.replace(SMOOTH_VALLEYS, radius=0.01), 1.40940113566e-06, 0.000997318685172, 0.000891419581804),
        (
            dataclasses.replace(SMOOTH_VALLEYS, radius=0.01, steps=3),
            2.37229743288e-05,
            0.00465412017746,
            0.00384434229865,
        ),
    ],
)
def test_agrees_with_public_code_on_the_same_noise(smart: Smart, value: float, table: float, weight: float) -> None:
    """Golden numbers: each implementation ran on ``Toy()`` with its normal draws replaced by ours; the value of its
    penalty and the norms of its gradients with respect to the table and to W."""
    toy = Toy()
    ours = penalty(smart, toy)
    gradients = torch.autograd.grad(ours, (toy.table, toy.weight))
    close = 5e-5 if smart.ascent == "log_odds" else 1e-9
    assert ours.item() == pytest.approx(value, rel=close)
    assert [part.norm().item() for part in gradients] == pytest.approx([table, weight], rel=close)


# the ball


@pytest.mark.parametrize("norm", ["inf", "2"])
@pytest.mark.parametrize("axis", ["example", "token", "batch"])
@pytest.mark.parametrize("steps", [1, 3])
def test_perturbation_stays_in_the_ball_and_off_the_padding(norm: Any, axis: Any, steps: int) -> None:
    smart = Smart(radius=1e-4, norm=norm, axis=axis, steps=steps)
    toy = Toy(lengths=(5, 3, 4, 2, 6, 3), items=3, padding=2)
    penalty(smart, toy)
    delta = toy.delta
    over = {"example": (0, 2, 3), "token": (3,), "batch": (0, 1, 2, 3)}[axis]  # of [sentences, items, length, hidden]
    sizes = torch.linalg.vector_norm(delta.unflatten(0, (2, 3)), ord=float(norm), dim=over)
    assert sizes.max().item() == pytest.approx(1e-4, rel=1e-6)
    assert not delta[toy.batch.tokens.mask == 0].any()
    assert delta[toy.batch.tokens.mask == 1].abs().max(dim=-1).values.min() > 0


def test_packages_radius_is_about_one_and_shrinks_as_their_epsilon_grows() -> None:
    """Their epsilon is no radius: below the noise it does nothing, above it acts the wrong way. Ours is the radius."""
    theirs: list[float] = []
    ours: list[float] = []
    for epsilon in (1e-8, 1e-7, 1e-6, 1e-5, 1e-3):
        for form, sizes in ((SMART_PYTORCH, theirs), (Smart(), ours)):
            toy = Toy()
            penalty(dataclasses.replace(form, radius=epsilon), toy)
            sizes.append(toy.delta.abs().max().item())
    assert ours == pytest.approx([1e-8, 1e-7, 1e-6, 1e-5, 1e-3], rel=0.02)
    assert theirs == sorted(theirs, reverse=True)
    assert min(theirs[:3]) > 0.94
    assert theirs[3] > 0.6  # the paper's epsilon: 60,000 times what it names
    assert theirs[4] < 0.1


def test_without_projection_the_step_alone_limits_the_perturbation() -> None:
    toy = Toy()
    penalty(Smart(project=False, step_size=1e-3, noise_scale=1e-9), toy)
    assert toy.delta.abs().amax(dim=(1, 2)).tolist() == pytest.approx([1e-3] * 3, rel=1e-4)


def test_both_sentences_of_a_pair_are_one_example() -> None:
    """Rows i and i + items share a norm: per item, the largest entry is the step size in one row alone."""
    toy = Toy(lengths=(5, 3, 4, 2, 6, 3), items=3)
    penalty(Smart(project=False, step_size=1e-3, noise_scale=1e-9), toy)
    largest = toy.delta.abs().amax(dim=(1, 2)).reshape(2, 3)
    assert largest.max(dim=0).values.tolist() == pytest.approx([1e-3] * 3, rel=1e-4)
    assert largest.min(dim=0).values.max() < 0.99e-3


@pytest.mark.parametrize("task", ["sst", "quora", "sts"])
def test_zero_radius_costs_nothing_with_replayed_masks_and_much_with_independent_ones(task: str) -> None:
    network = lively(small.network())
    levels: tuple[Literal["word", "embedding_output"], ...] = ("word", "embedding_output")
    for level in levels:
        replayed = penalty(Smart(radius=0.0, level=level), clean(task, network))
        assert replayed.item() == 0.0
        replayed.backward()
        assert all(part.grad is None or not part.grad.any() for part in network.parameters())
        assert penalty(Smart(radius=0.0, dropout="off", level=level), clean(task, network)).item() == 0.0
    independent = penalty(Smart(radius=0.0, dropout="fresh"), clean(task, network)).item()
    assert independent > 1e-3
    assert independent > 1e3 * penalty(Smart(radius=1e-5), clean(task, network)).item()


def test_penalty_grows_with_the_square_of_the_radius() -> None:
    values = [penalty(dataclasses.replace(STRONG, radius=radius), Toy()).item() for radius in (1e-5, 1e-4, 1e-3)]
    assert values[1] / values[0] == pytest.approx(100, rel=0.01)
    assert values[2] / values[1] == pytest.approx(100, rel=0.01)


def test_the_ascent_finds_worse_directions_than_chance() -> None:
    forward = clean("sst", without_dropout())
    aimed = penalty(Smart(radius=1e-3, step_size=1.0), forward).item()
    aimless = penalty(Smart(radius=1e-3, step_size=0.0, noise_scale=1.0), forward).item()  # nearly all at the edge too
    assert aimed > 3 * aimless


def test_more_steps_find_no_less() -> None:
    values = [penalty(Smart(radius=1e-3, step_size=3e-4, steps=steps), Toy()).item() for steps in (1, 2, 4)]
    assert values == sorted(values)
    assert values[2] > values[0]


# padding and masks


def test_padding_changes_nothing() -> None:
    for smart in (Smart(), Smart(norm="2", axis="batch"), SMART_PYTORCH, dataclasses.replace(MT_DNN, norm="2")):
        assert penalty(smart, Toy(padding=4)).item() == pytest.approx(penalty(smart, Toy()).item(), rel=1e-9)


@pytest.mark.parametrize("task", ["sst", "quora"])
def test_padding_changes_nothing_in_a_transformer(task: str) -> None:
    forward = clean(task, without_dropout())
    old = forward.batch.tokens
    ids, mask, types = (functional.pad(part, (0, 3)) for part in (old.ids, old.mask, old.types))
    tokens = Tokens(ids, mask, types, Layout.of(mask.bool().numpy()))
    padded = TaskForward(forward.network, dataclasses.replace(forward.batch, tokens=tokens), 0, 0)
    smart = Smart(radius=1e-2)
    assert penalty(smart, padded).item() == pytest.approx(penalty(smart, forward).item(), rel=2e-3)


def test_mask_of_ones_is_the_perturbed_passes_alone() -> None:
    toy = Toy(padding=1)
    penalty(Smart(mask_of_ones=True, steps=2), toy)
    assert len(toy.requests) == 3
    assert all(torch.equal(request["mask"], torch.ones_like(toy.batch.tokens.mask)) for request in toy.requests)
    assert not toy.delta[toy.batch.tokens.mask == 0].any()
    forward = clean("sst")
    assert penalty(Smart(radius=0.0, mask_of_ones=True), forward).item() > 1e-6  # padding is read: x + 0 is not x


# the cost


@pytest.mark.parametrize(
    ("smart", "extra"),
    [
        (Smart(), 2),
        (Smart(steps=3), 4),
        (Smart(level="embedding_output"), 2),
        (Smart(dropout="fresh"), 2),
        (Smart(dropout="off"), 3),
        (Smart(tasks=("sts",)), 0),
    ],
)
def test_passes_through_the_encoder(smart: Smart, extra: int) -> None:
    """K to climb and 1 to penalise, next to the task's own, which is shared."""
    network = small.network()
    seen = passes(network)
    forward = clean("sst", network)
    assert len(seen) == 1
    smart.penalty(forward)
    assert len(seen) == 1 + extra


def test_the_ascent_reaches_the_perturbation_alone() -> None:
    """No weight gets a gradient before the loop asks for one, and the climbed pass holds none of their gradients."""
    network = small.network()
    forward = clean("quora", network)
    value = penalty(Smart(), forward)
    assert all(part.grad is None for part in network.parameters())
    value.backward()
    assert all(part.grad is not None for part in network.shared())
    assert network.heads["quora"].get_parameter("weight").grad is not None
    assert network.heads["sts"].get_parameter("weight").grad is None


def test_small_perturbations_are_refused_where_bf16_would_round_them_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It rounds the answers by far more than a small delta moves them."""
    network, smart = lively(small.network()), Smart(radius=1e-5)
    exact = penalty(smart, clean("sst", network)).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert penalty(smart, clean("sst", network)).item() > 10 * exact
    with pytest.raises(SettingError, match=r"^precision 'bf16' rounds away .* that smart works with; set precision to"):
        dataclasses.replace(small.RECIPE, precision="bf16", regularizers=(smart,))


@pytest.mark.parametrize("smart", [Smart(radius=1e-2), MT_DNN], ids=["large", "mt-dnn's small one, which is none"])
def test_large_perturbations_may_be_rounded(smart: Smart) -> None:
    assert dataclasses.replace(small.RECIPE, precision="bf16", regularizers=(smart,)).regularizers == (smart,)


# choices


def test_noise_depends_on_run_task_and_step_and_on_no_other_draw() -> None:
    network = lively(small.network())
    first = penalty(Smart(), clean("sst", network)).item()
    torch.randn(5)
    assert penalty(Smart(), clean("sst", network)).item() == first
    assert penalty(Smart(), clean("sst", network, step=1)).item() != first


def test_target_is_constant_where_asked() -> None:
    toy = Toy()
    both, one = penalty(STRONG, toy), penalty(dataclasses.replace(STRONG, detach_target=True), toy)
    assert both.item() == one.item()
    (gradient,) = torch.autograd.grad(one, toy.logits, allow_unused=True, retain_graph=True)
    assert gradient is None
    (gradient,) = torch.autograd.grad(both, toy.logits)
    assert gradient.abs().max() > 0


def test_sum_is_the_mean_times_the_batch() -> None:
    """smart-pytorch sums: its lambda means twice as much at twice the batch size."""
    total = penalty(dataclasses.replace(STRONG, reduction="sum"), Toy()).item()
    assert total == pytest.approx(3 * penalty(STRONG, Toy()).item())


@pytest.mark.parametrize("form", ["kl", "reverse_kl", "log_odds"])
def test_ascent_by_another_divergence_climbs_too(form: Any) -> None:
    same, other = (penalty(Smart(radius=1e-3, ascent=ascent), Toy()).item() for ascent in ("same", form))
    assert 0.5 * same < other < 2 * same


def test_one_sided_penalty_takes_the_perturbed_prediction_first() -> None:
    toy = Toy()
    value = penalty(dataclasses.replace(STRONG, radius=0.3, divergence="kl"), toy).item()
    perturbed = functional.log_softmax(toy.answer(toy.words + toy.delta, toy.batch.tokens.mask), dim=-1)
    clean_side = functional.log_softmax(toy.logits, dim=-1)
    by_hand = (perturbed.exp() * (perturbed - clean_side)).sum(-1).mean().item()
    other_way = (clean_side.exp() * (clean_side - perturbed)).sum(-1).mean().item()
    assert value == pytest.approx(by_hand)
    assert not math.isclose(by_hand, other_way, rel_tol=1e-3)


def test_reference_fault_mt_dnn_compares_every_score_with_every_other() -> None:
    """Golden number as above, task_type=Regression with MseCriterion: the penalty of unperturbed scores is not 0."""
    theirs, toy = 2.8213144438, Toy(1, Mse(), STS)
    with pytest.warns(UserWarning, match="broadcasting"):
        unperturbed = functional.mse_loss(toy.logits.squeeze(), toy.logits).item()
    ours = penalty(MT_DNN, toy).item()
    assert ours == pytest.approx(0.534297099903, rel=1e-9)  # mt-dnn's with the shapes put right
    assert unperturbed > ours
    assert theirs > 5 * ours


@pytest.mark.parametrize("wrong", [{"radius": -1.0}, {"step_size": -1.0}, {"noise_scale": -1.0}, {"steps": 0}])
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=f"smart.{next(iter(wrong))} is"):
        Smart(**wrong)


# in training


@pytest.mark.parametrize("form", [Smart(), SMART_PYTORCH, SMOOTH_VALLEYS], ids=["ours", "packages", "eval mode"])
def test_weight_zero_is_the_baseline_to_the_last_bit(form: Smart) -> None:
    plain = small.weights(small.trained(small.run()))
    for weight, equal in ((0.0, True), (5.0, False)):
        regularized = dataclasses.replace(small.RECIPE, regularizers=(dataclasses.replace(form, weight=weight),))
        assert small.same(plain, small.weights(small.trained(small.run(regularized)))) is equal


def test_a_task_left_out_has_no_penalty() -> None:
    smart = Smart(tasks=("sst", "sts"))
    assert smart.penalty(clean("quora")) is None
    assert smart.penalty(clean("sst")) is not None


def test_a_trained_network_is_smoother_with_it() -> None:
    ask = Smart(radius=0.1, step_size=10.0)
    penalties = []
    for weight in (0.0, 100.0):
        regularized = dataclasses.replace(
            small.only("sst"), epochs=6, regularizers=(dataclasses.replace(ask, weight=weight),)
        )
        run = small.run(regularized)
        lively(run.network)
        penalties.append(penalty(ask, clean("sst", small.trained(run).train())).item())
    assert penalties[1] < 0.7 * penalties[0]
