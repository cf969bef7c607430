from __future__ import annotations

import time
from pathlib import Path

import pytest

from collectors.host.time import families
from tests.collectors.host.support import Tree, samples_of

SOURCES = "sys/devices/system/clocksource"


def test_the_clock_is_now(tmp_path: Path) -> None:
    before = time.time()

    (now,) = samples_of(families(tmp_path), "node_time_seconds").values()

    assert before <= now <= time.time()


def test_the_zone_is_the_one_that_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "STUDIO-05:30")
    time.tzset()
    try:
        found = families(tmp_path)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert samples_of(found, "node_time_zone_offset_seconds") == {("STUDIO",): 19800}


def test_clock_sources_are_listed_by_device(tree: Tree) -> None:
    root = tree(
        {
            f"{SOURCES}/clocksource0/available_clocksource": "kvm-clock tsc \n",
            f"{SOURCES}/clocksource0/current_clocksource": "tsc\n",
        }
    )

    found = families(root)

    assert samples_of(found, "node_time_clocksource_available_info") == {("0", "kvm-clock"): 1, ("0", "tsc"): 1}
    assert samples_of(found, "node_time_clocksource_current_info") == {("0", "tsc"): 1}
