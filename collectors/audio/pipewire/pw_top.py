"""Parser of the output of PipeWire's `pw-top`. Pure.

The format is that of pw-top(1): columns of fixed width, then the format and the name. Other programs can read it since
0.3.79, which brought `--batch-mode`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BATCH_SINCE = (0, 3, 79)
NAME_CHARACTERS = 128
"""The limit of a node's name, which the program chooses; the rest is cut."""

_HEADER = "S   ID  QUANT "
_ROW = re.compile(
    r"(?P<state>\S) +(?P<id>\d+) +(?P<quantum>\d+) +(?P<rate>\d+) +(?P<wait>\S+) +(?P<busy>\S+) +(?P<load>\S+) +\S+"
    r" +(?P<errors>\d+) (?P<format>.{16}) (?P<follows> [+=] )?(?P<name>.*)"
)
_TIME = re.compile(r"(\d+\.\d)(us|ms|s)")
_EXPONENT = {"us": "e-6", "ms": "e-3", "s": ""}
_VERSION = re.compile(r"Linked with libpipewire (\d+)\.(\d+)\.(\d+)")
_LATE = "+++"
_UNMEASURED = {"---", "???"}


@dataclass(frozen=True, slots=True)
class Node:
    """One node of PipeWire's graph at one instant.

    Attributes:
        id: Its number while it exists.
        name: Its `node.name`, cut to `NAME_CHARACTERS`; several nodes may share one.
        driver: The name of the node that drives it; its own name for a driver.
        state: pw-top's letter: `R`, `t` and `T` run, `I` is idle, `S` suspended, `C` being created, `E` in error.
        quantum: Frames a cycle: of a driver the effective number, of a follower the requested one or 0 for any.
        rate: Frames a second, likewise.
        period: Duration of the driver's cycle in seconds; 0 if it does not run.
        wait: Seconds until the node woke up; of a driver, until the whole graph was finished. None if unknown or if it
            did not wake up.
        busy: Seconds that the node was busy; None if unknown or if it did not finish.
        late: Whether it had not woken up or not finished when the next cycle began.
        errors: Xruns and errors since the node was created; None without a measured cycle, as while suspended.
        format: The sample format of a device or stream, such as `S32LE 2 48000`.
    """

    id: int
    name: str
    driver: str
    state: str
    quantum: int
    rate: int
    period: float
    wait: float | None
    busy: float | None
    late: bool
    errors: int | None
    format: str


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Return the library version that `pw-top --version` prints."""
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def parse_nodes(text: str) -> tuple[Node, ...]:
    """Return the nodes of the last table of `pw-top --batch-mode`; the first table has names only."""
    nodes: list[Node] = []
    driver, period = "", 0.0
    for line in text.rpartition(_HEADER)[2].splitlines()[1:]:
        row = _ROW.fullmatch(line)
        if row is None:
            continue
        quantum, rate = int(row["quantum"]), int(row["rate"])
        name = row["name"][:NAME_CHARACTERS]
        if not row["follows"]:
            driver, period = name, quantum / rate if rate else 0.0
        measured = row["load"] not in _UNMEASURED
        nodes.append(
            Node(
                id=int(row["id"]),
                name=name,
                driver=driver,
                state=row["state"],
                quantum=quantum,
                rate=rate,
                period=period,
                wait=_seconds(row["wait"]) if measured else None,
                busy=_seconds(row["busy"]) if measured else None,
                late=_LATE in {row["wait"], row["busy"]},
                errors=int(row["errors"]) if measured else None,
                format=row["format"].strip(),
            )
        )
    return tuple(nodes)


def _seconds(text: str) -> float | None:
    found = _TIME.fullmatch(text)
    return float(found[1] + _EXPONENT[found[2]]) if found else None
