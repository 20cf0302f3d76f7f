"""Studies: what is tuned on a row, as one function that is both the search space and the tuned variant."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence

from experiments.search_space import Trial, Value
from experiments.shared import SHARED, Shared
from experiments.suite import Change, RegistryError
from model.errors import shown


@dataclasses.dataclass(frozen=True)
class Range:
    """The values of a parameter: both ends included, evenly or evenly in its logarithm."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclasses.dataclass
class ReplayTrial:
    """A trial with these parameters. ``RegistryError`` for one that is absent, of another type or outside its range;
    ``space`` collects the ranges that the study suggests."""

    params: Mapping[str, Value]
    space: dict[str, Range] = dataclasses.field(default_factory=dict)

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self._value(name, Range(low, high, log)))

    def suggest_int(self, name: str, low: int, high: int) -> int:
        return int(self._value(name, Range(low, high, whole=True)))

    def _value(self, name: str, within: Range) -> float:
        self.space[name] = within
        wanted = f"{'a whole' if within.whole else 'a'} number in {within.low:g} to {within.high:g}"
        if name not in self.params:
            raise RegistryError(f"the parameters lack {name}; give it {wanted}")
        value = self.params[name]
        if isinstance(value, bool) or not isinstance(value, int if within.whole else int | float):
            raise RegistryError(f"{name} must be {wanted}")
        if not within.low <= value <= within.high:
            raise RegistryError(f"{name} is {value!r}; the study seeks {wanted}")
        return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start:
    """A paper's own setting, tried before any other."""

    name: str
    says: str  # where it is printed, and what of it is our reading
    params: Mapping[str, Value]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """``suggest`` asks a trial for the parameters of the study's own subject and returns what they change in ``row`` (a
    full slug; rates are the paper's, before a profile scales them); ``shared`` parameters are searched as well."""

    name: str
    says: str
    row: str
    suggest: Callable[[Trial], tuple[Change, ...]]
    starts: tuple[Start, ...]
    shared: tuple[Shared, ...] = ()

    def ask(self, trial: Trial) -> tuple[Change, ...]:
        """The changes for all of the study's parameters, own and shared, as the trial suggests them."""
        return (*self.suggest(trial), *(each.suggest(trial) for each in self.shared))

    def with_shared(self, shared: Sequence[Shared]) -> Study:
        """The same study with these parameters too, as in the study it is compared with. In papers' settings they have
        the starter's values."""
        more = [each for each in shared if each not in self.shared]
        params = {name: value for each in more for name, value in each.params.items()}
        starts = tuple(dataclasses.replace(start, params={**start.params, **params}) for start in self.starts)
        return dataclasses.replace(self, shared=(*self.shared, *more), starts=starts)

    def changes(self, params: Mapping[str, Value]) -> tuple[Change, ...]:
        """The variant with these parameters; ``RegistryError`` for one that is missing, unknown or out of range. Those
        that the study has only in a comparison may be missing."""
        trial = ReplayTrial(params)
        changes = self.ask(trial)
        more = [each for each in SHARED if each not in self.shared and any(name in params for name in each.params)]
        changes += tuple(each.suggest(trial) for each in more)
        if unknown := [name for name in params if name not in trial.space]:
            raise RegistryError(
                f"the study {self.name} has no parameter {shown(unknown[0], 80)}; it seeks {', '.join(trial.space)}"
            )
        return changes

    def space(self) -> dict[str, Range]:
        """Every parameter's range, in the order of the suggestions."""
        trial = ReplayTrial(self.starts[0].params)
        self.ask(trial)
        return trial.space


def format_value(value: Value, digits: int = 3) -> str:
    """A number as people write it: 1e-5, not 1e-05."""
    return re.sub(r"e([+-])0+(?=\d)", r"e\1", f"{value:.{digits}g}") if isinstance(value, float) else str(value)


def format_params(params: Mapping[str, Value]) -> str:
    """Parameters in a line."""
    return ", ".join(f"{name} {format_value(value)}" for name, value in params.items())
