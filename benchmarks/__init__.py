"""Measurements behind the figures that the README and the changelog name; every one a ratio within one run."""
