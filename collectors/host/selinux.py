"""The state of SELinux, from its file system and /etc/selinux/config."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_attribute, read_number
from collectors.metrics import Family, gauge

_MODES = {"enforcing": 1, "permissive": 0}
_DISABLED = -1


def parse_config(text: str) -> int:
    """Return the configured mode: 1 enforcing, 0 permissive, -1 disabled."""
    settings = (line.strip().partition("=") for line in text.splitlines())
    wanted = [value.strip().lower() for name, _, value in settings if name.strip() == "SELINUX"]
    return _MODES.get(wanted[-1], _DISABLED) if wanted else _DISABLED


def families(root: Path) -> list[Family]:
    """Return whether it is on, and its modes."""
    mode = read_number(f"{root}/sys/fs/selinux/enforce")
    enabled = gauge("node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false", int(mode is not None))
    if mode is None:
        return [enabled]
    configured = parse_config(read_attribute(f"{root}/etc/selinux/config") or "")
    return [
        enabled,
        gauge("node_selinux_config_mode", "Configured SELinux enforcement mode", configured),
        gauge("node_selinux_current_mode", "Current SELinux enforcement mode", mode),
    ]
