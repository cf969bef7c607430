"""The system, from uname(2)."""

from __future__ import annotations

import os
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge

_LABELS = ("sysname", "release", "version", "machine", "nodename", "domainname")


def families(root: Path) -> list[Family]:
    """Return the system, with the NIS domain name, which `os.uname` leaves out."""
    system = os.uname()
    return _info(system, system.nodename, read_text(f"{root}/proc/sys/kernel/domainname").rstrip("\n"))


def bsd_families() -> list[Family]:
    """Return the system, with the domain taken from the host name, because uname has none."""
    system = os.uname()
    nodename, _, domainname = system.nodename.partition(".")
    return _info(system, nodename, domainname or "(none)")


def _info(system: os.uname_result, nodename: str, domainname: str) -> list[Family]:
    labels = (system.sysname, system.release, system.version, system.machine, nodename, domainname)
    help = "Labeled system information as provided by the uname system call."
    return [gauge("node_uname_info", help, {labels: 1}, _LABELS)]
