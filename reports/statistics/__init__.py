"""Statistics as pure functions on numbers and arrays: one question a file."""

from reports.statistics.t_interval import mean_interval

__all__ = ["mean_interval"]
