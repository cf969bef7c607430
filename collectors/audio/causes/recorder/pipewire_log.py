"""The lines that PipeWire logged around a dropout, from systemd's journal.

The journal is read only after a dropout, so that nothing is read while nothing happens.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from collectors.audio.causes.evidence import ClientCycle, Cycle, Incident
from collectors.audio.pipewire.xrun_lines import LateNode, is_about_an_xrun, parse_late_node
from collectors.child_process import end_child, ending, start_child

_SECOND_NS = 1_000_000_000
_DEADLINE_SECONDS = 2.0
_MOST_LINES = 400
_TEXT_LENGTH = 300
_COMMAND = ("journalctl", "--quiet", "--output=json", "--no-pager", "--lines=1000")


class LoggedLine(NamedTuple):
    """A line of the journal.

    Attributes:
        at_ns: Monotonic time at which the journal received it.
        text: The line.
    """

    at_ns: int
    text: str


def parse_journal(output: str) -> list[LoggedLine]:
    """Return the lines about xruns in journalctl's JSON."""
    found = []
    for line in output.splitlines():
        try:
            fields = json.loads(line)
            text, at_ns = fields["MESSAGE"], int(fields["__MONOTONIC_TIMESTAMP"]) * 1000
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(text, str) and is_about_an_xrun(text):
            found.append(LoggedLine(at_ns, text))
    return found[:_MOST_LINES]


def incidents(lines: Iterable[LoggedLine]) -> tuple[Incident, ...]:
    """Return each line as an incident that names the late node."""
    return tuple(
        Incident(
            at_ns=line.at_ns,
            since_ns=line.at_ns,
            kind="server_log",
            name=node.name if (node := parse_late_node(line.text)) is not None else "",
            text=line.text[:_TEXT_LENGTH],
        )
        for line in lines
    )


def cycles(lines: Iterable[LoggedLine]) -> tuple[Cycle, ...]:
    """Return the late nodes with known times as cycles; lines of one time are one cycle."""
    found: dict[int, list[ClientCycle]] = {}
    for line in lines:
        node = parse_late_node(line.text)
        if node is not None and node.signalled_ns:
            found.setdefault(_cycle_ns(node, line), []).append(ClientCycle(*node))
    return tuple(Cycle(at_ns, tuple(clients)) for at_ns, clients in sorted(found.items()))


def _cycle_ns(node: LateNode, line: LoggedLine) -> int:
    """Return the time of the observation: the line's, but not before the node's own times."""
    return max(line.at_ns, node.signalled_ns, node.awake_ns)


async def read_journal(
    first_ns: int, last_ns: int, command: Sequence[str] = _COMMAND
) -> tuple[tuple[LoggedLine, ...], str]:
    """Return the lines about xruns between two monotonic times, and the reason why there are none.

    Args:
        first_ns: Monotonic time of the first line.
        last_ns: Monotonic time of the last one.
        command: The command to run as `journalctl`; a seam for tests.
    """
    if shutil.which(command[0]) is None:
        return (), "PipeWire's log cannot be read: there is no journalctl."
    since = time.time() - (time.monotonic_ns() - first_ns) / _SECOND_NS
    process = await start_child(
        *(*command, f"--since=@{int(since) - 1}", "_COMM=pipewire", "+", "_COMM=pipewire-pulse"),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        output, failure = await asyncio.wait_for(process.communicate(), _DEADLINE_SECONDS)
    except TimeoutError:
        return (), f"PipeWire's log cannot be read: journalctl took more than {_DEADLINE_SECONDS:g} s."
    finally:
        await end_child(process)
    if process.returncode:
        reason = failure.decode(errors="replace").strip().partition("\n")[0] or ending(process.returncode)
        return (), f"PipeWire's log cannot be read: {reason}."
    lines = parse_journal(output.decode(errors="replace"))
    return tuple(line for line in lines if first_ns <= line.at_ns <= last_ns), ""
