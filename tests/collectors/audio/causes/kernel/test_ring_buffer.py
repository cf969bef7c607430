"""The pages of the kernel's ring buffer."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.audio.causes.kernel.ring_buffer import DamagedPageError, Found, events, lost, starts_ns

HEAD = 16


def page(*words: int, commit: int | None = None) -> bytes:
    """A page from 1,000 ns on with 32-bit words."""
    content = b"".join(struct.pack("=I", word) for word in words)
    return struct.pack("=QQ", 1_000, len(content) if commit is None else commit) + content.ljust(256, b"\0")


def word(type_: int, delta: int) -> int:
    return delta << 5 | type_


def test_short_events() -> None:
    short = page(word(2, 10), 7, 7, word(1, 5), 8)

    assert list(events(short, HEAD)) == [(1_010, 20, 8), (1_015, 32, 4)]
    assert starts_ns(short) == 1_000


def test_long_event_holds_its_length() -> None:
    assert list(events(page(word(0, 3), 12, 7, 7), HEAD)) == [(1_003, 24, 8)]


def test_time_extends() -> None:
    extended = page(word(30, 1), 2, word(1, 4), 7)

    assert list(events(extended, HEAD)) == [(1_000 + (2 << 27) + 1 + 4, 28, 4)]


def test_time_stamp_replaces_the_time() -> None:
    stamped = page(word(31, 9), 3, word(1, 4), 7)

    assert list(events(stamped, HEAD)) == [((3 << 27) + 9 + 4, 28, 4)]


def test_discarded_event_is_skipped() -> None:
    discarded = page(word(29, 6), 8, 7, word(1, 4), 7)

    assert list(events(discarded, HEAD)) == [(1_010, 32, 4)]


def test_padding_ends_the_page() -> None:
    assert list(events(page(word(1, 4), 7, word(29, 0), word(1, 4), 7), HEAD)) == [(1_004, 20, 4)]


@pytest.mark.parametrize(
    "damaged",
    [
        page(commit=4096),
        page(word(28, 0), 7),
        page(word(0, 0)),
        page(word(0, 0), 3),
        page(word(0, 0), 2**31),
        page(word(30, 0)),
    ],
)
def test_damage_is_noticed(damaged: bytes) -> None:
    with pytest.raises(DamagedPageError):
        list(events(damaged, HEAD))


def test_lost_events() -> None:
    assert lost(page(word(1, 4), 7), HEAD) == 0
    assert lost(page(word(1, 4), 7, commit=1 << 31 | 8), HEAD) == 1
    assert lost(page(word(1, 4), 7, 55, 0, commit=3 << 30 | 8), HEAD) == 55


@given(st.binary(min_size=24, max_size=256))
def test_any_page_ends(content: bytes) -> None:
    found: list[Found] = []
    with contextlib.suppress(DamagedPageError):
        found += events(content, HEAD)

    assert len(found) <= len(content) // 4
    assert all(offset + size <= len(content) for _, offset, size in found)
    assert lost(content, HEAD) >= 0
