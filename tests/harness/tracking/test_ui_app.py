"""The pages are for reading, and for whoever has the link: nobody else gets, writes or deletes anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from harness.tracking.store import Store
from harness.tracking.ui_app import FORBIDDEN, guard, only_reads
from tests.harness.tracking.test_ui_server import shown

TOKEN, HOST = "the-token", "127.0.0.1:5055"
NOBODY = 65534
API = "/ajax-api/2.0/mlflow"
READING = [("GET", f"{API}/runs/get"), ("HEAD", "/"), ("GET", "/get-artifact"), ("POST", "/graphql")]
READING += [("GET", "/reports/jobs/report.html")]  # a report of any name
READING += [("POST", f"{API}/{kind}/search") for kind in ("runs", "experiments", "logged-models")]
WRITING = [
    *(("POST", f"{API}/{what}") for what in ("experiments/create", "experiments/delete", "experiments/restore")),
    *(("POST", f"{API}/experiments/{what}") for what in ("update", "set-experiment-tag", "delete-experiment-tag")),
    *(("POST", f"{API}/runs/{what}") for what in ("create", "delete", "restore", "update", "log-metric", "set-tag")),
    *(("POST", f"{API}/runs/{what}") for what in ("log-batch", "log-model", "log-inputs", "outputs", "delete-tag")),
    *(("POST", f"{API}/{what}") for what in ("upload-artifact?path=authorized_keys", "registered-models/create")),
    *(("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{name}") for name in ("a", "../a", "%2e%2e/a")),
    *(("DELETE", f"/api/2.0/mlflow-artifacts/artifacts/{name}") for name in ("a", "../a")),
    ("PATCH", f"{API}/registered-models/update"),
    ("DELETE", f"{API}/registered-models/delete"),
    ("POST", "/api/2.0/mlflow/experiments/create"),
    ("POST", "//ajax-api/2.0/mlflow/experiments/create"),
    ("POST", f"{API}/experiments/search/../create"),
    ("OPTIONS", f"{API}/experiments/create"),
    ("GET", f"{API}/gateway-proxy?gateway_path=x"),
    ("POST", "/ajax-api/3.0/mlflow/traces"),
]


@pytest.fixture
def browser() -> Iterator[FlaskClient]:
    """Of an application that answers everything."""
    app = Flask(__name__)
    guard(app, TOKEN, frozenset({HOST}))
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app.add_url_rule("/", "root", lambda: "seen", methods=methods)
    app.add_url_rule("/<path:name>", "any", lambda name: "seen", methods=methods)
    with app.test_client() as client:
        yield client


def test_the_link_opens_the_pages_and_its_cookie_keeps_them_open(browser: FlaskClient) -> None:
    base = f"http://{HOST}"
    assert browser.get("/", base_url=base).status_code == 403
    opened = browser.get(f"/?token={TOKEN}", base_url=base)
    assert (opened.status_code, opened.headers["Location"]) == (302, "/")  # the token is in no history
    cookie = opened.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert browser.get("/", base_url=base).get_data(as_text=True) == "seen"
    assert browser.get("/", base_url="http://127.0.0.1:1").status_code == 403  # another port is another host


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=the-toke", "?token=the-token2", "?token=é"])
def test_no_other_token_does(browser: FlaskClient, query: str) -> None:
    answered = browser.get(f"/{query}", base_url=f"http://{HOST}")
    assert (answered.status_code, answered.get_data(as_text=True)) == (403, FORBIDDEN)


@pytest.mark.parametrize(
    "host", ["10.evil.example", "127.0.0.1", "127.0.0.1:50555", "localhost.evil.example:5055", "evil.example:5055"]
)
def test_a_name_that_is_not_the_servers_gets_nothing(browser: FlaskClient, host: str) -> None:
    """A page elsewhere whose name was made to lead here."""
    assert browser.get("/health", base_url=f"http://{host}").status_code == 403
    assert browser.get(f"/?token={TOKEN}", base_url=f"http://{host}").status_code == 403


@pytest.mark.parametrize(("method", "path"), READING)
def test_reading_is_let_through(browser: FlaskClient, method: str, path: str) -> None:
    assert only_reads(method, path)
    words = {"Authorization": f"Bearer {TOKEN}"}
    assert browser.open(path, method=method, base_url=f"http://{HOST}", headers=words).status_code == 200


@pytest.mark.parametrize(("method", "path"), WRITING)
def test_nothing_else_is(browser: FlaskClient, method: str, path: str) -> None:
    words = {"Authorization": f"Bearer {TOKEN}"}
    assert browser.open(path, method=method, base_url=f"http://{HOST}", headers=words).status_code in (403, 404)
    assert not only_reads(method, path.partition("?")[0])


REQUESTS = """
import json, sys, urllib.error, urllib.request
statuses = []
for method, path in json.load(sys.stdin):
    request = urllib.request.Request(sys.argv[1] + path, method=method, data=b"{}" if method == "POST" else None)
    request.add_header("Content-Type", "application/json")
    try:
        statuses.append(urllib.request.urlopen(request).status)
    except urllib.error.HTTPError as error:
        statuses.append(error.code)
print(json.dumps(statuses))
"""


def test_another_user_of_this_machine_gets_nothing(tmp_path: Path) -> None:
    """MLflow's pages as they are served, asked by a user who has no link; as another uid where this one may."""
    Store(tmp_path / "home").client.create_experiment("paper/table1")
    (tmp_path / "home" / "reports" / "demo").mkdir(parents=True)
    (tmp_path / "home" / "reports" / "demo" / "report.html").write_text("mine")
    (tmp_path / "home" / "reports" / "demo" / "out").symlink_to("/etc")
    seen = [("GET", path) for path in ("/", "/version", "/reports/demo/report.html", "/get-artifact?path=a&run_uuid=b")]
    requests = [*READING, *WRITING, *seen]
    assert len(requests) >= 40
    with shown(tmp_path / "home", HOME=str(tmp_path), TMPDIR=str(tmp_path)) as process:
        assert process.stdout is not None
        link = process.stdout.readline().split()[2]
        server, _, token = link.partition("/?token=")
        other = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
        words = [sys.executable, "-Ic", REQUESTS, server]
        if other:
            words[0] = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else words[0]
        result = subprocess.run(
            words, input=json.dumps(requests), capture_output=True, text=True, cwd="/", check=True, **other
        )
        assert json.loads(result.stdout) == [403] * len(requests)
        if other:
            environ = subprocess.run(
                ["/bin/cat", f"/proc/{process.pid}/environ"], capture_output=True, check=False, **other
            )
            assert environ.returncode != 0
        assert token not in Path(f"/proc/{process.pid}/cmdline").read_text()
        mine = [
            ("GET", f"/reports/demo/report.html?token={token}"),
            ("GET", f"/reports/demo/out/hostname?token={token}"),
        ]
        opener = subprocess.run(
            [sys.executable, "-c", OPENED, server], input=json.dumps(mine), capture_output=True, text=True, check=True
        )
        assert json.loads(opener.stdout) == [200, 404]
    assert "authorized_keys" not in {path.name for path in tmp_path.rglob("*")}


OPENED = REQUESTS.replace(
    "statuses = []",
    "statuses = []\nimport urllib.request as r\nr.install_opener(r.build_opener(r.HTTPCookieProcessor()))",
)
