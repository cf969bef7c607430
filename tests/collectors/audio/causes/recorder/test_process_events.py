"""The kernel's reports of processes."""

from __future__ import annotations

import struct
import subprocess
import threading
import time

import pytest

from collectors.audio.causes.recorder.process_events import ProcessEvent, ProcessEvents, parse_event
from tests.support.waiting import eventually


def message(what: int, data: bytes, at_ns: int = 123) -> bytes:
    return bytes(16 + 20) + struct.pack("=IIQ", what, 1, at_ns) + data.ljust(24, b"\0")


@pytest.mark.parametrize(
    ("content", "event"),
    [
        (message(0x2, struct.pack("=II", 8, 7)), ProcessEvent(123, "started", 7)),
        (message(0x80000000, struct.pack("=IIII", 7, 7, 9, 17)), ProcessEvent(123, "ended", 7, 9, 0)),
        (message(0x80000000, struct.pack("=IIII", 7, 7, 3 << 8, 17)), ProcessEvent(123, "ended", 7, 0, 3)),
        (message(0x80000000, struct.pack("=IIII", 8, 7, 0, 17)), None),
        (message(0x1, struct.pack("=IIII", 3, 3, 7, 7)), ProcessEvent(123, "started", 7)),
        (message(0x1, struct.pack("=IIII", 3, 3, 8, 7)), None),
        (message(0x4, struct.pack("=IIII", 7, 7, 0, 0)), None),
        (b"short", None),
    ],
)
def test_reports_are_parsed(content: bytes, event: ProcessEvent | None) -> None:
    assert parse_event(content) == event


def test_real_processes_are_reported_and_threads_are_not() -> None:
    events = ProcessEvents()
    if events.failure:  # an older kernel, or a container: said in every event
        assert events.read() == []
        return
    began_ns = time.monotonic_ns()
    found: list[ProcessEvent] = []
    with subprocess.Popen(["sleep", "60"]) as process:
        threading.Thread(target=time.sleep, args=(0,)).start()
        process.kill()

    def is_complete() -> bool:
        found.extend(event for event in events.read() if event.pid == process.pid)
        return [event.kind for event in found] == ["started", "started", "ended"]

    assert eventually(is_complete, "all reports")
    assert found[2].signal == 9
    assert began_ns <= found[0].at_ns <= found[2].at_ns <= time.monotonic_ns()
    events.close()
