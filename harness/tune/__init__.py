"""``harness tune``: studies, their trials and the storage of these. The only room that knows Optuna. May import
``execution`` and all below it."""
