"""Thresholds of the findings about sound, with the numbers of the alerts in `monitoring/prometheus/rules/audio.yml`."""

from __future__ import annotations

RECENT_NS = 600_000_000_000
"""The time for which dropouts are reported."""

DROPOUTS_A_MINUTE = 3
"""The number of dropouts within a minute that an audience hears."""

DSP_LOAD = 0.8
"""The mean DSP load of a minute, as a ratio."""

CLIPPED_A_SECOND = 100.0
"""The mean number of clipped samples a second of one channel in a minute."""

SILENT_SECONDS = 30.0
"""The digital silence of one channel while others carry sound."""
