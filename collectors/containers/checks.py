"""The findings of the containers collector, as pure functions of its last look."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
from pathlib import Path

from collectors.containers.container_names import Answers
from collectors.containers.discovery import Count
from collectors.findings import Finding, Severity


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
                'measure = "containers" in [containers] leaves slices and services out',
                f"or: limit = {allowed + count.left_out} in [containers]",
            ),
        )
    ]


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
        return (look, f"curl --unix-socket {shlex.quote(socket)} http://engine/containers/json")
    group = _group(socket)
    if group in {"", "root"}:
        return (look, "Run wr-agent as the user of the engine, or give the engine's socket a group that both are in.")
    user = pwd.getpwuid(os.getuid()).pw_name
    warning = f"Then restart the agent. Members of the group {group} can become root through this socket."
    return (look, f"sudo usermod -aG {group} {user}", warning)


def _group(socket: str) -> str:
    """Return the name of the group that may use the socket; empty if it has none."""
    try:
        return grp.getgrgid(Path(socket).stat().st_gid).gr_name
    except (OSError, KeyError):
        return ""
