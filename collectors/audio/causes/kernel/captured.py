"""The trace of a window, out of the memory file that the recorder handed out.

`helper/protocol.py` describes the file. This runs in the process of the analysis, never in the daemon.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from collectors.audio.causes.evidence import Evidence, Trace
from collectors.audio.causes.kernel import namespaces
from collectors.audio.causes.kernel.helper.protocol import VERSION
from collectors.audio.causes.kernel.ring_buffer import starts_ns
from collectors.audio.causes.kernel.trace_builder import TraceBuilder
from collectors.plain_errors import plain_text

_FILE_BYTES = 80 * 1024 * 1024
"""The limit of a memory file: more than the recorder keeps."""

_PAGES = 3072
"""The limit of pages that are read, about 200,000 events, next to the oldest one of each processor."""

_HEADER_BYTES = 1024 * 1024


class CaptureError(Exception):
    """A memory file that is not as the recorder writes it."""


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """The header, as `helper/protocol.py` describes it."""

    version: int
    start_ns: int
    end_ns: int
    page_bytes: int
    head_bytes: int
    formats: dict[str, str]
    segments: tuple[tuple[int, int, int], ...]
    pages: tuple[tuple[int, int, int], ...]


class _Page(NamedTuple):
    """A page, and where it belongs."""

    segment: int
    cpu: int
    content: bytes


def with_trace(evidence: Evidence) -> Evidence:
    """Return the evidence with the trace of its `capture`, which this closes, or with a sentence in `missing`."""
    if evidence.capture < 0:
        return evidence
    change = msgspec.structs.replace
    try:
        trace = _numbered_as_here(read(evidence.capture))
    except (CaptureError, OSError) as error:
        text = f"The trace of the kernel recorder could not be used: {plain_text(error)}."
        return change(evidence, capture=-1, missing=(*evidence.missing, text))
    finally:
        os.close(evidence.capture)
    return change(evidence, capture=-1, trace=trace)


def _numbered_as_here(trace: Trace) -> Trace:
    """Return the trace if its threads have the numbers that this process sees.

    Raises:
        CaptureError: This process runs in a pid namespace of its own.
    """
    if not namespaces.sees_the_kernels_numbers():
        raise CaptureError(namespaces.ELSEWHERE)
    return trace


def read(descriptor: int) -> Trace:
    """Return the trace in a memory file.

    Raises:
        CaptureError: The file is not as the recorder writes it, or it has nothing of the window.
        OSError: It cannot be read.
    """
    size = os.fstat(descriptor).st_size
    if size > _FILE_BYTES:
        raise CaptureError(f"it has {size} bytes, and {_FILE_BYTES} at most are expected")
    return parse(_all_of(descriptor, size), process_of)


def parse(content: bytes, process_of: Callable[[int], int]) -> Trace:
    """Return the trace in the content of a memory file.

    Args:
        content: The content.
        process_of: Returns the process of a thread; 0 if it is unknown.

    Raises:
        CaptureError: The content is not as the recorder writes it, or it has nothing of the window.
    """
    header, pages = _parts(content)
    start_ns, end_ns = _complete(header)
    pages, start_ns = _newest(pages, start_ns)
    if start_ns >= end_ns:
        raise CaptureError("it has nothing of the time of the dropout")
    try:
        builder = TraceBuilder(header.formats, header.head_bytes, start_ns, end_ns)
    except ValueError as error:
        raise CaptureError(str(error)) from error
    for page in pages:
        from_ns, to_ns, _ = header.segments[page.segment]
        builder.add(page.cpu, page.content, from_ns, to_ns)
    return builder.build(process_of)


def process_of(tid: int) -> int:
    """Return the process of a living thread; 0 if it is gone or hidden."""
    try:
        status = Path(f"/proc/{tid}/status").read_bytes()
    except OSError:
        return 0
    start = status.find(b"\nTgid:\t")
    return int(status[start + 7 : status.index(b"\n", start + 7)]) if start >= 0 else 0


def _all_of(descriptor: int, size: int) -> bytes:
    parts, offset = [], 0
    while offset < size and (part := os.pread(descriptor, size - offset, offset)):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _parts(content: bytes) -> tuple[_Header, list[_Page]]:
    """Return the header and the pages by segment and processor.

    Raises:
        CaptureError: They contradict each other.
    """
    length = int.from_bytes(content[:4], "little")
    if length > _HEADER_BYTES:
        raise CaptureError("its header is too long")
    try:
        header = msgspec.json.decode(content[4 : 4 + length], type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CaptureError(f"its header is wrong: {error}") from error
    if header.version != VERSION:
        raise CaptureError(f"it has version {header.version}, not {VERSION}; install recorder and agent of one version")
    if not 8 < header.head_bytes <= 16 < header.page_bytes or not header.segments:  # noqa: PLR2004 - see ring_buffer
        raise CaptureError("its header contradicts itself")
    return header, list(_pages(header, content, 4 + length))


def _pages(header: _Header, content: bytes, offset: int) -> Iterator[_Page]:
    for segment, cpu, number in header.pages:
        if not 0 <= segment < len(header.segments) or number < 0:
            raise CaptureError("a page belongs to no segment")
        if offset + number * header.page_bytes > len(content):
            raise CaptureError("it ends before its last page")
        for _ in range(number):
            yield _Page(segment, cpu, content[offset : offset + header.page_bytes])
            offset += header.page_bytes


def _newest(pages: list[_Page], start_ns: int) -> tuple[list[_Page], int]:
    """Return as many pages as are read, and the time from which they are complete."""
    if len(pages) <= _PAGES:
        return pages, start_ns
    from_ns = sorted(starts_ns(page.content) for page in pages)[-_PAGES]
    following = [*pages[1:], None]
    kept = [
        page
        for page, after in zip(pages, following, strict=True)
        if not after or after[:2] != page[:2] or starts_ns(after.content) > from_ns
    ]
    return kept, max(start_ns, from_ns)


def _complete(header: _Header) -> tuple[int, int]:
    """Return start and end of the longest part of the window in which no event was overwritten."""
    parts = [[header.segments[0][0], header.segments[0][0]]]
    for from_ns, to_ns, complete_ns in header.segments:
        if from_ns != parts[-1][1] or complete_ns > from_ns:
            parts.append([complete_ns, complete_ns])
        parts[-1][1] = to_ns
    clipped = [(max(start_ns, header.start_ns), min(end_ns, header.end_ns)) for start_ns, end_ns in parts]
    return max(clipped, key=lambda part: part[1] - part[0])
