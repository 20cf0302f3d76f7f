"""What MLflow's client is asked to write into one run, in calls that a server takes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.tracking.run_payload import Point

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ANSWERS = "predictions.parquet"
PER_CALL = {"metrics": 1000, "params": 100}  # what one log_batch may carry


def log_batches(
    client: MlflowClient, run: str, metrics: Sequence[Point], params: Mapping[str, str] | None = None
) -> None:
    """Write a run's metrics and parameters."""
    from mlflow.entities import Metric, Param

    points = [Metric(name, float(value), 0, step) for name, value, step in metrics]
    settings = [Param(name, value) for name, value in (params or {}).items()]
    for at in range(0, len(points), PER_CALL["metrics"]):
        client.log_batch(run, metrics=points[at : at + PER_CALL["metrics"]])
    for at in range(0, len(settings), PER_CALL["params"]):
        client.log_batch(run, params=settings[at : at + PER_CALL["params"]])


def log_data(client: MlflowClient, run: str, fingerprints: Mapping[str, str], source: str) -> None:
    """Write which data a run was trained on: a fingerprint a task."""
    from mlflow.entities import Dataset, DatasetInput

    data = [
        Dataset(name=task, digest=fingerprint[:36], source_type="local", source=source)
        for task, fingerprint in fingerprints.items()
    ]
    client.log_inputs(run, [DatasetInput(dataset) for dataset in data])


def upload_answers(client: MlflowClient, run: str, content: bytes) -> None:
    """Give a run the file of its answers."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ANSWERS).write_bytes(content)
        client.log_artifact(run, str(Path(folder) / ANSWERS))
