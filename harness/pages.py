"""What ``harness ui`` serves: MLflow's application, and under ``/reports`` those of the home, linked from its rows.
MLflow finds it by the entry point ``ablation-harness`` of its group ``mlflow.app``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask, Response

NAME = "ablation-harness"
FOLDER = "HARNESS_REPORTS"  # in the server's environment


def create_app() -> Flask:
    from flask import send_from_directory
    from mlflow.server import app

    folder = Path(os.environ[FOLDER])

    @app.route("/reports/<path:name>")
    def report(name: str) -> Response:
        return send_from_directory(folder, name)

    return app


def address(server: str, report: Path) -> str:
    """Of a report's page, ``<home>/reports/NAME/report.html``."""
    return f"{server}/reports/{report.parent.name}/{report.name}"
