"""The kernel's clock discipline, from adjtimex(2) of Linux."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable

from collectors.metrics import Family, MetricType

_TIME_ERROR = 5
_STATUS_NANO = 0x2000
_MICROSECONDS, _NANOSECONDS = 1e6, 1e9
_PPM_16_BITS = 1e6 * 2**16
"""Parts per million with a 16-bit fraction, see NOTES in adjtimex(2)."""


class _Timex(ctypes.Structure):
    """The `struct timex` of the 64-bit ABI (linux/timex.h); `modes` = 0 reads and changes nothing."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time_seconds", ctypes.c_long),
        ("time_fraction", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


# By field: the name, its type, its divisor (None: the parts of a second by the status), its help.
_FIELDS: tuple[tuple[str, str, MetricType, float | None, str], ...] = (
    ("offset", "offset_seconds", "gauge", None, "Time offset in between local system and reference clock."),
    ("maxerror", "maxerror_seconds", "gauge", _MICROSECONDS, "Maximum error in seconds."),
    ("esterror", "estimated_error_seconds", "gauge", _MICROSECONDS, "Estimated error in seconds."),
    ("status", "status", "gauge", 1, "Value of the status array bits."),
    ("constant", "loop_time_constant", "gauge", 1, "Phase-locked loop time constant."),
    ("tick", "tick_seconds", "gauge", _MICROSECONDS, "Seconds between clock ticks."),
    ("ppsfreq", "pps_frequency_hertz", "gauge", _PPM_16_BITS, "Pulse per second frequency."),
    ("jitter", "pps_jitter_seconds", "gauge", None, "Pulse per second jitter."),
    ("shift", "pps_shift_seconds", "gauge", 1, "Pulse per second interval duration."),
    (
        "stabil",
        "pps_stability_hertz",
        "gauge",
        _PPM_16_BITS,
        "Pulse per second stability, average of recent frequency changes.",
    ),
    ("jitcnt", "pps_jitter_total", "counter", 1, "Pulse per second count of jitter limit exceeded events."),
    ("calcnt", "pps_calibration_total", "counter", 1, "Pulse per second count of calibration intervals."),
    ("errcnt", "pps_error_total", "counter", 1, "Pulse per second count of calibration errors."),
    (
        "stbcnt",
        "pps_stability_exceeded_total",
        "counter",
        1,
        "Pulse per second count of stability limit exceeded events.",
    ),
    ("tai", "tai_offset_seconds", "gauge", 1, "International Atomic Time (TAI) offset."),
)


class Timex:
    """The kernel's clock discipline."""

    def __init__(self) -> None:
        self._adjtimex: Callable[..., int] = ctypes.CDLL(None, use_errno=True).adjtimex

    def families(self) -> list[Family]:
        """Return the state of the clock.

        Raises:
            FileNotFoundError: The call is forbidden, as in some containers and under ProtectClock= of systemd.
            OSError: The call failed.
        """
        found = _Timex()
        state = self._adjtimex(ctypes.byref(found))
        if state < 0:
            number = ctypes.get_errno()
            what = FileNotFoundError if number == errno.EPERM else OSError
            raise what(number, f"adjtimex: {os.strerror(number)}")
        return families(found, synchronized=state != _TIME_ERROR)


def families(found: _Timex, *, synchronized: bool) -> list[Family]:
    """Return the families of one answer."""
    second = _NANOSECONDS if found.status & _STATUS_NANO else _MICROSECONDS
    return [
        _family(
            "sync_status", "gauge", "Is clock synchronized to a reliable server (1 = yes, 0 = no).", int(synchronized)
        ),
        _family(
            "frequency_adjustment_ratio", "gauge", "Local clock frequency adjustment.", 1 + found.freq / _PPM_16_BITS
        ),
        *(
            _family(name, type_, help, getattr(found, field) / (divisor or second))
            for field, name, type_, divisor, help in _FIELDS
        ),
    ]


def _family(name: str, type_: MetricType, help: str, value: float) -> Family:
    return Family(f"node_timex_{name}", type_, help, (), {(): value})
