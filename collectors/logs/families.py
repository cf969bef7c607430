"""The metric families of all sources: progress and lag."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from collectors.logs.command import Command
from collectors.logs.files.source import FileSource
from collectors.metrics import Family, counter, gauge

_LABELS = ("source",)


class Progress(NamedTuple):
    """The progress of one source at one instant.

    Attributes:
        source: Its name.
        lines: Lines processed so far.
        bytes: Their bytes, without newlines.
        lag_bytes: Bytes that are written but not acknowledged by Loki.
        lag_seconds: Seconds since everything was last acknowledged.
    """

    source: str
    lines: int
    bytes: int
    lag_bytes: int
    lag_seconds: float


def of_files(source: FileSource) -> Progress:
    """Return the progress of a source of files."""
    return Progress(source.name, source.state.lines, source.state.bytes, source.lag_bytes, source.lag_seconds)


def of_command(name: str, command: Command) -> Progress:
    """Return the progress of a source that reads a command."""
    since = command.waiting_since
    waited = 0.0 if since is None else time.monotonic() - since
    return Progress(name, command.lines, command.bytes, command.waiting_bytes, waited)


def progress_families(progress: Sequence[Progress]) -> list[Family]:
    """Return the progress families of all sources."""
    return [
        counter(
            "wr_agent_log_read_lines_total",
            "Log lines that were read and processed.",
            {(it.source,): it.lines for it in progress},
            _LABELS,
        ),
        counter(
            "wr_agent_log_read_bytes_total",
            "Bytes of processed log lines, without newlines.",
            {(it.source,): it.bytes for it in progress},
            _LABELS,
        ),
        gauge(
            "wr_agent_log_lag_bytes",
            "Bytes that were written but not yet acknowledged by Loki, as of the last poll.",
            {(it.source,): it.lag_bytes for it in progress},
            _LABELS,
        ),
        gauge(
            "wr_agent_log_lag_seconds",
            "Seconds since the most delayed log was last acknowledged completely.",
            {(it.source,): it.lag_seconds for it in progress},
            _LABELS,
        ),
    ]
