"""The faster stack of these tests: it differs from the shipped one in durations only."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.support.monitoring import MONITORING, RULES
from tests.support.stack import hastened

ALERTMANAGER = MONITORING / "alertmanager/alertmanager.yml"
PROMETHEUS = MONITORING / "prometheus/prometheus.yml"


def values(document: Any, path: str = "") -> dict[str, Any]:  # noqa: ANN401 - any YAML
    """Return every scalar by its path."""
    if isinstance(document, dict):
        return {at: it for key, one in document.items() for at, it in values(one, f"{path}/{key}").items()}
    if isinstance(document, list):
        return {at: it for number, one in enumerate(document) for at, it in values(one, f"{path}/{number}").items()}
    return {path: document}


def changed(text: str) -> dict[str, tuple[Any, Any]]:
    old, new = (values(yaml.safe_load(it)) for it in (text, hastened(text, 10)))
    return {path: (it, new.get(path)) for path, it in old.items() if new.get(path) != it}


def test_routes_keep_everything_but_how_long_they_wait() -> None:
    keys = {path.rpartition("/")[2] for path in changed(ALERTMANAGER.read_text())}

    assert keys == {"group_wait", "group_interval", "repeat_interval"}


def test_prometheus_keeps_everything_but_how_often_it_asks() -> None:
    keys = {path.rpartition("/")[2] for path in changed(PROMETHEUS.read_text())}

    assert keys == {"scrape_interval", "evaluation_interval", "refresh_interval", "scrape_timeout"}


@pytest.mark.parametrize("file", RULES, ids=lambda path: path.stem)
def test_rules_keep_everything_but_durations(file: Any) -> None:  # noqa: ANN401 - a path
    changes = changed(file.read_text())

    assert {path.rpartition("/")[2] for path in changes} <= {"expr", "for", "interval", "keep_firing_for"}


def test_a_duration_is_divided() -> None:
    rule = "for: 2m\nexpr: rate(x[5m]) > 5 unless y offset 1w\ninterval: 10s\ndescription: for over 10 minutes"

    assert hastened(rule, 10) == (
        "for: 12000ms\nexpr: rate(x[30000ms]) > 5 unless y offset 60480000ms\ninterval: 1000ms\n"
        "description: for over 10 minutes"
    )
