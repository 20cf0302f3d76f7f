"""The encoder of the harness's tests."""

from __future__ import annotations

from tests.harness.conftest import encoder

__all__ = ["encoder"]
