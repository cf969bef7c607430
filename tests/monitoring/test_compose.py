"""The Compose file, checked without a Docker engine."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.support.monitoring import MONITORING

FILE = MONITORING / "compose.yml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


def test_it_follows_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@each_service
def test_a_service_is_pinned_bounded_watched_and_without_rights(service: dict[str, Any]) -> None:
    assert re.search(r":v?\d+\.\d+\.\d+[\w.-]*$", service["image"])
    assert service["mem_limit"]
    assert service["healthcheck"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"]
    assert service["restart"] == "unless-stopped"


@each_service
def test_nothing_is_published_but_where_the_settings_say(service: dict[str, Any]) -> None:
    """Only the gateway, which asks for certificates, is published to other machines."""
    listen = "${GATEWAY_LISTEN:-0.0.0.0}:" if service is SERVICES["gateway"] else "${LISTEN:-127.0.0.1}:"

    assert all(port.startswith(listen) for port in service.get("ports", []))


def test_every_way_of_starting_takes_pushes() -> None:
    receiver = "--web.enable-remote-write-receiver"

    assert receiver in SERVICES["prometheus"]["command"]
    assert receiver in (MONITORING / "lib/components.sh").read_text()


@each_service
def test_a_secret_is_a_file(service: dict[str, Any]) -> None:
    values = [value for name, value in service.get("environment", {}).items() if "PASSWORD" in name or "USER" in name]

    assert all(value.startswith("$$__file{/run/secrets/") for value in values)


def test_every_secret_that_alertmanager_reads_is_given_to_it() -> None:
    read = set(re.findall(r"\$\{SECRETS\}/([\w-]+)", (MONITORING / "alertmanager/alertmanager.yml").read_text()))

    assert set(SERVICES["alertmanager"]["secrets"]) == read
