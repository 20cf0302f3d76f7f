"""The routing head: values, the author's numbers, and padding that counts for nothing."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor, nn

from model.declaration import SettingError
from model.heads.linear import Linear
from model.heads.routing import Routing
from model.heads.routing_layers import Route, StatesRouting
from model.interfaces import Encoded
from model.network import Network
from model.pairing.separate import Concatenate, Difference
from tests.model import small

HEAD = Routing(vectors=4)
SENTIMENT = dataclasses.replace(small.SENTIMENT, head=HEAD)

# The author's code (github.com/glassroom/heinsen_routing, commit ac07d88) in double precision: three
# EfficientVectorRouting modules with (n_inp, n_out, d_inp, d_out) = (-1, 4, 6, 6), (4, 4, 6, 6), (4, 3, 6, 1); the
# k-th parameter of the i-th, in the order of its named_parameters(), is wave(shape, 20 i + k). The input is
# wave((2, 5, 2, 6), 3.3), [row, token, depth, feature], normalised over the features, times 1 + wave((2, 6), 5.5) / 2,
# plus wave((2, 6), 6.5). The author's 1/n_out stays single precision, which leaves 2e-10.
ORDER = ("activation", "activation_bias", "propose", "project", "project_bias", "predict", "predict_scale")
ORDER += ("predict_bias", "score", "score_bias")
AUTHOR = torch.tensor(
    [[-0.066879196053, 0.288216525709, -0.069733097630], [-0.068701927906, 0.268717012519, -0.060581730602]],
    dtype=torch.float64,
)
AUTHOR_ROW_1_CUT = torch.tensor(
    [[-0.054834066748, 0.287156012355, -0.088970906460]], dtype=torch.float64
)  # to 3 tokens
AUTHOR_ROW_1_ZEROS = torch.tensor(
    [[-0.060029634509, 0.266162031549, -0.071961744004]], dtype=torch.float64
)  # the others 0


def wave(shape: tuple[int, ...], k: float) -> Tensor:
    numbers = torch.arange(1, math.prod(shape) + 1, dtype=torch.float64)
    return torch.sin(numbers * (0.7 + 0.1 * k)).reshape(shape)


def authors_head() -> StatesRouting:
    head = StatesRouting(hidden=6, depth=2, outputs=3, vectors=4, size=6, iterations=2).double()
    for number, route in enumerate((head.gather, head.refine, head.decide)):
        betas = ("use", "ignore") if number else ("use.weight", "use.bias", "ignore.weight", "ignore.bias")
        for k, name in enumerate((*ORDER, *betas)):
            parameter = route.get_parameter(name)
            parameter.data = wave(tuple(parameter.shape), 20 * number + k)
    head.scale.data, head.shift.data = 1 + wave((2, 6), 5.5) / 2, wave((2, 6), 6.5)
    return head


def states(rows: slice = slice(None), tokens: int = 5) -> tuple[Tensor, ...]:
    return wave((2, 5, 2, 6), 3.3)[rows, :tokens].unbind(2)


def test_one_input_has_the_value_worked_out_by_hand() -> None:
    route = Route(width=1, outputs=2, size=1, iterations=1, inputs=1)
    numbers = {"propose": 3.0, "project": 1.0, "project_bias": 1.0, "use": 4.0, "ignore": 2.0}
    for name, parameter in route.named_parameters():
        nn.init.constant_(parameter, numbers.get(name, 0.0))
    # a = 1/2 and R = 1/2: a quarter is used, a quarter ignored, phi = 4/4 - 2/4; V = 2 * 3 * 1 + 1
    assert route(torch.full((1, 1, 1), 2.0)).flatten().tolist() == [3.5, 3.5]


def test_without_padding_it_gives_the_authors_numbers() -> None:
    head = authors_head()
    assert (head(states(), torch.ones(2, 5)) - AUTHOR).abs().max() < 1e-9
    single = head.float()(tuple(state.float() for state in states()), torch.ones(2, 5))
    assert (single - AUTHOR).abs().max() < 1e-6


def test_a_padded_row_gives_the_authors_numbers_for_the_row_alone() -> None:
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    answer = authors_head()(states(), mask)
    assert (answer[:1] - AUTHOR[:1]).abs().max() < 1e-9
    assert (answer[1:] - AUTHOR_ROW_1_CUT).abs().max() < 1e-9


def test_zeros_as_padding_change_the_authors_answer_and_ours_only_without_the_mask() -> None:
    head = authors_head()
    routed = torch.stack(states(slice(1, 2)), dim=2)
    routed = (nn.functional.layer_norm(routed, (6,)) * head.scale + head.shift).flatten(1, 2)
    routed[:, 6:] = 0
    assert (AUTHOR_ROW_1_ZEROS - AUTHOR_ROW_1_CUT).abs().max() > 0.01
    unmasked, masked = (
        head.decide(head.refine(head.gather(routed, mask))).squeeze(-1) for mask in (None, torch.arange(10)[None] < 6)
    )
    assert (unmasked - AUTHOR_ROW_1_ZEROS).abs().max() < 1e-9
    assert (masked - AUTHOR_ROW_1_CUT).abs().max() < 1e-9


def test_an_input_that_no_output_may_use_is_nan_in_the_authors_form_and_nothing_in_ours() -> None:
    assert torch.full((3,), -math.inf).softmax(-1).isnan().all()  # the author's mask goes into the share's softmax
    route = Route(width=6, outputs=4, size=6, iterations=2)
    inputs = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    mask = torch.tensor([[True, True, False, False, False], [False] * 5])
    answer = route(inputs, mask)
    answer.sum().backward()
    assert answer.isfinite().all()
    assert (answer[1] == 0).all()
    assert inputs.grad is not None
    assert inputs.grad.isfinite().all()
    assert (inputs.grad[~mask] == 0).all()


def test_neither_the_amount_nor_the_content_of_padding_matters() -> None:
    head = StatesRouting(hidden=6, depth=3, outputs=5, vectors=4, size=6, iterations=3).double()
    short = tuple(small.draws(2, 4, 6, name=f"state {depth}").double() for depth in range(3))
    plain = head(short, torch.ones(2, 4))
    for more, content in ((1, 0.0), (3, 100.0)):
        long = tuple(torch.cat((state, torch.full((2, more, 6), content)), dim=1) for state in short)
        mask = torch.cat((torch.ones(2, 4), torch.zeros(2, more)), dim=1)
        assert (head(long, mask) - plain).abs().max() < 1e-12


def test_a_mask_of_ones_changes_no_bit() -> None:
    route, inputs = Route(width=6, outputs=4, size=3, iterations=2), small.draws(2, 5, 6)
    assert torch.equal(route(inputs), route(inputs, torch.ones(2, 5, dtype=torch.bool)))


def test_the_order_of_the_tokens_does_not_matter_but_their_depth_does() -> None:
    head, layers, mask = authors_head(), states(), torch.ones(2, 5)
    turned = tuple(state.flip(1) for state in layers)
    assert (head(turned, mask) - head(layers, mask)).abs().max() < 1e-12
    assert (head(layers[::-1], mask) - head(layers, mask)).abs().max() > 1e-3


def test_a_head_starts_from_its_own_stream_whatever_stands_beside_it() -> None:
    alone = dataclasses.replace(small.only("sst"), branches=(SENTIMENT,))
    beside = dataclasses.replace(small.RECIPE, branches=(*small.RECIPE.branches[1:], SENTIMENT))
    first, second = (small.weights(small.network(recipe).heads["sst"]) for recipe in (alone, beside))
    assert small.same(first, second)
    assert not small.same(first, small.weights(small.network(alone, seed=1).heads["sst"]))
    assert {"scale", "gather.use.weight", "refine.use", "decide.score"} <= first.keys()


def test_every_weight_of_the_head_and_the_words_learn_from_its_loss() -> None:
    recipe = dataclasses.replace(small.only("sst"), branches=(SENTIMENT,))
    network, batch = small.network(recipe), small.batch("sst")
    network("sst", batch.tokens).logsumexp(-1).sum().backward()
    silent = [name for name, weight in network.heads.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert silent == []
    words = network.encoder.get_input_embeddings().weight.grad
    assert words is not None
    assert words.any()


def test_the_network_answers_a_row_alike_alone_and_among_longer_ones() -> None:
    recipe = dataclasses.replace(small.only("sst"), branches=(SENTIMENT,))
    network, table = small.network(recipe).eval(), small.table(SENTIMENT)
    items = table.lengths().argsort()[[0, -1]]
    assert table.lengths()[items[0]] < table.lengths()[items[1]]
    together = network("sst", table.batch(items).tokens)
    alone = network("sst", table.batch(items[:1]).tokens)
    assert (together[:1] - alone).abs().max() < 1e-5


def test_it_trains() -> None:
    recipe = dataclasses.replace(small.only("sst"), branches=(SENTIMENT,))
    run = small.run(recipe)
    before = small.weights(run.network.heads)
    after = small.weights(small.trained(run))
    assert all(value.isfinite().all() for value in after.values())
    assert not small.same(before, small.weights(run.network.heads))


@pytest.mark.parametrize("pairing", [Concatenate(), Difference()], ids=lambda pairing: pairing.slug)
def test_sentences_encoded_separately_are_refused_in_words(pairing: Concatenate | Difference) -> None:
    branch = dataclasses.replace(small.SIMILARITY, pairing=pairing, head=HEAD)
    recipe = dataclasses.replace(small.only("sts"), branches=(branch,))
    with pytest.raises(SettingError, match="the routing head reads one row of tokens"):
        small.network(recipe)("sts", small.batch("sts").tokens)


def test_a_joint_pair_is_routed() -> None:
    branch = dataclasses.replace(small.JOINT_SIMILARITY, head=HEAD)
    recipe = dataclasses.replace(small.only("sts"), branches=(branch,))
    assert small.network(recipe)("sts", small.batch("sts", recipe).tokens).shape == (recipe.batch, 1)


def test_the_size_is_the_encoders_unless_given() -> None:
    built = [
        Routing(size=size).build(width=16, outputs=5, dropout=0.3, hidden=16, depth=3).get_parameter("gather.project")
        for size in (None, 8)
    ]
    assert [tuple(part.shape) for part in built] == [(16, 16), (16, 8)]


@pytest.mark.parametrize("field", ["vectors", "size", "iterations"])
def test_a_number_below_one_is_refused(field: str) -> None:
    with pytest.raises(SettingError, match=f"routing.{field} is 0; it must be at least 1"):
        Routing(**{field: 0})


def test_states_are_asked_of_the_encoder_only_for_it() -> None:
    seen = []

    class Seen(Linear):
        def predict(self, module: nn.Module, features: Tensor, encoded: Encoded) -> Tensor:
            seen.append(len(encoded.states))
            return super().predict(module, features, encoded)

    for beside in (small.PARAPHRASE, dataclasses.replace(small.JOINT_SIMILARITY, head=HEAD)):
        branches = (dataclasses.replace(small.SENTIMENT, head=Seen()), beside)
        recipe = dataclasses.replace(small.only("sst"), branches=branches)
        Network(recipe, small.encoder(), 0)("sst", small.batch("sst").tokens)
    assert seen == [0, 3]
