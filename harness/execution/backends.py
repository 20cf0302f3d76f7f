"""The backend that trains a command's cells."""

from __future__ import annotations

import os

from harness.execution.config import ExecutionConfig
from harness.execution.local import LocalBackend
from harness.execution.pool import Backend
from model.errors import InputError


def backend_of(config: ExecutionConfig) -> Backend:
    """The backend of a configuration."""
    if config.cluster is None:
        return LocalBackend(config)
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")  # what fails is raised, too
    try:
        from harness.execution.ray.cluster import RayCluster
    except ImportError:
        raise InputError('--on ray needs Ray; install it with: pip install "ablation-harness[ray]"') from None
    return RayCluster(config, config.cluster)
