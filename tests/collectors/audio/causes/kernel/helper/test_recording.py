"""Two instances in turn."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.audio.causes.kernel.helper import recording
from collectors.audio.causes.kernel.helper.protocol import EVENTS
from collectors.audio.causes.kernel.helper.recording import Recording
from tests.support.kernel_recorder import instances_of, switch_for


@pytest.fixture
def recorded(tracefs: Path) -> Iterator[Recording]:
    made = Recording(tracefs)
    yield made
    made.close()
    assert instances_of(os.getpid()) == []


def header(descriptor: int) -> dict[str, Any]:
    """Return the header of a memory file, and close it."""
    length = int.from_bytes(os.pread(descriptor, 4, 0), "little")
    found: dict[str, Any] = json.loads(os.pread(descriptor, length, 4))
    size = os.fstat(descriptor).st_size
    os.close(descriptor)
    assert size == 4 + length + found["page_bytes"] * sum(number for _, _, number in found["pages"])
    return found


def running() -> list[str]:
    return [(path / "tracing_on").read_text().strip() for path in instances_of(os.getpid())]


def test_instances_record_in_turn(recorded: Recording) -> None:
    seen = []
    for _ in range(4):
        seen.append(running())
        recorded.freeze()

    assert seen == [["1", "0"], ["0", "1"], ["1", "0"], ["0", "1"]]


def test_segments_follow_each_other_without_a_gap(recorded: Recording) -> None:
    for _ in range(3):
        time.sleep(0.05)
        recorded.freeze()
    segments = header(recorded.window(0, time.monotonic_ns()))["segments"]

    assert len(segments) == 4
    assert [one[0] for one in segments[1:]] == [one[1] for one in segments[:-1]]


def test_window_has_the_formats_of_all_events(recorded: Recording) -> None:
    found = header(recorded.window(0, time.monotonic_ns()))

    assert set(found["formats"]) == set(EVENTS)
    assert found["head_bytes"] == 16


def test_window_has_only_its_own_pages(recorded: Recording) -> None:
    switch_for(0.3)
    now_ns = time.monotonic_ns()
    whole = header(recorded.window(0, now_ns))
    part = header(recorded.window(now_ns - 20_000_000, now_ns))
    none = header(recorded.window(1, 2))

    assert sum(page[2] for page in part["pages"]) < sum(page[2] for page in whole["pages"])
    assert none["pages"] == none["segments"] == []


def test_old_segments_are_forgotten(recorded: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_KEPT_NS", 100_000_000)
    recorded.freeze()
    time.sleep(0.15)
    (segment,) = header(recorded.window(0, time.monotonic_ns()))["segments"]

    assert segment[0] < time.monotonic_ns() - 100_000_000


def test_pages_have_a_limit(recorded: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "_limit", 1)
    for _ in range(3):
        time.sleep(0.02)
        recorded.freeze()

    assert sum(page[2] for page in header(recorded.window(0, time.monotonic_ns()))["pages"]) <= 1


def test_time_after_a_freeze_is_kept_too(recorded: Recording) -> None:
    assert recorded.due_ns == 0
    frozen_ns = recorded.freeze()
    assert frozen_ns < recorded.due_ns <= frozen_ns + 2_000_000_000
    recorded.keep()
    assert recorded.due_ns == 0
    assert len(header(recorded.window(0, time.monotonic_ns()))["segments"]) == 3


def test_overwritten_time_is_known(tracefs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_CPU_KIB", 16)
    made = Recording(tracefs)
    try:
        switch_for(1)
        (segment,) = header(made.window(0, time.monotonic_ns()))["segments"]
    finally:
        made.close()

    assert segment[0] < segment[2] <= segment[1]


def page(at_ns: int) -> bytes:
    return struct.pack("=QQ", at_ns, 0)


def test_page_that_reaches_into_a_window_belongs_to_it() -> None:
    pages = [(0, page(10)), (0, page(20)), (0, page(30)), (1, page(5)), (1, page(40))]
    segment = recording.Segment(0, 50, 0, pages)
    within = recording._within  # noqa: SLF001 - the rule of the window

    assert list(within(segment, 20, 29)) == [(0, page(10)), (0, page(20)), (1, page(5))]
    assert list(within(segment, 45, 60)) == [(0, page(30)), (1, page(40))]
    assert list(within(segment, 0, 4)) == []
