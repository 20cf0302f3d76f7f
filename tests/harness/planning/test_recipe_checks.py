"""What a plan refuses: settings that nothing reads, and recipes that would fail in their first update."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from harness.planning.recipe_checks import check_recipe
from model.combiners.torchjd import TorchJd
from model.data.reviews import Reviews
from model.declaration import Technique
from model.encoders.bert import Bert
from model.encoders.deberta import DebertaFromBert
from model.encoders.domain_pretrained import DomainPretrained
from model.encoders.loading import EncoderError
from model.encoders.tiny import Tiny
from model.errors import InputError
from model.interfaces import ActiveRegularizer, ExtraData, Forward
from model.network import Network
from model.recipe import AdamW, Branch, Recipe
from model.regularizers.proximal import Proximal
from model.regularizers.smart import Smart
from model.schedules.sequential import Sequential
from tests.harness.conftest import Invoke
from tests.model import small

if TYPE_CHECKING:
    from torch import Tensor


def declared(kind: type) -> type:
    return dataclasses.dataclass(frozen=True, kw_only=True)(kind)


@declared
class Layered(AdamW):
    per_layer_decay: float = 0.9

    def rates(self) -> float:
        return self.rate * self.per_layer_decay


@declared
class Other(AdamW):
    beta2: float = 0.98


@declared
class Forgetful(Smart):
    forgotten_number: float = 1.0

    def check(self) -> None:
        self.require(self.forgotten_number > 0, "forgotten_number", "above 0")


@declared
class Scaled(Smart):
    factor_of_penalty: float = 1.0

    def penalty(self, forward: Forward) -> Tensor | None:
        penalty_value = super().penalty(forward)
        return None if penalty_value is None else self.factor_of_penalty * penalty_value


@declared
class Split(Proximal):
    shift_of_anchor: float = 1.0

    def start(self, network: Network, updates: int) -> ActiveRegularizer:
        return Active(self)


class Active:
    """Reads the field for the declaration."""

    def __init__(self, rule: Split) -> None:
        self.rule = rule

    def penalty(self, forward: Forward) -> Tensor:
        return self.rule.shift_of_anchor * forward.loss

    def after_step(self, network: Network) -> None: ...

    def state(self) -> dict[str, Tensor]:
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None: ...


@declared
class Weighed(Branch):
    temperature: float = 1.0


@declared
class Larger(Tiny):
    experts: int = 2


@declared
class Longer(Reviews):
    shortest: int = 5


@declared
class Web(ExtraData):
    slug: ClassVar[str] = "web for tests"


def of(**changes: object) -> Recipe:
    return dataclasses.replace(small.RECIPE, **changes)  # type: ignore[arg-type]


def with_branch(branch: Branch) -> Recipe:
    return of(branches=(branch, *small.RECIPE.branches[1:]))


SENTIMENT = {"task": small.SENTIMENT.task, "objective": small.SENTIMENT.objective}
REFUSED = [
    (of(optimizer=Layered()), r"adamw\.per_layer_decay of Layered would be ignored: of AdamW only rate, weight_decay"),
    (of(regularizers=(Forgetful(),)), r"smart\.forgotten_number of Forgetful would be ignored: no method reads"),
    (with_branch(Weighed(**SENTIMENT)), r"branch\.temperature of Weighed would be ignored"),
    (of(encoder=Larger()), r"tiny\.experts of Larger would be ignored"),
    (of(encoder=DebertaFromBert(start=Larger())), r"tiny\.experts of Larger would be ignored"),
    (with_branch(Branch(extra=(Longer(),), **SENTIMENT)), r"reviews\.shortest of Longer would be ignored"),
    (with_branch(Branch(extra=(Web(),), **SENTIMENT)), r"sst\.extra has a Web, of which nothing would be read"),
]


@pytest.mark.parametrize(("recipe", "says"), REFUSED)
def test_a_setting_that_nothing_reads_is_refused(recipe: Recipe, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        check_recipe(recipe)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [Smart(), Scaled(), Split(), small.Nosy()])
def test_a_setting_that_some_method_reads_is_not(part: Technique) -> None:
    check_recipe(of(regularizers=(part,)))


def test_an_optimizer_with_other_defaults_is_one_of_ours() -> None:
    check_recipe(of(optimizer=Other()))


def test_no_recipe_of_the_registry_is_refused() -> None:
    from experiments.papers import SUITES

    for suite in SUITES:
        for row in suite.rows:
            recipe = suite.recipe(row)
            if not isinstance(recipe.combiner, TorchJd):
                check_recipe(recipe)


def test_krum_with_three_tasks_is_refused_where_they_share_an_update() -> None:
    pytest.importorskip("torchjd")
    krum = TorchJd(aggregator="Krum", number=1)
    with pytest.raises(InputError, match="Krum cannot combine the 3 tasks that share an update"):
        check_recipe(of(combiner=krum))
    check_recipe(of(combiner=krum, schedule=Sequential()))


def described(folder: Path, types: int, family: str = "bert") -> Bert:
    (folder / "config.json").write_text(json.dumps({"model_type": family, "type_vocab_size": types}))
    return Bert(name=str(folder))


JOINT = of(branches=(*small.RECIPE.branches[:2], small.JOINT_SIMILARITY))


def test_an_encoder_of_one_token_type_is_refused_for_joint_pairs_alone(tmp_path: Path) -> None:
    one = described(tmp_path, 1)
    check_recipe(of(encoder=one))
    with pytest.raises(EncoderError, match=r"has one token type .*, but sts has pairs of sentences in one row"):
        check_recipe(dataclasses.replace(JOINT, encoder=one))
    with pytest.raises(EncoderError, match="but sts has pairs"):
        check_recipe(dataclasses.replace(JOINT, encoder=DebertaFromBert(start=one)))
    with pytest.raises(EncoderError, match="but pre-training has pairs"):
        check_recipe(of(encoder=DomainPretrained(start=one)))
    check_recipe(dataclasses.replace(JOINT, encoder=described(tmp_path, 2)))
    with pytest.raises(EncoderError, match="no token types"):
        check_recipe(of(encoder=described(tmp_path, 0)))
    check_recipe(dataclasses.replace(JOINT, encoder=described(tmp_path, 0, "deberta")))  # which ignores them


def test_one_that_only_the_hub_knows_is_refused_by_the_network() -> None:
    bert = small.encoder()
    bert.config.type_vocab_size = 1
    with pytest.raises(EncoderError, match=r"has one token type .*, but sts has pairs"):
        Network(JOINT, bert, 0)
    Network(small.RECIPE, bert, 0)


def test_the_command_says_it_in_a_sentence(invoke: Invoke, encoder: Path, tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.mkdir()
    for file in encoder.iterdir():
        (one / file.name).write_bytes(file.read_bytes())
    config = json.loads((one / "config.json").read_text())
    (one / "config.json").write_text(json.dumps(config | {"type_vocab_size": 1}))
    row = "smart-vs-deberta/table1/new-predict"
    result = invoke("run", row, "--encoder", one, "--seeds", 1, "--dry-run")
    assert result.exit_code == 2, result.output
    assert "has one token type" in result.output and len(result.output.splitlines()) == 1
