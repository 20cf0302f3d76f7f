"""The one switch of all kernels, for tests and for whoever doubts a result; no setting of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_on = True


def enabled() -> bool:
    """Whether kernels compute what they can; otherwise torch and transformers do."""
    return _on


@contextmanager
def reference() -> Iterator[None]:
    """Inside, in the whole process, plain torch and transformers compute everything. Dropout's draws are others."""
    global _on
    before, _on = _on, False
    try:
        yield
    finally:
        _on = before
