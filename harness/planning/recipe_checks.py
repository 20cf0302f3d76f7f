"""What a plan refuses about a recipe before anything is trained."""

from __future__ import annotations

from model.combiners.torchjd import TorchJd
from model.data.reviews import Reviews
from model.declaration import SettingError
from model.encoders.loading import check_token_types
from model.interfaces import History, Sizes
from model.recipe import Recipe
from model.unread import unread


def check_recipe(recipe: Recipe) -> None:
    """Raise ``InputError`` for a recipe that would fail in its first update, or of which something would be ignored."""
    if message := unread(recipe):
        raise SettingError(message)
    for branch in recipe.branches:
        for extra in branch.extra:
            if not isinstance(extra, Reviews):
                message = f"{branch.key}.extra has a {type(extra).__name__}, of which nothing would be read"
                raise SettingError(f"{message}; reviews are the one extra source that there is")
    joint = next((branch.key for branch in recipe.branches if branch.pairing.joint), "")
    check_token_types(recipe.encoder, joint)
    if isinstance(recipe.combiner, TorchJd) and not recipe.combiner.missing:
        for tasks in sorted(shared_task_counts(recipe)):
            recipe.combiner.check_tasks(tasks)


def shared_task_counts(recipe: Recipe) -> set[int]:
    """How many tasks share an update, where several do: the numbers that come up in a short epoch."""
    tasks, schedule = recipe.schedule.tasks(), recipe.schedule
    sizes = Sizes(dict.fromkeys(tasks, 2 * recipe.batch), recipe.batch)
    steps = recipe.combiner.steps(schedule.epoch(0, sizes, History()), tasks)
    return {len(step.tasks) for step in steps if len(step.tasks) > 1}
