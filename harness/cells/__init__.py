"""Cells on disk. A cell is one training, named by the hash of all that decides its result. May import ``console``."""
