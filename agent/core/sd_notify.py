"""Tells the service manager how the daemon is: systemd's `sd_notify` protocol, over its Unix datagram socket.

Format: `sd_notify(3)`, `systemd.service(5)` (`Type=notify-reload`, `WatchdogSec=`). Silent without `NOTIFY_SOCKET`.
"""

from __future__ import annotations

import os
import socket
import time


def ready() -> None:
    """The daemon serves, for the first time or again after a reload."""
    _send("READY=1")


def reloading() -> None:
    """The daemon re-reads its configuration; `ready()` follows."""
    _send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def stopping() -> None:
    """The daemon shuts down."""
    _send("STOPPING=1")


def alive() -> None:
    """The daemon is healthy: feeds the watchdog."""
    _send("WATCHDOG=1")


def status(text: str) -> None:
    """One line for a person who looks at the service."""
    _send(f"STATUS={text}")


def watchdog_interval() -> float | None:
    """Seconds within which the service manager wants to hear `alive()`; `None` if it does not ask this process."""
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
        # The manager is gone or its queue is full: it will ask again by its watchdog, and nothing here depends on it.
        return
