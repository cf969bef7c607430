"""The findings of the containers collector, as pure functions of its last look."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from collectors import remedies
from collectors.containers.container_names import Answers
from collectors.containers.discovery import Count
from collectors.findings import Finding, Severity

_DROP_IN = "/etc/systemd/system/user@.service.d/delegate.conf"
_DELEGATE = (
    "sudo mkdir -p /etc/systemd/system/user@.service.d",
    f"printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee {_DROP_IN}",
    "sudo systemctl daemon-reload  # then log in again, and restart the containers",
)
_ENABLE_BELOW = ("enable them in cgroup.subtree_control of each group above the container, then restart the container",)
_ACCOUNTED = {
    "cpu": "CPU",
    "cpuacct": "CPU",
    "memory": "memory",
    "io": "I/O",
    "blkio": "I/O",
    "pids": "threads",
}


def names(answers: Answers) -> list[Finding]:
    """Return one finding for each engine that returned no names of its containers."""
    return [_unnamed(socket, error, len(answers.unnamed)) for socket, error in answers.problems.items()]


def limit(count: Count, allowed: int) -> list[Finding]:
    """Return a finding if there are more control groups than the limit."""
    if not count.left_out:
        return []
    return [
        Finding(
            code="containers-too-many",
            title="Some control groups are not measured",
            severity=Severity.WARNING,
            detail=f"Expected at most {allowed} control groups, found {allowed + count.left_out}.",
            affects=f"{count.left_out} of them are missing in the metrics; containers come first.",
            remedy=(
                remedies.in_section("[containers]", 'to leave slices and services out, set measure = "containers"'),
                remedies.in_section("[containers]", f"or set limit = {allowed + count.left_out}"),
            ),
        )
    ]


def controllers(missing: Sequence[str], root: Path) -> list[Finding]:
    """Return a finding if the trees of control groups lack controllers.

    Args:
        missing: The names of the controllers.
        root: The directory of the machine's files.
    """
    if not missing:
        return []
    names = ", ".join(missing)
    return [
        Finding(
            code="containers-without-controllers",
            title=f"Control groups lack controllers: {names}",
            severity=Severity.WARNING,
            detail=f"Expected controllers for CPU, memory, I/O and processes; the kernel does not offer {names}.",
            affects=f"The metrics of containers lack {', '.join(_ACCOUNTED[name] for name in missing)}.",
            remedy=_enable(missing, root),
        )
    ]


def delegation(lacking: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Return a finding if controllers are not enabled for some containers.

    Args:
        lacking: The controllers that are not enabled, by the path of the container.
    """
    if not lacking:
        return []
    path = next(iter(lacking))
    names = sorted({name for missing in lacking.values() for name in missing})
    of_user = any(each.startswith("/user.slice/") for each in lacking)
    return [
        Finding(
            code="containers-without-delegation",
            title=f"Controllers are not enabled for some containers: {', '.join(names)}",
            severity=Severity.WARNING,
            detail=f"{len(lacking)} containers lack controllers that the kernel has, such as {path}.",
            affects=f"Their metrics lack {', '.join(_ACCOUNTED[name] for name in names)}.",
            remedy=_DELEGATE if of_user else _ENABLE_BELOW,
        )
    ]


def _enable(missing: Sequence[str], root: Path) -> tuple[str, ...]:
    """Return how to enable controllers: Raspberry Pi OS and others switch that of memory off on the command line."""
    reboot = "sudo reboot"
    if "memory" not in missing:
        return (f"use a kernel with {', '.join(missing)}, and without cgroup_disable= in /proc/cmdline",)
    for file in ("boot/firmware/cmdline.txt", "boot/cmdline.txt"):
        if (root / file).is_file():
            append = f"sudo sed -i '1s/$/ cgroup_enable=memory cgroup_memory=1/' /{file}"
            return (append, reboot)
    return (
        *remedies.kernel_argument("cgroup_enable=memory"),
        "remove cgroup_disable=memory there, if it is in /proc/cmdline",
    )


def _unnamed(socket: str, error: Exception, count: int) -> Finding:
    return Finding(
        code="containers-unnamed",
        title="Containers are shown without their names",
        severity=Severity.WARNING,
        detail=f"{count} containers have no name, because {socket} returned none: {error}.",
        affects="Their metrics carry identifiers instead of names, and neither image nor labels.",
        remedy=_remedy(socket, error),
    )


def _remedy(socket: str, error: Exception) -> tuple[str, ...]:
    look = f"ls -l {shlex.quote(socket)}"
    if not isinstance(error, PermissionError):
        return (look, *remedies.command(f"curl --unix-socket {shlex.quote(socket)} http://engine/containers/json"))
    group = _group(socket)
    if group in {"", "root"}:
        return (look, "Run wr-agent as the user of the engine, or give the engine's socket a group that both are in.")
    user = pwd.getpwuid(os.getuid()).pw_name
    warning = f"Then restart the agent. Members of the group {group} can become root through this socket."
    return (look, *remedies.join_group(user, group), warning)


def _group(socket: str) -> str:
    """Return the name of the group that may use the socket; empty if it has none."""
    try:
        return grp.getgrgid(Path(socket).stat().st_gid).gr_name
    except (OSError, KeyError):
        return ""
