"""The central stack's files, as in the tree and as start.sh prepares them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

MONITORING = Path(__file__).parents[2] / "monitoring"
RULES = sorted((MONITORING / "prometheus/rules").glob("*.yml"))

SETTINGS = {
    "GRAFANA_ADMIN_USER": "admin",
    "GRAFANA_ADMIN_PASSWORD": "grafana & password",
    "PAGERDUTY_SERVICE_KEY_CRITICAL": "c" * 32,
    "PAGERDUTY_SERVICE_KEY_HIGH": "b" * 32,
    "SLACK_WEBHOOK_URL": "http://127.0.0.1:9/services/T/B/x",
    "SMTP_PASSWORD": "smtp password",
    "SMTP_ADDRESS": "127.0.0.1:9",
    "SMTP_USERNAME": "alerts@wr.example",
    "SMTP_FROM": "alerts@wr.example",
    "TEAM_EMAIL_DOMAIN": "wr.example",
    "HEARTBEAT_EMAIL": "heartbeat@wr.example",
    "HOST_NAME": "central",
    "CLUSTER": "test",
    "ENVIRONMENT": "staging",
    "GRAFANA_URL": "https://grafana.wr.example",
    "RUNBOOKS_URL": "https://git.wr.example/monitoring",
}
"""All settings that the stack needs."""


class Rule(NamedTuple):
    """One rule of one file, as written."""

    file: Path
    group: str
    text: dict[str, Any]


def rules() -> Iterator[Rule]:
    """Yield all rules, of alerts and of recordings."""
    for file in RULES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            for text in group["rules"]:
                yield Rule(file, group["name"], text)


def environment(data: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which start.sh sees only these settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"ENV_FILE": os.devnull, "DATA": str(data)} | dict(settings)


def start_sh(*arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run start.sh to its end."""
    command = [str(MONITORING / "start.sh"), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def rendered(data: Path, settings: Mapping[str, str] | None = None) -> Path:
    """Return the folder with the configuration that start.sh made of these settings and checked."""
    done = start_sh("--processes", "--check", env=environment(data, SETTINGS | dict(settings or {})))
    assert done.returncode == 0, done.stderr
    return data / "config"
