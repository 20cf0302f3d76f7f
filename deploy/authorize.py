"""MLflow's own passwords (``authorization_function`` of ``basic_auth.ini``), and one thing that no client may choose:
where the artifacts of an experiment lie. Any folder of the server could be written to so, and whoever delivers to that
experiment or reads it would do so in a folder of their own machine, or in a bucket, of someone else's choice."""

from __future__ import annotations

from typing import NoReturn

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.server import auth, handlers

REFUSED = "{} is for the server alone to choose; leave it out"


def refused(value: str, field_name: str) -> NoReturn:
    """In the place of MLflow's own check of a location that a client gives."""
    raise MlflowException(REFUSED.format(field_name), PERMISSION_DENIED)


authenticate = auth.authenticate_request_basic_auth
if not callable(handlers._validate_storage_location_uri) or not auth.DEFAULT_AUTHORIZATION_FUNCTION:
    raise ImportError("this MLflow checks locations elsewhere")  # every request fails then
handlers._validate_storage_location_uri = refused
auth.DEFAULT_AUTHORIZATION_FUNCTION = (
    auth.auth_config.authorization_function
)  # pages offer to log out, as with MLflow's
