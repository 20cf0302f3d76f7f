"""The loss of a task, and how its outputs are read as answers."""
