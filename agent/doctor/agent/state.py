"""Whether the agent can keep what must survive a restart: its state directory, the positions of logs, the space."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from agent.core.instance import FILE as LOCK
from agent.doctor.machine.user import ENTER, READ, WRITE, User
from collectors.findings import Finding, Severity
from collectors.logs.collector import POSITIONS_FILE

_ENOUGH_BYTES = 64 << 20


def check(directory: Path, person: User) -> Iterator[Finding]:
    """Findings about the state directory.

    Args:
        directory: The state directory, absolute; it may still have to be made.
        person: Whom the agent runs as.
    """
    there = _nearest(directory)
    obstacle = person.obstacle(there, WRITE | ENTER) or person.obstacle(directory / LOCK, READ | WRITE)
    if obstacle:
        yield _unwritable(directory, obstacle, person)
    elif there == directory and directory.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield _open(directory)
    yield from check_space(there)


def check_space(directory: Path) -> Iterator[Finding]:
    """A finding if there is hardly any space where the directory lies."""
    space = os.statvfs(directory)
    available = space.f_bavail * space.f_frsize
    if available < _ENOUGH_BYTES:
        yield Finding(
            code="agent-state-no-space",
            title="There is hardly any space for what the agent must remember",
            severity=Severity.FAILURE,
            detail=f"{directory} has {available / 2**20:.0f} MiB free; at least {_ENOUGH_BYTES >> 20} are expected.",
            affects="Positions of logs are not saved: after a restart lines are sent again.",
            remedy=(f"du -xh -d 2 {directory} | sort -h | tail", f"df -h {directory}"),
            depends_on=("host-disk-space-low",),
        )


def check_positions(file: Path) -> Iterator[Finding]:
    """A finding if the positions of logs, which are there, cannot be read as such."""
    try:
        json.loads(file.read_bytes())
    except OSError:  # there are none, or they are not ours to see
        return
    except ValueError as error:
        yield Finding(
            code="log-positions-corrupt",
            title="The log positions are no positions",
            severity=Severity.WARNING,
            detail=f"Expected JSON in {file}, found: {error}.",
            affects="The agent will begin every log file again; Loki may hold lines twice.",
            remedy=("look for a full or damaged disk; the agent moves the file aside and begins a new one",),
        )


def positions_file(directory: Path) -> Path:
    """Where the positions of logs are kept."""
    return directory / POSITIONS_FILE


def _nearest(path: Path) -> Path:
    return next(step for step in (path, *path.parents) if step.exists())


def _unwritable(directory: Path, obstacle: Path, person: User) -> Finding:
    return Finding(
        code="agent-state-unwritable",
        title="The agent cannot write to its state directory",
        severity=Severity.FAILURE,
        detail=f"Expected user {person.name} to be able to write to {directory}; {obstacle} is closed to that user.",
        affects="Positions of logs are not saved, commands cannot reach the agent, a second one is not noticed.",
        remedy=(f"sudo chown -R {person.name}: {directory}", "or set another state_dir in the configuration"),
    )


def _open(directory: Path) -> Finding:
    return Finding(
        code="agent-state-open",
        title="Others can write to the agent's state directory",
        severity=Severity.FAILURE,
        detail=f"The mode of {directory} is {stat.filemode(directory.stat().st_mode)}; only the owner is expected to"
        " write there.",
        affects="The agent opens no control socket there: wr-agent status and doctor do not reach it.",
        remedy=(f"chmod go-w {directory}",),
    )
