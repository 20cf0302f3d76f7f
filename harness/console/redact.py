"""Removes secrets from texts: tracking URIs, and error messages that quote them."""

from __future__ import annotations

import os
import re
import textwrap
from urllib.parse import quote

from model.names import printed

MASK = "***"
VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "DATABRICKS_TOKEN")

_URI = re.compile(r"(?<=[\w+.-]{2})://\S+")  # a scheme has two letters or more, so C://x is none
_PASSWORD = re.compile(r"://([^\s/:]*):(\S*)@")  # up to the last @: a password may hold @, : and /
_TOKEN = re.compile(r"://[^\s/:@]+@")  # a user name alone
_PARAMETER = re.compile(
    r"((?:password|passwd|pwd|token|secret|key|sig|signature|credential)(?:=|%3d))[^\s&]+", re.IGNORECASE
)


def redact_secrets(text: str) -> str:
    """The text with ``***`` for every secret in it: the passwords, tokens and secret query parameters of URIs, and
    the values of the variables that hold MLflow's credentials, wherever they stand.

    What may be a password is taken for one: in ``http://host:5000/@x`` all between : and @ is hidden. A URI ends at
    white space.

    >>> redact_secrets("no answer from postgresql://ann:p@ss@host:5432/runs?sslkey=k1 yet")
    'no answer from postgresql://ann:***@host:5432/runs?sslkey=*** yet'
    """
    for value in sorted(filter(None, map(os.environ.get, VARIABLES)), key=len, reverse=True):
        text = text.replace(value, MASK).replace(quote(value, safe=""), MASK)
    return _URI.sub(_redact_uri, text)


def _redact_uri(match: re.Match[str]) -> str:
    address, mark, query = _TOKEN.sub(f"://{MASK}@", _PASSWORD.sub(_redact_password, match[0])).partition("?")
    return address + mark + _PARAMETER.sub(rf"\g<1>{MASK}", query)


def _redact_password(match: re.Match[str]) -> str:
    """The user name stays, unless it may be a token: before an empty password, or before an @ of its own."""
    user, password = match.groups()
    return f"://{user if password and '@' not in user else MASK}:{MASK}@"


REFUSALS = {  # what MLflow says, and what it means
    "error code 401": "it takes a user name and a password, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
    "and does not know these",
    "Invalid Host header": "it does not answer to this name, which is not among its --allowed-hosts",
    "error code 403": "this user may not do that there",
}


def error_chain(error: BaseException) -> list[BaseException]:
    """An error and its causes, the first cause last."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return chain


def reason(error: BaseException) -> str:
    """The root cause in one short line without secrets: the deepest cause that says more than a word."""
    text = next((str(link) for link in reversed(error_chain(error)) if len(str(link).split()) > 1), repr(error))
    text = next((meant for mark, meant in REFUSALS.items() if mark in text), text)
    return printed(textwrap.shorten(redact_secrets(text), 300, placeholder=" ..."))
