"""Notifications to the service manager by systemd's `sd_notify` protocol over its Unix datagram socket.

Format: `sd_notify(3)`, `systemd.service(5)` (`Type=notify-reload`, `WatchdogSec=`). Without `NOTIFY_SOCKET`, nothing is
sent.
"""

from __future__ import annotations

import os
import socket
import time


def ready() -> None:
    """Report that the daemon serves, after its start or after a reload."""
    _send("READY=1")


def reloading() -> None:
    """Report that the daemon re-reads its configuration; `ready()` follows."""
    _send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def stopping() -> None:
    """Report that the daemon shuts down."""
    _send("STOPPING=1")


def alive() -> None:
    """Report to the watchdog that the daemon is healthy."""
    _send("WATCHDOG=1")


def status(text: str) -> None:
    """Set the status line that `systemctl status` shows."""
    _send(f"STATUS={text}")


def watchdog_interval() -> float | None:
    """Return the seconds within which the service manager expects `alive()`; `None` without a watchdog."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) else None


def _send(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket, which begins with a zero byte
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as peer:
            peer.sendto(message.encode(), address)
    except OSError:
        # The manager is gone or its queue is full. Nothing here depends on it.
        return
