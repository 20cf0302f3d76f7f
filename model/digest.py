"""Digests of plain data."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def digest(content: Any, length: int = 16) -> str:
    """A short hash of plain data."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]
