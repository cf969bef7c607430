"""Starts a real Alertmanager with the shipped configuration, whose waits are shortened, and tells it of alerts."""

from __future__ import annotations

import contextlib
import json
import re
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.exporters import page, process
from tests.support.monitoring import SETTINGS, rendered, rules
from tests.support.prometheus import free_port
from tests.support.waiting import PATIENCE, eventually

_SITE = {"cluster": SETTINGS["CLUSTER"], "environment": SETTINGS["ENVIRONMENT"]}
_RULES = {rule.text["alert"]: rule.text for rule in reversed([*rules()]) if "alert" in rule.text}
"""The first rule of each alert."""


def alert(name: str, **labels: str) -> dict[str, Any]:
    """Return an alert as Prometheus sends it, with the labels of its rule and of its site."""
    rule = _RULES[name]
    links = {key: re.sub(r"\{\{.*?\}\}", "x", rule["annotations"][key]) for key in ("dashboard", "runbook")}
    return {
        "labels": {"alertname": name, **rule["labels"], **_SITE, **labels},
        "annotations": {"summary": f"{name} of {labels}.", "description": "What it is.", **links},
    }


class Alertmanager:
    """A running Alertmanager."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fire(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Say that these are firing."""
        self._post([*alerts], ends=timedelta(hours=1))

    def resolve(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Say that these are over."""
        self._post([*alerts], ends=timedelta(seconds=-1))

    def inhibited(self) -> dict[str, list[dict[str, str]]]:
        """Return the labels of the alerts it knows: under `yes` those that another one hides, under `no` the others."""
        found: dict[str, list[dict[str, str]]] = {"yes": [], "no": []}
        for known in json.loads(page(f"{self.url}/api/v2/alerts") or "[]"):
            found["yes" if known["status"]["inhibitedBy"] else "no"].append(known["labels"])
        return found

    def _post(self, alerts: list[dict[str, Any]], ends: timedelta) -> None:
        now = datetime.now(UTC)
        times = {"startsAt": (now - timedelta(minutes=1)).isoformat(), "endsAt": (now + ends).isoformat()}
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts",
            data=json.dumps([it | times for it in alerts]).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass


@contextlib.contextmanager
def alertmanager(folder: Path, settings: Mapping[str, str], *, muted: bool) -> Iterator[Alertmanager]:
    """Yield an Alertmanager that is ready, and end it afterwards.

    Args:
        folder: For its files.
        settings: In addition to those of every stack.
        muted: Always night if true, never if false.
    """
    config = rendered(folder / "data", settings) / "alertmanager.yml"
    text = re.sub(r"group_(wait|interval): \d+[sm]", r"group_\1: 1s", config.read_text())
    text = re.sub(r"- \{start_time.*\}", '- {start_time: "00:00", end_time: "24:00"}', text)
    config.write_text(text if muted else re.sub(r"(location: .*)", r"\1\n        years: ['1999']", text))
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        "prometheus-alertmanager",
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    with process(command, folder):
        eventually(lambda: page(f"{url}/-/ready"), "Alertmanager is ready")
        yield Alertmanager(url)
