"""Units as Grafana calls them."""

from __future__ import annotations

BYTES = "bytes"
BYTES_PER_SECOND = "Bps"
COUNT = "short"
DECIBEL = "dB"
FRAMES_PER_SECOND = "fps"
HERTZ = "hertz"
PER_SECOND = "cps"
RATIO = "percentunit"
REQUESTS_PER_SECOND = "reqps"
SECONDS = "s"
