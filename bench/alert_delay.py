"""Seconds from a fault to PagerDuty, with every interval, `for:` and wait as shipped.

Run: python -m bench.alert_delay [ALERT ...]

A real agent on a real jackd, PostgreSQL, Redis and Nginx with their exporters, and the whole central stack as
`monitoring/start.sh` runs it; PagerDuty, Slack and the mail server are stand-ins. All faults (or those of the alerts
that are named) happen at once, each line is printed when PagerDuty has taken its event. One look: where in a scrape's
interval the fault falls is chance.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.table import machine, table
from tests.support.faults import FAULTS, Fault
from tests.support.monitoring import rules
from tests.support.site import Site, site

WARM_UP = 35.0
"""Seconds: more than two scrapes of each target."""

PATIENCE = 600.0

_WAITS = {rule.text["alert"]: rule.text.get("for", "0s") for rule in rules() if "alert" in rule.text}


def main() -> None:
    """Strike, and print what arrives."""
    faults = [fault for fault in FAULTS if fault.alert in sys.argv[1:] or not sys.argv[1:]]
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder, site(Path(folder)) as running:
        time.sleep(WARM_UP)
        rows = [_row(fault, seconds) for fault, seconds in delays(running, faults)]
    print("\n" + table(["", "alert", "priority", "its `for:`", "seconds to PagerDuty"], rows))


def delays(running: Site, faults: Sequence[Fault]) -> Iterator[tuple[Fault, float]]:
    """Yield each fault that PagerDuty was notified of, and the delay in seconds."""
    struck = {}
    for fault in faults:
        struck[fault] = time.monotonic()
        fault.strike(running)
    while struck and time.monotonic() < min(struck.values()) + PATIENCE:
        for fault in [it for it in struck if it.triggers(running.seen)]:
            seconds = time.monotonic() - struck.pop(fault)
            print(f"{seconds:6.1f} s  {fault.what}", flush=True)
            yield fault, seconds
        time.sleep(0.05)
    for fault in struck:
        print(f"   not within {PATIENCE:g} s: {fault.what}", flush=True)


def _row(fault: Fault, seconds: float) -> list[str]:
    return [fault.what, fault.alert, fault.priority, _WAITS[fault.alert], f"{seconds:.0f}"]


if __name__ == "__main__":
    main()
