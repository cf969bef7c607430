"""The snapshots that a stopped agent has not sent, read without a change of its queue."""

from __future__ import annotations

import contextlib
from pathlib import Path

from agent.push import segment as files
from agent.push.health import QueueState
from agent.push.progress import Progress
from collectors.findings import Finding, Severity


def check(directory: Path) -> list[Finding]:
    """Return a finding if unsent snapshots wait in the directory of a queue. Blocks on the disk."""
    with contextlib.suppress(OSError, ValueError):  # no queue, or none that this user may read
        queue = read(directory)
        return [_unsent(directory, queue)] if queue.size else []
    return []


def read(directory: Path) -> QueueState:
    """Return the state of the queue of a stopped agent. Blocks on the disk.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file is damaged.
    """
    progress = Progress(directory)
    progress.look()
    segments = [files.scan(path) for path in sorted(directory.glob(f"*{files.SUFFIX}"))]
    parts = [(one, part) for one in segments for part in progress.pending(one.first, one.stop)]
    size, oldest = files.measured(parts)
    return QueueState(size, oldest, max((max(one.times) for one in segments if one.times), default=0))


def _unsent(directory: Path, queue: QueueState) -> Finding:
    seconds = (queue.newest - queue.oldest) / 1000
    return Finding(
        code="remote-write-unsent",
        title="The stopped agent has unsent metrics",
        severity=Severity.INFO,
        detail=f"Expected an empty queue in {directory}. Found {seconds:.0f} s of snapshots, {queue.size >> 10} KiB.",
        affects="The receiver lacks them until the agent runs again.",
        remedy=("start the agent, which sends them",),
    )
