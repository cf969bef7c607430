"""The fields of `/proc/PID/stat` that explain a dropout (proc(5)). Pure."""

from __future__ import annotations

import os
from typing import NamedTuple

POLICIES = ("other", "fifo", "rr", "batch", "iso", "idle", "deadline")
"""The names of the kernel's scheduling policies by number."""
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class TaskStat(NamedTuple):
    """One process or thread.

    Attributes:
        name: The command.
        state: The state letter.
        parent: The parent process.
        major_faults: Major page faults.
        children_ns: Processor time of its children that have ended and that it waited for.
        nice: Its niceness.
        threads: Number of threads.
        started_ns: Time of its start since boot, with suspended time.
        cpu: The processor that it ran on last.
        priority: Real-time priority.
        policy: The name of the scheduling policy.
        block_ticks: Ticks of waiting for block I/O; 0 if the kernel does not account them.
    """

    name: str
    state: str
    parent: int
    major_faults: int
    children_ns: int
    nice: int
    threads: int
    started_ns: int
    cpu: int
    priority: int
    policy: str
    block_ticks: int


def parse_stat(content: bytes) -> TaskStat:
    """Return the fields of one `stat` file.

    Raises:
        ValueError: The content is no such file.
        IndexError: It is cut.
    """
    start, end = content.index(b"("), content.rindex(b")")
    fields = content[end + 2 :].split()
    policy = int(fields[38])
    return TaskStat(
        name=content[start + 1 : end].decode(errors="replace"),
        state=chr(fields[0][0]),
        parent=int(fields[1]),
        major_faults=int(fields[9]),
        children_ns=(int(fields[13]) + int(fields[14])) * TICK_NS,
        nice=int(fields[16]),
        threads=int(fields[17]),
        started_ns=int(fields[19]) * TICK_NS,
        cpu=int(fields[36]),
        priority=int(fields[37]),
        policy=POLICIES[policy] if policy < len(POLICIES) else str(policy),
        block_ticks=int(fields[39]),
    )


def parse_schedstat(content: bytes) -> tuple[int, int, int]:
    """Return running time, waiting time and slices of one `schedstat` file.

    Raises:
        ValueError: The content is no such file.
    """
    run, wait, slices = content.split()
    return int(run), int(wait), int(slices)
