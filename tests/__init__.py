"""Tests, in the rooms of what they test."""

from pathlib import Path

ROOT = Path(__file__).parent.parent  # of the project
