"""Parser of the lines that PipeWire logs about late nodes. Pure.

The formats are those of `impl-node.c`: `xrun state` since 1.1, `client too slow` before. Times are monotonic
nanoseconds. A node that has not woken up in this cycle has the times of its last one, so that differences wrap.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from collectors.audio.pipewire.pw_top import NAME_CHARACTERS

_LATE = re.compile(
    r"\((?P<name>.+)-\d+\) xrun state:\S+ pending:\S+ s:(?P<signalled>\d+) a:(?P<awake>\d+) f:(?P<finished>\d+)"
    r" waiting:\d+ process:\d+ status:(?P<status>[\w-]+)"
)
_TOO_SLOW = re.compile(r"\((?P<name>.+)-\d+\) client too slow! .* status:(?P<status>[\w-]+)")
_GRAPH = re.compile(r"\((?P<name>.+)-\d+\) graph xrun")
_STATES = {"triggered": "triggered", "awake": "running", "finished": "finished"}


class LateNode(NamedTuple):
    """A node that was late.

    Attributes:
        name: Its `node.name`.
        signalled_ns: Time of its signal; 0 if the line does not tell it.
        awake_ns: Time at which its callback began, likewise.
        finished_ns: Time at which its callback ended, likewise.
        state: `triggered` (not running yet), `running`, `finished` or `idle`.
    """

    name: str
    signalled_ns: int
    awake_ns: int
    finished_ns: int
    state: str


def parse_late_node(line: str) -> LateNode | None:
    """Return the late node in a line of PipeWire's log; None for any other line."""
    if found := _LATE.search(line):
        times = int(found["signalled"]), int(found["awake"]), int(found["finished"])
        return LateNode(found["name"][:NAME_CHARACTERS], *times, _STATES.get(found["status"], "idle"))
    if found := _TOO_SLOW.search(line):
        return LateNode(found["name"][:NAME_CHARACTERS], 0, 0, 0, _STATES.get(found["status"], "idle"))
    return None


def is_about_an_xrun(line: str) -> bool:
    """Return whether a line of PipeWire's log is about an xrun."""
    return parse_late_node(line) is not None or _GRAPH.search(line) is not None
