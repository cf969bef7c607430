"""The layout of an event."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from collectors.audio.causes.kernel.event_format import EventFormat
from collectors.audio.causes.kernel.helper.protocol import EVENTS

TEXT = """name: softirq_entry
ID: 223
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:char comm[16];	offset:8;	size:16;	signed:0;
	field:long state;	offset:24;	size:8;	signed:1;
	field:__data_loc char[] name;	offset:32;	size:4;	signed:0;
	field:unsigned int vec;	offset:36;	size:4;	signed:0;

print fmt: "vec=%u [action=%s]", REC->vec, __print_symbolic(REC->vec, { 0, "HI" }, { 0x3, "NET_RX" })
"""

EVENT = struct.pack("=HxxI16sqII", 223, 42, b"jackd", -5, 0x60028, 3)


def test_fields_are_read_at_their_offsets() -> None:
    read, size = EventFormat(TEXT).reader("common_pid", "comm", "state", "name", "vec")

    assert read(b"...." + EVENT, 4) == (42, b"jackd".ljust(16, b"\0"), -5, 0x60028, 3)
    assert size == len(EVENT)


def test_fields_come_in_the_order_that_is_asked_for() -> None:
    read, size = EventFormat(TEXT).reader("state", "common_pid")

    assert read(EVENT, 0) == (-5, 42)
    assert size == 32


def test_number_and_symbols() -> None:
    layout = EventFormat(TEXT)

    assert layout.number == 223
    assert layout.symbols == {0: "HI", 3: "NET_RX"}


@pytest.mark.parametrize("text", ["", "no format", TEXT.replace("ID: 223", "ID: x")])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has no ID"):
        EventFormat(text)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ValueError, match="event 223 has no field prio"):
        EventFormat(TEXT).reader("vec", "prio")


def test_overlapping_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        EventFormat(TEXT.replace("offset:8;", "offset:6;")).reader("common_pid", "comm")


def test_this_kernel_has_every_event(tracefs: Path) -> None:
    numbers = {EventFormat((tracefs / "events" / event / "format").read_text()).number for event in EVENTS}

    assert len(numbers) == len(EVENTS)
