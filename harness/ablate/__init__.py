"""``harness ablate``: the design of an ablation and its summary. May import ``execution`` and all below it."""
