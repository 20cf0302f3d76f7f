"""What must not be read off a screen or a log: hidden; all else stays as it is."""

from __future__ import annotations

import doctest
import string
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harness.console import redact
from harness.console.redact import VARIABLES, redact_secrets

VISIBLE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1)
NAMES = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=10)
SCHEMES = st.sampled_from(["http", "HTTPS", "postgresql+psycopg2", "mysql+pymysql", "s3", "mssql+pyodbc", "1x"])


@pytest.fixture(autouse=True)
def without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("http://ann:secret@host:5000/path", "http://ann:***@host:5000/path"),
        ("HTTPS://Ann:Secret@HOST", "HTTPS://Ann:***@HOST"),
        ("postgresql+psycopg2://ann:s%40cr%3Aet@host/db", "postgresql+psycopg2://ann:***@host/db"),
        ("postgresql://ann:p@ss:w/rd?#@host:5432/db", "postgresql://ann:***@host:5432/db"),
        ("redis://:secret@host", "redis://:***@host"),
        ("http://ann@example.org:secret@host", "http://***:***@host"),
        ("https://ghp_token@host/path", "https://***@host/path"),
        ("https://ghp_token:@host/path", "https://***:***@host/path"),
        ("https://ghp_token@host:5000/a@b", "https://***:***@b"),
        ("https://h/p?Password=a&x=1&access_token=b#c", "https://h/p?Password=***&x=1&access_token=***"),
        ("s3://b/p?X-Amz-Signature=a&AWSAccessKey=b&sig=c", "s3://b/p?X-Amz-Signature=***&AWSAccessKey=***&sig=***"),
        ("mssql+pyodbc:///?odbc_connect=UID%3Dann%3BPWD%3Da;", "mssql+pyodbc:///?odbc_connect=UID%3Dann%3BPWD%3D***"),
        ("a http://u:p@g, b 'ftp://v:q@h' (s3://tok@i)", "a http://u:***@g, b 'ftp://v:***@h' (s3://***@i)"),
        ("http://u:p@g\nhttp://v:q@h", "http://u:***@g\nhttp://v:***@h"),
        ("sqlite:////a;postgresql://u:p@h", "sqlite:////a;postgresql://u:***@h"),
    ],
)
def test_secrets_in_uris_are_hidden(text: str, redacted: str) -> None:
    assert redact_secrets(text) == redacted
    assert redact_secrets(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////home/ann/runs/mlflow.db",
        "sqlite:///runs/a:b@c/mlflow.db",
        "file:///home/ann@work/a:b@c",
        "http://127.0.0.1:5000",
        "http://127.0.0.1:5000/#/experiments/1?searchFilter=a&design=b",
        "https://example.org/@ann/page",
        "databricks://profile",
        r"C:\Users\ann@work\a:b@c",
        "C://Users/ann:b@c",
        "/home/ann:b@c/token=1",
        "s3://bucket/key=5/part",
        "ann@example.org: password=1",
        "10:30 @ noon",
    ],
)
def test_paths_and_plain_addresses_stay(text: str) -> None:
    assert redact_secrets(text) == text


@pytest.mark.parametrize("variable", VARIABLES)
def test_credentials_of_the_environment_are_hidden_wherever_they_stand(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "pa ss@/w")
    assert redact_secrets("401: 'pa ss@/w' at http://h/pa%20ss%40%2Fw") == "401: '***' at http://h/***"
    monkeypatch.setenv(variable, "")
    assert redact_secrets("401: nothing") == "401: nothing"


def test_of_two_credentials_the_longer_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES[0], "abc")
    monkeypatch.setenv(VARIABLES[1], "abcdef")
    assert redact_secrets("abcdef abc") == "*** ***"


@given(SCHEMES, NAMES | st.just(""), VISIBLE, NAMES, st.text(), st.text())
@example("http", "ann", "1/2", "host", "", "")
@example("http", "ann", "http://b:c@d", "host", "", "")
def test_no_password_survives(scheme: str, user: str, password: str, host: str, before: str, after: str) -> None:
    for written in (password, quote(password, safe="")):
        rest = f"{before}{scheme}://{user}:***@{host} {after}"
        assume(written not in rest and "://" not in before)
        redacted = redact_secrets(f"{before}{scheme}://{user}:{written}@{host} {after}")
        assert written not in redacted
        assert redacted.startswith(f"{before}{scheme}://{user}:***@")


@given(SCHEMES, NAMES, NAMES)
def test_no_token_survives(scheme: str, token: str, host: str) -> None:
    assert redact_secrets(f"{scheme}://{token}@{host}/a") == f"{scheme}://***@{host}/a"


@given(st.text().filter(lambda text: "://" not in text))
@example("user:password@host")
def test_a_text_without_a_uri_stays(text: str) -> None:
    assert redact_secrets(text) == text


def test_a_long_text_is_read_at_once() -> None:
    text = "a" * 200_000 + "://" + "b:" * 100_000
    assert redact_secrets(text) == text


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(redact).attempted == 1
    assert doctest.testmod(redact).failed == 0
