"""The kernel's events of the last seconds, in two instances that record in turn."""

from __future__ import annotations

import json
import os
import struct
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from fcntl import F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, fcntl
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from collectors.audio.causes.kernel.helper.instance import Instance
from collectors.audio.causes.kernel.helper.protocol import EVENTS, VERSION

_KEPT_NS = 10_000_000_000
"""The time for which events are kept."""

_AFTER_NS = 1_000_000_000
"""The time after a freeze whose events are kept too: a dropout may go on, and the agent may ask for it late."""

_CPU_KIB = 2048
"""The ring buffer of a processor: 5 s of a storm."""

_INSTANCE_KIB = 16 * 1024
"""The limit of the ring buffers of an instance: a machine with more than eight processors has smaller ones."""

_BATCH = 512
"""Pages in one call of the kernel, which takes 1024 at most."""

_PAGE_HEAD = struct.Struct("=Q")
"""The start of a page: the time of its first event."""


class Segment(NamedTuple):
    """An uninterrupted record.

    Attributes:
        start_ns: Its start.
        end_ns: Its end.
        complete_ns: The time from which no processor's events were overwritten.
        pages: Processor and content of each page, by processor and in order of time.
    """

    start_ns: int
    end_ns: int
    complete_ns: int
    pages: list[tuple[int, bytes]]


class Recording:
    """Two instances, of which one records, and the pages of the last seconds.

    An instance is only read while the other one records. Nothing is missed: the next one starts before the first stops,
    and each event counts for the segment that its time lies in.

    Args:
        root: The root of tracefs.

    Attributes:
        due_ns: The time at which to `keep` what happened after a freeze; 0 if that is done.

    Raises:
        OSError: The kernel refused.
    """

    def __init__(self, root: Path) -> None:
        self.due_ns = 0
        self._head_bytes, self._page_bytes = _page_layout((root / "events/header_page").read_text())
        self._formats = dict(_formats(root))
        size = max(min(_CPU_KIB, _INSTANCE_KIB // (os.cpu_count() or 1)), 2 * self._page_bytes // 1024)
        self._limit = 2 * _INSTANCE_KIB * 1024 // self._page_bytes
        self._segments: deque[Segment] = deque()
        self._frozen: tuple[int, int] | None = None
        self._recording = Instance(root, EVENTS, size)
        try:
            self._resting = Instance(root, EVENTS, size)
            self._recording.record(on=True)
        except BaseException:
            self.close()
            raise
        self._since_ns = time.monotonic_ns()

    def freeze(self) -> int:
        """Stop the instance that records and go on in the other one; return the time of the change."""
        frozen_ns = self._change()
        self.due_ns = frozen_ns + _AFTER_NS
        return frozen_ns

    def keep(self) -> None:
        """Store what was recorded so far, so that it cannot be overwritten."""
        self._change()
        self._store()
        self.due_ns = 0

    def window(self, start_ns: int, end_ns: int) -> int:
        """Return the descriptor of a sealed memory file with the window up to now. The caller closes it.

        Raises:
            OSError: There is no memory for it.
        """
        self.keep()
        segments = [one for one in self._segments if one.end_ns > start_ns and one.start_ns < end_ns]
        chosen = [(number, *page) for number, one in enumerate(segments) for page in _within(one, start_ns, end_ns)]
        header = {
            "version": VERSION,
            "start_ns": start_ns,
            "end_ns": end_ns,
            "head_bytes": self._head_bytes,
            "page_bytes": self._page_bytes,
            "formats": self._formats,
            "segments": [[one.start_ns, one.end_ns, one.complete_ns] for one in segments],
            "pages": [[*key, len(list(group))] for key, group in groupby(chosen, key=lambda page: page[:2])],
        }
        return _sealed(json.dumps(header).encode(), [page for _, _, page in chosen])

    def close(self) -> None:
        """Stop to record, and remove both instances."""
        for name in ("_recording", "_resting"):
            with suppress(AttributeError, OSError):
                getattr(self, name).close()

    def _change(self) -> int:
        """Let the other instance record; return the time of the change."""
        self._store()
        self._recording, self._resting = self._resting, self._recording
        self._recording.record(on=True)
        now_ns = time.monotonic_ns()
        self._resting.record(on=False)
        self._frozen = (self._since_ns, now_ns)
        self._since_ns = now_ns
        return now_ns

    def _store(self) -> None:
        """Take the pages out of the frozen instance, and forget those that are too old."""
        if self._frozen:
            start_ns, end_ns = self._frozen
            short = self._resting.overwritten()
            pages = list(self._resting.pages(self._page_bytes))
            self._frozen = None
            complete_ns = max([start_ns, *_first_times(pages, short, end_ns)])
            self._segments.append(_recent(Segment(start_ns, end_ns, complete_ns, pages)))
        oldest_ns = time.monotonic_ns() - _KEPT_NS
        while self._segments and (self._segments[0].end_ns < oldest_ns or self._too_many()):
            self._segments.popleft()

    def _too_many(self) -> bool:
        return sum(len(one.pages) for one in self._segments) > self._limit


def _formats(root: Path) -> Iterator[tuple[str, str]]:
    for event in EVENTS:
        with suppress(FileNotFoundError):
            yield event, (root / "events" / event / "format").read_text()


def _page_layout(header: str) -> tuple[int, int]:
    """Return the sizes of a page's head and of a page from the text of `events/header_page`."""
    line = next(line for line in header.splitlines() if "data;" in line)
    fields = dict(part.strip().split(":") for part in line.split(";")[1:] if ":" in part)
    return int(fields["offset"]), int(fields["offset"]) + int(fields["size"])


def _first_times(pages: list[tuple[int, bytes]], cpus: set[int], end_ns: int) -> Iterator[int]:
    """Yield the time of the first page of each processor; the end for one without a page."""
    for cpu in cpus:
        yield next((_starts_ns(page) for number, page in pages if number == cpu), end_ns)


def _recent(segment: Segment) -> Segment:
    """Return the segment without what was too old already when it ended."""
    oldest_ns = segment.end_ns - _KEPT_NS
    if segment.start_ns >= oldest_ns:
        return segment
    pages = list(_within(segment, oldest_ns, segment.end_ns))
    return segment._replace(pages=pages, complete_ns=max(segment.complete_ns, oldest_ns))


def _within(segment: Segment, start_ns: int, end_ns: int) -> Iterator[tuple[int, bytes]]:
    """Yield the pages with events from start to end."""
    pages = segment.pages
    for index, (cpu, page) in enumerate(pages):
        until_ns = segment.end_ns
        if index + 1 < len(pages) and pages[index + 1][0] == cpu:
            until_ns = _starts_ns(pages[index + 1][1])
        if until_ns >= start_ns and _starts_ns(page) <= end_ns:
            yield cpu, page


def _starts_ns(page: bytes) -> int:
    return int(_PAGE_HEAD.unpack_from(page)[0])


def _sealed(header: bytes, pages: list[bytes]) -> int:
    descriptor = os.memfd_create("wr-agent-trace", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        _write(descriptor, [len(header).to_bytes(4, "little"), header, *pages])
        fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _write(descriptor: int, parts: list[bytes]) -> None:
    for first in range(0, len(parts), _BATCH):
        batch = parts[first : first + _BATCH]
        if os.writev(descriptor, batch) != sum(map(len, batch)):
            raise OSError("the memory file took only a part of the window")
