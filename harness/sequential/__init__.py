"""Runs that add seeds until comparisons are decided. May import ``execution`` and all below it."""
