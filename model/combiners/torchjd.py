"""TorchJD's aggregators as combiners (an optional extra: https://torchjd.org)."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from model.combiners.pcgrad import by_task, gram, signals, spread
from model.declaration import SettingError
from model.interfaces import Combiner, Step
from model.lazy_torch import torch
from model.precision import products
from model.rng import seed_global

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, kw_only=True)
class TorchJd(Combiner):
    """grad = A(J): J the tasks' gradients on the shared parameters, [tasks, numbers]; A the aggregator of this name, at
    its own scale (most average where ``total`` adds). Heads keep their plain gradients; an update that serves one task
    keeps its gradient. Aggregators that remember earlier updates are refused: every update makes a new one."""

    slug: ClassVar[str] = "torchjd"
    packages: ClassVar[tuple[str, ...]] = ("torchjd",)
    aggregator: str = "UPGrad"
    number: float | None = None  # for the ones that ask for one: alpha of FairGrad, n_byzantine of Krum

    @property
    def missing(self) -> str:
        """What is to be installed first, if anything. ``SettingError`` where the package has no such aggregator,
        or none with this number."""
        if importlib.util.find_spec("torchjd") is None:
            return "the combiner torchjd needs the package torchjd: pip install 'ablation-harness[torchjd]'"
        self.make()
        return ""

    def make(self) -> Any:
        """The aggregator. ``SettingError`` if the package or the name does not exist or the number does not fit."""
        try:
            library = importlib.import_module("torchjd.aggregation")
        except ImportError:
            raise SettingError(
                "the combiner torchjd needs the package torchjd, which is not installed; "
                "mend it with: pip install 'ablation-harness[torchjd]'"
            ) from None
        kind = self._kind(library)
        numbers = required(kind)
        self.require(len(numbers) == (self.number is not None), "number", self._needed(numbers))
        try:
            return kind() if self.number is None else kind(int(self.number) if self.number % 1 == 0 else self.number)
        except (AttributeError, ImportError, TypeError, ValueError) as error:
            raise SettingError(f"torchjd cannot make {self.aggregator}: {error}") from None

    def check_tasks(self, tasks: int) -> None:
        """Raise ``SettingError`` where the aggregator cannot combine the gradients of so many tasks."""
        aggregate = self.make()
        try:
            with torch.random.fork_rng(devices=[]), products("fp32"):
                aggregate(torch.eye(tasks))
        except (ImportError, RuntimeError, ValueError) as error:
            words = " ".join(str(error).split())[:200]
            message = f"torchjd's {self.aggregator} cannot combine the {tasks} tasks that share an update ({words})"
            raise SettingError(f"{message}; take another aggregator, number or schedule") from None

    def _kind(self, library: Any) -> Any:
        exported = {name: getattr(library, name) for name in library.__all__ if not name.endswith("Aggregator")}
        kinds = {name: kind for name, kind in exported.items() if issubclass(kind, library.Aggregator)}
        refusals = {name: refusal(kind) for name, kind in kinds.items()}
        if refusals.get(self.aggregator) == "":
            return kinds[self.aggregator]
        available = sorted(name for name, why in refusals.items() if not why)
        near = difflib.get_close_matches(self.aggregator, available, n=3, cutoff=0.5) or available
        why = refusals.get(self.aggregator, "is not in the installed torchjd")
        raise SettingError(f"torchjd.aggregator {self.aggregator!r} {why}; choose one of: {', '.join(near)}")

    def _needed(self, numbers: list[str]) -> str:
        if not numbers:
            return f"left out, {self.aggregator} takes none"
        return f"given, as {self.aggregator}'s {numbers[0]}"

    def backward(
        self, step: Step, losses: Iterable[tuple[str, Tensor]], shared: list[nn.Parameter], seed: int
    ) -> dict[str, float]:
        aggregate = self.make()
        totals = by_task(losses, shared)
        gradients = [spread(task) for task in totals.values()]
        used = [k for k in range(len(shared)) if any(task[k] is not None for task in gradients)]
        figures = signals(list(totals), gram(gradients))
        if len(gradients) == 1 or not used:
            for k in used:
                shared[k].grad = gradients[0][k]
            return figures
        jacobian = torch.stack([torch.cat([flat(task[k], shared[k]) for k in used]) for task in gradients])
        for device in {"cpu", jacobian.device.type}:  # aggregators that draw do so on either
            seed_global(seed, device)
        with products("fp32"):
            whole = aggregate(jacobian)
        parts = whole.split([shared[k].numel() for k in used])
        for k, part in zip(used, parts, strict=True):
            shared[k].grad = part.view_as(shared[k])
        return figures


def required(kind: Any) -> list[str]:
    """What an aggregator must be given, by name."""
    return [name for name, p in inspect.signature(kind).parameters.items() if p.default is inspect.Parameter.empty]


def refusal(kind: Any) -> str:
    """Why an aggregator cannot be had here, or nothing."""
    if hasattr(kind, "reset"):
        return "remembers earlier updates"
    try:
        kind(*(1 for _ in required(kind)))
    except ImportError as error:
        lacking = re.search(r"requires \[([^\]]*)\]", str(error))
        names = lacking[1].replace("'", "") if lacking else "a package"
        return f"needs {names} beside torchjd, which the extra leaves out and which is not installed here"
    except (AttributeError, TypeError, ValueError):
        return "takes more than a number"
    return ""


def flat(gradient: Tensor | None, parameter: nn.Parameter) -> Tensor:
    """The gradient as a vector; zeros for a task that does not use the parameter."""
    return parameter.new_zeros(parameter.numel()) if gradient is None else gradient.reshape(-1)
