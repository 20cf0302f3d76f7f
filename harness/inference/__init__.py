"""Predictions and exported folders of trained networks. May import ``execution`` and all below it."""
