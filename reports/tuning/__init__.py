"""Studies: their trials, winners and what these are compared with."""
