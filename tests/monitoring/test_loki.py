"""Loki's configuration, compared with the limits of the agents."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.logs.pipeline import MAX_LABELS
from collectors.logs.stages.truncate import LOKI_MAX_LINE_BYTES

WEEK = "168h"


@pytest.fixture(scope="module")
def loki(config: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((config / "loki.yml").read_text())
    return found


def test_what_is_older_than_a_week_is_deleted(loki: dict[str, Any]) -> None:
    assert loki["limits_config"]["retention_period"] == WEEK
    assert loki["compactor"]["retention_enabled"] is True
    assert loki["compactor"]["delete_request_store"] == "filesystem"


def test_the_index_is_one_that_retention_can_work_on(loki: dict[str, Any]) -> None:
    schema = loki["schema_config"]["configs"][-1]

    assert (schema["store"], schema["object_store"], schema["index"]["period"]) == ("tsdb", "filesystem", "24h")


def test_it_takes_what_the_agents_send(loki: dict[str, Any]) -> None:
    limits = loki["limits_config"]

    assert limits["max_line_size"] == f"{LOKI_MAX_LINE_BYTES // 1024}KB"
    assert limits["max_label_names_per_series"] >= MAX_LABELS + 7  # those of the machine and of a container
    assert limits["allow_structured_metadata"] is True
    assert limits["reject_old_samples_max_age"] == WEEK
