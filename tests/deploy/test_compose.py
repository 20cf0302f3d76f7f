"""The files in ``deploy``: of one version with the harness, closed to other machines, and without a secret."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.compose import FOLDER, VARIABLE, command, compose, filled, variables

ROOT = FOLDER.parent
SECRETS = {
    line.partition("=")[0]
    for line in (FOLDER / ".env.example").read_text().splitlines()
    if line.endswith("=") and not line.startswith("#")
}
SERVICES = compose()["services"]
ENVIRONMENT = dict.fromkeys(SECRETS, "given")


def pinned(package: str) -> str:
    match = re.search(rf"^{package}==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert match is not None
    return match[1]


def test_mlflow_is_the_version_that_the_harness_is_tested_with() -> None:
    assert SERVICES["mlflow"]["build"]["args"]["MLFLOW"] == pinned("mlflow")
    assert SERVICES["mlflow"]["image"] == f"harness-mlflow:{pinned('mlflow')}"
    installed = (FOLDER / "Dockerfile").read_text()
    assert '"mlflow[auth]==${MLFLOW}"' in installed
    assert "-c /tmp/constraints.txt" in installed
    assert pinned("psycopg")


@pytest.mark.parametrize("image", [SERVICES["database"]["image"], (FOLDER / "Dockerfile").read_text().split()[1]])
def test_images_are_named_by_version(image: str) -> None:
    assert re.fullmatch(r"postgres:\d+\.\d+-[a-z]+|python:\d+\.\d+\.\d+-[a-z-]+", image)


@pytest.mark.parametrize("service", list(SERVICES))
def test_nothing_is_open_to_other_machines_unless_told(service: str) -> None:
    ports = SERVICES[service]["ports"]
    assert ports
    assert all(filled(port, {}).startswith("127.0.0.1:") for port in ports)
    assert all(filled(port, {"PUBLISH": "10.0.0.7"}).startswith("10.0.0.7:") for port in ports)
    assert not {"network_mode", "privileged", "env_file"} & set(SERVICES[service])


def test_the_server_answers_to_exact_names_only() -> None:
    words = command("mlflow", ENVIRONMENT)
    (hosts,) = (word.partition("=")[2] for word in words if word.startswith("--allowed-hosts="))
    (origins,) = (word.partition("=")[2] for word in words if word.startswith("--cors-allowed-origins="))
    assert hosts.split(",") == ["localhost:5000", "127.0.0.1:5000"]
    assert "*" not in hosts + origins
    assert "--app-name=basic-auth" in words


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_without_a_secret_nothing_starts(name: str) -> None:
    assert re.search(rf"\$\{{{name}:\?", (FOLDER / "compose.yaml").read_text())
    with pytest.raises(LookupError, match=name):
        for service in SERVICES:
            variables(service, ENVIRONMENT | {name: ""})


def test_no_secret_is_in_a_file() -> None:
    text = (FOLDER / "compose.yaml").read_text()
    for line in text.splitlines():
        if re.search(r"(PASSWORD|SECRET|KEY)\w*:", line):
            assert VARIABLE.search(line), line
    assert not re.search(r"://[^/\s]*:[^/\s]*@", text)
    settings = configparser.ConfigParser()
    settings.read(FOLDER / "basic_auth.ini")
    assert "admin_password" not in settings["mlflow"]
    assert "@" not in settings["mlflow"]["database_uri"]
    assert ".env" in (FOLDER.parent / ".gitignore").read_text().split()
    assert len(SECRETS) == 5


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_scripts_have_no_faults_of_syntax() -> None:
    for path in FOLDER.glob("*.sh"):
        assert subprocess.run(["bash", "-n", path], capture_output=True, text=True).stderr == ""


def test_files_that_are_mounted_are_there() -> None:
    mounted = [volume.split(":")[0] for each in SERVICES.values() for volume in each["volumes"]]
    named = set(compose()["volumes"])
    assert all(Path(FOLDER / volume).is_file() for volume in mounted if volume not in named)
    assert named <= set(mounted)
