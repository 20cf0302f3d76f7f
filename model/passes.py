"""What an update costs, counted in passes of one task's batch through the encoder: the techniques say it themselves."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.recipe import Recipe

PLAIN = 3  # passes of a plain update: forward, back to the inputs, back to the weights


@dataclasses.dataclass(frozen=True)
class Passes:
    """Passes forward, and back to the inputs of the encoder's layers and to their weights; each costs about as much."""

    forward: int = 0
    inputs: int = 0
    weights: int = 0

    def __add__(self, other: Passes) -> Passes:
        return Passes(self.forward + other.forward, self.inputs + other.inputs, self.weights + other.weights)

    def __mul__(self, times: int) -> Passes:
        return Passes(times * self.forward, times * self.inputs, times * self.weights)

    @property
    def updates(self) -> float:
        """The same in plain updates."""
        return (self.forward + self.inputs + self.weights) / PLAIN


FORWARD = Passes(forward=1)  # nothing goes back
TO_INPUTS = Passes(forward=1, inputs=1)  # to inputs that are moved


def learning(recipe: Recipe) -> Passes:
    """One pass forward, and back through what the recipe trains."""
    return Passes(1, 1, 1) if recipe.trainable == "all" else FORWARD


def keeps(recipe: Recipe, task: str, training: bool) -> bool:
    """Whether a task's pooled states are the same in every pass: the encoder does not train, nor, in training, drop
    out or answer for a regularizer, and the head reads nothing else."""
    fixed = recipe.trainable == "heads" and not recipe.branch(task).head.reads_states
    return fixed and not (training and (recipe.encoder_dropout_when_frozen or recipe.regularizers))


def of_update(recipe: Recipe, task: str) -> Passes:
    """What each update of a task's batch takes: its own pass, and those of every regularizer that applies to it."""
    if keeps(recipe, task, True):
        return Passes()
    total = learning(recipe)
    for regularizer in recipe.regularizers:
        if regularizer.applies(task):
            total += regularizer.passes(recipe)
    return total
