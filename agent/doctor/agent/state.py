"""The state directory: access, free space and the positions of logs."""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from agent.core.instance import FILE as LOCK
from agent.doctor.machine.user import ENTER, READ, WRITE, User
from collectors import regular_file, remedies
from collectors.findings import Finding, Severity
from collectors.logs.collector import POSITIONS_FILE
from collectors.logs.files.positions import MOST_BYTES
from collectors.plain_errors import plain_text

_ENOUGH_BYTES = 64 << 20


def check(directory: Path, user: User) -> Iterator[Finding]:
    """Yield findings on the state directory.

    Args:
        directory: The state directory, absolute. It need not exist yet.
        user: The agent's user.
    """
    there = _nearest(directory)
    obstacle = user.obstacle(there, WRITE | ENTER) or user.obstacle(directory / LOCK, READ | WRITE)
    if obstacle:
        yield _unwritable(directory, obstacle, user)
    elif there == directory and directory.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield _open(directory)
    yield from check_space(there)


def check_space(directory: Path) -> Iterator[Finding]:
    """Yield a finding if the file system of the directory is almost full."""
    space = os.statvfs(directory)
    quoted = shlex.quote(str(directory))
    available = space.f_bavail * space.f_frsize
    if available < _ENOUGH_BYTES:
        yield Finding(
            code="agent-state-no-space",
            title="The state directory's file system is almost full",
            severity=Severity.FAILURE,
            detail=f"{directory} has {available / 2**20:.0f} MiB free; at least {_ENOUGH_BYTES >> 20} are expected.",
            affects="Positions of logs are not saved. After a restart the agent sends lines again.",
            remedy=(f"du -xh -d 2 {quoted} | sort -h | tail", f"df -h {quoted}"),
            depends_on=("host-disk-space-low",),
        )


def check_positions(file: Path) -> Iterator[Finding]:
    """Yield a finding if the positions file is corrupt."""
    try:
        json.loads(regular_file.read(file, MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError) and not regular_file.is_refusal(error):  # missing or unreadable
            return
        yield Finding(
            code="log-positions-corrupt",
            title="The positions file of logs is corrupt",
            severity=Severity.WARNING,
            detail=f"Expected JSON in {file}, found: {plain_text(error)}.",
            affects="The agent reads every log file from its start. Loki may hold lines twice.",
            remedy=("check for a full or damaged disk; the agent moves the file aside and starts a new one",),
        )


def positions_file(directory: Path) -> Path:
    """Return the path of the positions file."""
    return directory / POSITIONS_FILE


def _nearest(path: Path) -> Path:
    return next(step for step in (path, *path.parents) if step.exists())


def _unwritable(directory: Path, obstacle: Path, user: User) -> Finding:
    return Finding(
        code="agent-state-unwritable",
        title="The agent cannot write to its state directory",
        severity=Severity.FAILURE,
        detail=f"Expected user {user.name} to be able to write to {directory}; {obstacle} is closed to that user.",
        affects="Positions of logs are not saved, commands cannot reach the agent, and a second agent goes unnoticed.",
        remedy=(
            f"sudo chown -R {user.name}: {shlex.quote(str(directory))}",
            f"or set another state_dir at the top of {remedies.CONFIGURATION}",
        ),
    )


def _open(directory: Path) -> Finding:
    return Finding(
        code="agent-state-open",
        title="Others can write to the agent's state directory",
        severity=Severity.FAILURE,
        detail=f"The mode of {directory} is {stat.filemode(directory.stat().st_mode)}; only the owner is expected to"
        " write there.",
        affects="The agent opens no control socket there. wr-agent status and doctor cannot reach it.",
        remedy=(f"chmod go-w {shlex.quote(str(directory))}",),
    )
