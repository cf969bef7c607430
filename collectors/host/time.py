"""The clock, its time zone, and on Linux the kernel's clock sources."""

from __future__ import annotations

import time
from pathlib import Path

from collectors.kernel_files import numbered, read_text
from collectors.metrics import Family, LabelValues, gauge


def clock_families() -> list[Family]:
    """Return the time, and the offset of local time from UTC, on every platform."""
    now = time.time()
    local = time.localtime(now)
    return [
        gauge("node_time_seconds", "System time in seconds since epoch (1970).", now),
        gauge(
            "node_time_zone_offset_seconds",
            "System time zone offset in seconds.",
            {(local.tm_zone,): local.tm_gmtoff},
            ("time_zone",),
        ),
    ]


def families(root: Path) -> list[Family]:
    """Return the clock and its sources."""
    devices = numbered(root / "sys/devices/system/clocksource", "clocksource")
    available: dict[LabelValues, float] = {
        (number, source): 1
        for number, device in devices.items()
        for source in read_text(device / "available_clocksource").split()
    }
    current: dict[LabelValues, float] = {
        (number, read_text(device / "current_clocksource").strip()): 1 for number, device in devices.items()
    }
    return [
        *clock_families(),
        gauge(
            "node_time_clocksource_available_info",
            "Available clocksources read from '/sys/devices/system/clocksource'.",
            available,
            ("device", "clocksource"),
        ),
        gauge(
            "node_time_clocksource_current_info",
            "Current clocksource read from '/sys/devices/system/clocksource'.",
            current,
            ("device", "clocksource"),
        ),
    ]
