"""The lines of the kernel's log that concern sound, USB, memory, processors and clocks.

The format is that of the kernel's Documentation/ABI/testing/dev-kmsg. The log is read at each look, not at each line.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from collectors.audio.causes.evidence import Incident

_RELEVANT = re.compile(
    r"usb|xhci|ehci|snd|ALSA|hda|firewire|thunderbolt|pcie|oom|out of memory|killed process|hung_task|blocked for more"
    r"|soft lockup|hard LOCKUP|rcu.*stall|clocksource|tsc|throttl|thermal|mce|machine check|nvme|ata\d|I/O error"
    r"|PM: |suspend|CPU\d+ is up|smpboot|perf: interrupt took|sched: RT throttling",
    re.IGNORECASE,
)
_RECORD_BYTES = 8192
_MOST_RECORDS = 64
_TEXT_LENGTH = 300
_TOLERANCE_NS = 100_000_000
"""The kernel stamps records with a clock that drifts from the monotonic one."""


def parse_record(record: bytes) -> tuple[int, str] | None:
    """Return the kernel's own time in nanoseconds and the text of a relevant record; None for every other record."""
    head, _, message = record.decode(errors="replace").partition(";")
    fields = head.split(",")
    text = message.partition("\n")[0]
    if len(fields) < 3 or not fields[0].isdecimal() or int(fields[0]) >> 3 or not fields[2].isdecimal():  # noqa: PLR2004
        return None
    return (int(fields[2]) * 1000, text[:_TEXT_LENGTH]) if _RELEVANT.search(text) else None


class KernelLog:
    """The kernel's log since the start.

    Args:
        path: Path of `/dev/kmsg`.
        now_ns: Monotonic time.

    Attributes:
        failure: The reason why it cannot be read; empty if it can.
    """

    def __init__(self, now_ns: int, path: Path = Path("/dev/kmsg")) -> None:
        self.failure = ""
        self._file = -1
        self._read_ns = now_ns
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            self.failure = error.strerror or str(error)
            return
        with suppress(OSError):  # a pipe, as in tests, cannot seek
            os.lseek(self._file, 0, os.SEEK_END)

    def read(self, now_ns: int) -> list[Incident]:
        """Return the relevant lines since the last call."""
        since_ns, self._read_ns = self._read_ns, now_ns
        found = []
        for _ in range(_MOST_RECORDS if self._file >= 0 else 0):
            try:
                record = os.read(self._file, _RECORD_BYTES)
            except BrokenPipeError:  # the kernel overwrote records that were not read in time
                continue
            except OSError:  # no further record
                break
            if not record:
                break
            if parsed := parse_record(record):
                found.append(_incident(parsed[0], parsed[1], since_ns, now_ns))
        return found

    def close(self) -> None:
        """Close it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _incident(stamp_ns: int, text: str, since_ns: int, now_ns: int) -> Incident:
    """Return the incident at the kernel's stamp if that lies between two looks, otherwise between the looks."""
    is_plausible = since_ns - _TOLERANCE_NS <= stamp_ns <= now_ns
    first_ns, last_ns = (stamp_ns, stamp_ns) if is_plausible else (since_ns, now_ns)
    return Incident(at_ns=last_ns, since_ns=first_ns, kind="kernel_log", text=text)
