"""The container's files: that they name what there is, and that each step leads to the next one. (No test builds an image.)"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from homes import REPOSITORY

from orchestration.cli import main

DEPLOY = REPOSITORY / "deploy"


def instructions() -> list[tuple[str, str]]:
    """Name and text of each instruction of the Dockerfile."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def test_what_the_image_is_made_of_is_there() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().split()
    copied = [rest.split()[:-1] for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    for source in [one for sources in copied for one in sources]:
        assert (REPOSITORY / source).exists(), source
        assert not any(fnmatch(source, pattern) for pattern in ignored), source
    # The build runs without the network but for the lock: whatever builds the wheel is in it, with its hash.
    backend = re.search(r'requires = \["(\w+)"\]', (REPOSITORY / "pyproject.toml").read_text())
    assert backend
    assert re.search(rf"^{backend[1]}==\S+ \\$", (REPOSITORY / "requirements.lock").read_text(), re.MULTILINE)
    runs = " ".join(rest for name, rest in instructions() if name == "RUN")
    assert "--require-hashes -r requirements.lock" in runs


def test_the_image_starts_a_command_as_a_user_of_its_own() -> None:
    instruction = dict(instructions())
    assert json.loads(instruction["ENTRYPOINT"]) == ["cxhouse"]
    assert json.loads(instruction["CMD"])[0] in main.commands
    assert f"--uid {instruction['USER']} " in " ".join(rest for name, rest in instructions() if name == "RUN")
    assert instruction["WORKDIR"] == "/data"


def test_the_services_fit_each_other_and_the_image() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    services = compose["services"]
    assert (DEPLOY / services["cxhouse"]["build"]["context"] / services["cxhouse"]["build"]["dockerfile"]).exists()
    mounted = {volume.split(":")[1] for volume in services["cxhouse"]["volumes"]}
    environment = dict(part.split("=", 1) for name, rest in instructions() if name == "ENV" for part in rest.split())
    assert mounted >= {environment["CXHOUSE_CONFIG"], environment["CXHOUSE_EXPORTS"], "/data"}
    assert environment["CXHOUSE_HOME"].startswith("/data/")
    for name in ("cxhouse", "dashboard"):
        assert services[name]["init"], "process 1 would ignore the signal to stop while it starts"
        main.make_context("cxhouse", services[name]["command"][:1], resilient_parsing=True)
        command = main.commands[services[name]["command"][0]]
        command.make_context(command.name, services[name]["command"][1:], resilient_parsing=True)
        (port,) = services[name]["ports"]
        default = next(option.default for option in command.params if option.name == "port")
        assert port == f"127.0.0.1:{default}:{default}"
    database = urlsplit(services["cxhouse"]["environment"]["CXHOUSE_DAGSTER_DATABASE"])
    assert database.hostname in services
    assert database.username == services["postgres"]["environment"]["POSTGRES_USER"]
    assert f"create database {database.path[1:]};" in (DEPLOY / "databases.sql").read_text()
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert services[other]["healthcheck"]["test"][0] == "CMD"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), "nothing is open to other machines"
        for volume in service["volumes"]:
            name = volume.split(":")[0]
            assert name.startswith("./") or name in compose["volumes"]
            assert not name.endswith(".sql") or (DEPLOY / name).exists()
        assert "PASSWORD" not in json.dumps(service.get("environment", {})), "passwords stay in secrets.env"


def test_compose_takes_the_services(tmp_path: Path) -> None:
    """Its own program reads the file, where it is installed."""
    known = (["docker-compose"], ["docker", "compose"])  # docker has compose as a plugin, or has it not
    command = next((command for command in known if shutil.which(command[0]) and _succeeds([*command, "version"])), None)
    if command is None:
        pytest.skip("docker-compose is not installed")
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    (tmp_path / "deploy" / "secrets.env").write_text("PGPASSWORD=x\nPOSTGRES_PASSWORD=x\n")
    done = subprocess.run(
        [*command, "-f", tmp_path / "deploy" / "compose.yml", "config"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == {"cxhouse", "dashboard", "postgres"}


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
