"""The checks of the settings on which dropouts depend, one check a cause."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from collectors.findings import Check, Finding
from collectors.host import busy_processes, realtime, scaling_governor, throttling
from collectors.host.audio_servers import AudioServers


def audio_checks(root: Path) -> tuple[Check, ...]:
    """Return the checks of the machine whose files are under `root`."""
    busy = busy_processes.Watch(root, os.cpu_count() or 1)
    return (
        Check("host.governor", "The processors keep their full speed", partial(_governor, root)),
        Check("host.realtime-limit", "Real-time threads are not throttled early", partial(_realtime, root)),
        Check("host.audio-priority", "The audio servers run with real-time priority", AudioServers(root).check),
        Check("host.throttling", "Heat does not slow the processors down", throttling.Watch(root).check),
        Check("host.processors", "Programs leave some processor time free", busy.check),
    )


def _governor(root: Path) -> list[Finding]:
    return scaling_governor.check(scaling_governor.read(root))


def _realtime(root: Path) -> list[Finding]:
    try:
        return realtime.check(realtime.read(root))
    except FileNotFoundError:  # a kernel without this limit
        return []
