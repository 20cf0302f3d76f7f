"""An ablation's factors: effects, interactions and what the order of changes hides."""
