"""The unit of cost: passes of one task's batch through the encoder."""

from __future__ import annotations

import dataclasses

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
