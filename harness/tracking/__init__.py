"""The tracking store (MLflow): what is written there, read back and shown in its pages. May import ``planning`` and all
below it."""
