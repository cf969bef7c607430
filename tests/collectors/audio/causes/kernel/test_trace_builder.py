"""Events of made-up pages, for what a real kernel shows only rarely."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from collectors.audio.causes.evidence import Trace
from collectors.audio.causes.kernel.event_format import EventFormat
from collectors.audio.causes.kernel.helper.protocol import EVENTS
from collectors.audio.causes.kernel.trace_builder import TraceBuilder

HEAD = 16
SWITCH = "sched/sched_switch"


@pytest.fixture(scope="module")
def formats(tracefs: Path) -> dict[str, str]:
    return {event: (tracefs / "events" / event / "format").read_text() for event in EVENTS}


class Page:
    """A page that is written event by event.

    Args:
        formats: The kernel's formats.
    """

    def __init__(self, formats: dict[str, str]) -> None:
        self._formats = formats
        self._content = b""
        self._last_ns = 0

    def switch(
        self, at_ns: int, left: tuple[int, int], came: tuple[int, int], state: int = 1, current: int = -1
    ) -> None:
        """Add a switch between two threads of a number and a kernel priority."""
        number = EventFormat(self._formats[SWITCH]).number
        names = (b"left".ljust(16, b"\0"), b"came".ljust(16, b"\0"))
        common = struct.pack("=HBBi", number, 0, 0, left[0] if current < 0 else current)
        self._add(at_ns, common + struct.pack("=16siiq16sii", names[0], *left, state, names[1], *came))

    def _add(self, at_ns: int, fields: bytes) -> None:
        self._content += struct.pack("=I", (at_ns - self._last_ns) << 5 | len(fields) // 4) + fields
        self._last_ns = at_ns

    def trace(self, start_ns: int, end_ns: int) -> Trace:
        """Return the trace of a window."""
        builder = TraceBuilder(self._formats, HEAD, start_ns, end_ns)
        content = struct.pack("=QQ", 0, len(self._content)) + self._content
        builder.add(0, content.ljust(4096, b"\0"), 0, 10**9)
        return builder.build(lambda _: 0)


def test_hog_that_raises_its_own_priority_is_seen(formats: dict[str, str]) -> None:
    page = Page(formats)
    page.switch(100, (0, 120), (7, 120))
    page.switch(200, (7, 19), (8, 120))
    trace = page.trace(50, 300)

    assert trace.switches == ((50, 0, -1, "?", 0, 0), (100, 0, 0, "S", 7, 80), (200, 0, 7, "S", 8, 0))
    assert trace.names[7] == (7, "left", 80)


def test_hog_that_raised_its_priority_and_runs_beyond_the_window_is_seen(formats: dict[str, str]) -> None:
    page = Page(formats)
    page.switch(100, (0, 120), (7, 120))
    page.switch(900, (7, 19), (8, 120))

    assert page.trace(50, 300).switches[-1] == (100, 0, 0, "S", 7, 80)


def test_thread_that_runs_through_the_whole_window_is_seen(formats: dict[str, str]) -> None:
    before, after = Page(formats), Page(formats)
    before.switch(10, (0, 120), (7, 19))
    after.switch(900, (7, 19), (8, 120))

    for page in (before, after):
        trace = page.trace(50, 300)
        assert trace.switches == ((50, 0, -1, "?", 7, 80),)
        assert trace.names[7][1:] in {("came", 80), ("left", 80)}


def test_deadline_precedes_real_time(formats: dict[str, str]) -> None:
    page = Page(formats)
    page.switch(100, (0, 120), (7, -1))
    page.switch(200, (7, -1), (8, 99))

    assert [switch[5] for switch in page.trace(50, 300).switches] == [0, 100, 0]


@pytest.mark.parametrize(
    ("state", "letter"),
    [
        (0, "R"),
        (1, "S"),
        (2, "D"),
        (0x102, "D"),
        (4, "T"),
        (8, "t"),
        (0x10, "X"),
        (0x20, "Z"),
        (0x40, "P"),
        (0x80, "I"),
        (0x100, "R"),
    ],
)
def test_state_letters_are_the_kernels(formats: dict[str, str], state: int, letter: str) -> None:
    page = Page(formats)
    page.switch(100, (7, 120), (0, 120), state)

    assert page.trace(50, 300).switches[-1][3] == letter


def test_switch_that_is_missing_is_noted_at_the_next_event(formats: dict[str, str]) -> None:
    page = Page(formats)
    page.switch(100, (0, 120), (7, 120))
    page.switch(200, (8, 120), (9, 120))

    assert page.trace(50, 300).switches == (
        (50, 0, -1, "?", 0, 0),
        (100, 0, 0, "S", 7, 0),
        (200, 0, 7, "?", 8, 0),
        (200, 0, 8, "S", 9, 0),
    )
