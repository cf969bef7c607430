"""Software RAID: state, disks and the progress of a rebuild, from /proc/mdstat."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge

_DEVICE = re.compile(r"^(\S+) : (\S+)\b")
_SIZE = re.compile(r"^\s*(\d+) blocks")
_DISKS = re.compile(r"\[(\d+)/(\d+)\]")
_SYNC = re.compile(r"(recovery|resync|check|reshape)\s*=\s*(.*)")
_SYNCED = re.compile(r"\((\d+)/\d+\)")
_STATES = ("active", "inactive", "recovering", "resync", "check")
_STATE_OF_SYNC = {"recovery": "recovering", "resync": "resync", "check": "check"}
_WITHOUT_REDUNDANCY = ("raid0", "linear")


@dataclass(slots=True)
class Array:
    """One array. A block has 1,024 bytes."""

    device: str
    state: str
    failed: int
    spare: int
    required: int = 0
    active: int = 0
    blocks: int = 0
    synced: int = 0


def parse(text: str) -> list[Array]:
    """Parse the text of /proc/mdstat (Documentation/admin-guide/md.rst); each array takes several lines."""
    arrays: list[Array] = []
    for line in text.splitlines():
        if _DEVICE.match(line) and not line.startswith(("Personalities", "unused")):
            arrays.append(_array(line))
        elif arrays:
            _add_detail(arrays[-1], line)
    return arrays


def _array(line: str) -> Array:
    device, _, state, *_ = line.split()
    found = Array(device, state, failed=line.count("(F)"), spare=line.count("(S)"))
    if any(level in line for level in _WITHOUT_REDUNDANCY):
        found.required = found.active = line.count("[")
    return found


def _add_detail(array: Array, line: str) -> None:
    if size := _SIZE.match(line):
        array.blocks = array.synced = int(size[1])
        disks = _DISKS.search(line)
        if disks and array.state != "inactive":
            array.required, array.active = int(disks[1]), int(disks[2])
    elif sync := _SYNC.search(line):
        array.state = _STATE_OF_SYNC.get(sync[1], array.state)
        synced = _SYNCED.search(line)
        array.synced = int(synced[1]) if synced else 0


def families(root: Path) -> list[Family]:
    """Return state, disks and blocks of each array."""
    arrays = parse(read_text(f"{root}/proc/mdstat"))
    device = ("device",)
    return [
        gauge("node_md_state", "Indicates the state of md-device.", dict(_states(arrays)), ("device", "state")),
        gauge(
            "node_md_disks", "Number of active/failed/spare disks of device.", dict(_disks(arrays)), ("device", "state")
        ),
        *(
            gauge(name, help, {(array.device,): value(array) for array in arrays}, device)
            for name, help, value in _NUMBERS
        ),
    ]


_NUMBERS: tuple[tuple[str, str, Callable[[Array], int]], ...] = (
    ("node_md_disks_required", "Total number of disks of device.", lambda array: array.required),
    ("node_md_blocks", "Total number of blocks on device.", lambda array: array.blocks),
    ("node_md_blocks_synced", "Number of blocks synced on device.", lambda array: array.synced),
)


def _states(arrays: list[Array]) -> Iterator[tuple[tuple[str, str], int]]:
    for array in arrays:
        for state in _STATES:
            yield (array.device, state), int(array.state == state)


def _disks(arrays: list[Array]) -> Iterator[tuple[tuple[str, str], int]]:
    for array in arrays:
        yield (array.device, "active"), array.active
        yield (array.device, "failed"), array.failed
        yield (array.device, "spare"), array.spare
