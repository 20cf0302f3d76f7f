"""Computations that exist for speed alone: each gives what the plain one gives. Techniques do not import them.
``switch`` turns all of them off."""
