"""What the sources export, whatever they read: how much was read, and how much is yet to be acknowledged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from collectors.logs.command import Command
from collectors.logs.files.source import FileSource
from collectors.metrics import Family, counter, gauge

_LABELS = ("source",)


class Reading(NamedTuple):
    """One source at one instant.

    Attributes:
        source: Its name.
        lines: Lines read and dealt with so far.
        bytes: Their bytes, without newlines.
        lag_bytes: Bytes that are there and not acknowledged by Loki.
        lag_seconds: For how long there was no moment with everything acknowledged.
    """

    source: str
    lines: int
    bytes: int
    lag_bytes: int
    lag_seconds: float


def of_files(source: FileSource) -> Reading:
    """What a source of files has read."""
    return Reading(source.name, source.state.lines, source.state.bytes, source.lag_bytes, source.lag_seconds)


def of_command(name: str, command: Command) -> Reading:
    """What a source that is a command has read."""
    since = command.waiting_since
    waited = 0.0 if since is None else time.monotonic() - since
    return Reading(name, command.lines, command.bytes, command.waiting_bytes, waited)


def reading_families(readings: Sequence[Reading]) -> list[Family]:
    """The families of all sources."""
    return [
        counter(
            "wr_agent_log_read_lines_total",
            "Lines that were read and dealt with.",
            {(it.source,): it.lines for it in readings},
            _LABELS,
        ),
        counter(
            "wr_agent_log_read_bytes_total",
            "Bytes of the lines that were read and dealt with, without their newlines.",
            {(it.source,): it.bytes for it in readings},
            _LABELS,
        ),
        gauge(
            "wr_agent_log_lag_bytes",
            "Bytes that are written and not acknowledged by Loki, as of the last look.",
            {(it.source,): it.lag_bytes for it in readings},
            _LABELS,
        ),
        gauge(
            "wr_agent_log_lag_seconds",
            "Seconds since what is furthest behind was last acknowledged to its end.",
            {(it.source,): it.lag_seconds for it in readings},
            _LABELS,
        ),
    ]
