"""What the containers' collector says to a person, as pure functions over what it found."""

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
    """One finding for each engine that did not say what its containers are called."""
    return [_unnamed(socket, error, len(answers.unnamed)) for socket, error in answers.problems.items()]


def limit(count: Count, allowed: int) -> list[Finding]:
    """A finding if there are more control groups than are measured."""
    if not count.left_out:
        return []
    return [
        Finding(
            code="containers-too-many",
            title="Some control groups are not measured",
            severity=Severity.WARNING,
            detail=f"Expected at most {allowed} control groups, found {allowed + count.left_out}.",
            affects=f"{count.left_out} of them are missing in the metrics; containers are taken first.",
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
        detail=f"{count} containers have no name, because {socket} was asked in vain: {error}.",
        affects="Their metrics carry the containers' identifiers in place of names, and neither image nor labels.",
        remedy=_remedy(socket, error),
    )


def _remedy(socket: str, error: Exception) -> tuple[str, ...]:
    look = f"ls -l {shlex.quote(socket)}"
    if not isinstance(error, PermissionError):
        return (look, f"curl --unix-socket {shlex.quote(socket)} http://engine/containers/json")
    group = _group(socket)
    if group in {"", "root"}:
        return (look, "Let wr-agent run as the user of the engine, or the engine's socket belong to a group of both.")
    user = pwd.getpwuid(os.getuid()).pw_name
    warning = f"Restart the agent then. Who is in the group {group} can become root through this socket."
    return (look, f"sudo usermod -aG {group} {user}", warning)


def _group(socket: str) -> str:
    """The name of the group that may use the socket; empty where it has none."""
    try:
        return grp.getgrgid(Path(socket).stat().st_gid).gr_name
    except (OSError, KeyError):
        return ""
