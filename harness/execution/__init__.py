"""Trains cells: jobs, workers on this machine or on a Ray cluster, and what they report. May import ``tracking`` and
all below it."""
