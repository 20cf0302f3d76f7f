"""What ``harness ui`` serves: MLflow's pages for reading, and under ``/reports`` the reports of the results
folder, linked from its rows; to whoever has the link that it printed, and to no one else.

MLflow's application lets whoever reaches it create experiments whose artifacts lie anywhere, and so read and write any
file of the user's. Here nothing but what reading needs gets through. MLflow finds the application by the entry point
``ablation-harness`` of its group ``mlflow.app``.
"""

from __future__ import annotations

import hmac
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask, Response

NAME = "ablation-harness"
FOLDER, TOKEN, HOSTS = "HARNESS_REPORTS", "HARNESS_UI_TOKEN", "HARNESS_UI_HOSTS"  # in the server's environment
TOKEN_FIELD = "token"  # of a link
SEARCHES = re.compile(
    r"/graphql|/(ajax-)?api/[23]\.0/?mlflow/(experiments/search(-datasets)?|(logged-models|runs|traces|datasets)/search)"
)  # asked with POST, though they change nothing
CLOSED = re.compile(r"/((ajax-)?api/.*/)?(gateway|webhooks|jobs|prompt-optimization|scorers|assistant)", re.IGNORECASE)
FORBIDDEN = (
    "These pages are open to whoever has the link that harness ui printed, with its token. Open that link first."
)


def create_app() -> Flask:
    from flask import send_from_directory
    from mlflow.server import app

    folder = Path(os.environ[FOLDER])
    guard(app, os.environ[TOKEN], frozenset(os.environ[HOSTS].split(",")))

    @app.route("/reports/<path:name>")
    def report(name: str) -> Response:
        from flask import abort

        if not (folder / name).resolve().is_relative_to(folder.resolve()):  # a link that leads out
            abort(404)
        return send_from_directory(folder, name)

    return app


def guard(app: Flask, token: str, hosts: frozenset[str]) -> None:
    """Have the application answer requests for reading, to these hosts, that know the token: from the link that has
    it, which leaves it in a cookie, or from the cookie or a header. All others get 403."""
    from flask import Response, redirect, request

    def refusal() -> Response | None:
        if request.host not in hosts:
            return Response("This address is not the server's.", 403, mimetype="text/plain")
        if request.path == "/health":
            return None
        cookie = f"{NAME}-{request.host.rpartition(':')[2]}"  # a cookie is of a host, whatever the port
        token_argument = request.args.get(TOKEN_FIELD)
        if token_argument is not None and tokens_equal(token_argument, token):
            if request.method != "GET":
                return Response(FORBIDDEN, 403, mimetype="text/plain")
            answer = redirect(request.path)
            answer.set_cookie(cookie, token, httponly=True, samesite="Strict")
            return answer  # type: ignore[return-value]
        credential = request.cookies.get(cookie) or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not tokens_equal(credential, token):
            return Response(FORBIDDEN, 403, mimetype="text/plain")
        if not only_reads(request.method, request.path):
            return Response("These pages are for reading.", 403, mimetype="text/plain")
        return None

    app.before_request_funcs.setdefault(None, []).insert(0, refusal)


def tokens_equal(candidate: str, token: str) -> bool:
    """Compare in a time that does not depend on the texts."""
    return hmac.compare_digest(candidate.encode(), token.encode())


def only_reads(method: str, path: str) -> bool:
    """Whether a request is one of those that show results."""
    if CLOSED.match(path):
        return False
    return method in ("GET", "HEAD") or (method == "POST" and SEARCHES.fullmatch(path) is not None)


def with_token(server: str, token: str) -> str:
    """The link that opens the pages."""
    return f"{server}/?{TOKEN_FIELD}={token}"


def report_address(server: str, report: Path) -> str:
    """The address of a report's page, ``<home>/reports/NAME/report.html``."""
    return f"{server}/reports/{report.parent.name}/{report.name}"
