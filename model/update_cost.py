"""What an update costs, counted in passes of one task's batch through the encoder: the techniques say it themselves."""

from __future__ import annotations

from model.passes import FORWARD, Passes
from model.recipe import Recipe


def learning_pass(recipe: Recipe) -> Passes:
    """One pass forward, and back through what the recipe trains."""
    return Passes(1, 1, 1) if recipe.trainable == "all" else FORWARD


def is_encoded_once(recipe: Recipe, task: str, training: bool) -> bool:
    """Whether a task's pooled states are the same in every pass: the encoder does not train, nor, in training, drop
    out or answer for a regularizer, and the head reads nothing else."""
    fixed = recipe.trainable == "heads" and not recipe.branch(task).head.reads_states
    return fixed and not (training and (recipe.encoder_dropout_when_frozen or recipe.regularizers))


def update_passes(recipe: Recipe, task: str) -> Passes:
    """What each update of a task's batch takes: its own pass, and those of every regularizer that applies to it."""
    if is_encoded_once(recipe, task, True):
        return Passes()
    learning = learning_pass(recipe)
    total = learning
    for regularizer in recipe.regularizers:
        if regularizer.applies(task):
            total += regularizer.passes(learning)
    return total
