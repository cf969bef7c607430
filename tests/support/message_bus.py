"""A real message bus of D-Bus, and the signals of systemd-logind on it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.waiting import eventually

_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
"""


@contextlib.contextmanager
def message_bus(folder: Path) -> Iterator[str]:
    """Yield the address of a bus of its own."""
    path = folder / "bus"
    (folder / "bus.conf").write_text(_CONFIG.format(path=path))
    process = subprocess.Popen(["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork"])
    try:
        eventually(path.exists, "the bus listens")
        yield f"unix:path={path}"
    finally:
        process.terminate()
        process.wait()


def announce_sleep(bus: str, *, sleeps: bool) -> None:
    """Announce, as logind, that the machine is about to sleep, or has woken up."""
    signal = ["/org/freedesktop/login1", "org.freedesktop.login1.Manager.PrepareForSleep"]
    command = ["dbus-send", f"--bus={bus}", "--type=signal", *signal, f"boolean:{str(sleeps).lower()}"]
    subprocess.run(command, check=True, timeout=30)


def clients(bus: str) -> int:
    """Return the number of clients on the bus, without the one that looks."""
    target = ["--dest=org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames"]
    command = ["dbus-send", f"--bus={bus}", "--print-reply", *target]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    return answer.stdout.count('string ":1.') - 1
