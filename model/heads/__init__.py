"""From features to a task's outputs."""
