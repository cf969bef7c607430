"""Grafana's names of units, and the axis that each unit has by default."""

from __future__ import annotations

BYTES = "bytes"
BYTES_PER_SECOND = "Bps"
COUNT = "locale"
DATE_TIME_FROM_NOW = "dateTimeFromNow"
DECIBEL = "dB"
DURATION = "dtdurations"
FRAMES_PER_SECOND = "fps"
HERTZ = "hertz"
MINUTES = "m"
NUMBER = "short"
PER_SECOND = "cps"
RATIO = "percentunit"
REQUESTS_PER_SECOND = "reqps"
SECONDS = "s"

SOFT_MAXIMUM = {
    BYTES: 1_048_576,
    BYTES_PER_SECOND: 1024,
    COUNT: 4,
    FRAMES_PER_SECOND: 60,
    MINUTES: 10,
    NUMBER: 1,
    PER_SECOND: 1,
    RATIO: 1,
    REQUESTS_PER_SECOND: 1,
    SECONDS: 0.01,
}
"""The least upper end of an axis, so that a flat zero is at the bottom and small noise looks small."""
