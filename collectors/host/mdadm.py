"""Software RAID: state, disks and the progress of a rebuild, from /proc/mdstat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.host.attributes import Devices
from collectors.kernel_files import read_attribute, read_number, read_text
from collectors.metrics import Family, LabelValues, gauge

_DEVICE = ("device",)
_MEMBER = re.compile(r"\S+\[\d+\]((?:\(\w\))*)")
_SIZE = re.compile(r"^\s*(\d+) blocks")
_DISKS = re.compile(r"\[(\d+)/(\d+)\]")
_SYNC = re.compile(r"\b([a-z]+)\s*=\s*(?:[\d.]+%|DELAYED|PENDING|REMOTE)")
_SYNCED = re.compile(r"\((\d+)/\d+\)")
_STATES = ("active", "inactive", "recovering", "resync", "check")
"""node_exporter's states. An array in any other state, such as `broken` or `reshape`, has a series of its own."""

_STATE_OF_SYNC = {"recovery": "recovering"}
_STRIPES = frozenset({"raid0", "linear"})
"""Levels without redundancy, whose members are all required."""


@dataclass(slots=True)
class Array:
    """One array. A block has 1,024 bytes. `required` and `active` are None where the kernel does not state them."""

    device: str
    state: str
    failed: int
    spare: int
    required: int | None = None
    active: int | None = None
    blocks: int = 0
    synced: int = 0


def parse(text: str) -> list[Array]:
    """Parse the text of /proc/mdstat (Documentation/admin-guide/md.rst); each array takes several lines."""
    arrays: list[Array] = []
    for line in text.splitlines():
        name, is_array, rest = line.partition(" : ")
        if is_array and not line.startswith((" ", "Personalities", "unused")):
            arrays.append(_array(name, rest.split()))
        elif arrays:
            _add_detail(arrays[-1], line)
    return arrays


def _array(name: str, words: list[str]) -> Array:
    """Parse `active (auto-read-only) raid1 sdb1[1] sda1[0](F)`: the state, notes on it, the level, the members."""
    state, *rest = words
    flags = [found[1] for word in rest if (found := _MEMBER.fullmatch(word))]
    levels = [word for word in rest if not _MEMBER.fullmatch(word) and not word.startswith("(")]
    failed, spare = sum("(F)" in flag for flag in flags), sum("(S)" in flag for flag in flags)
    array = Array(name, state, failed, spare)
    if state == "inactive":
        array.required = array.active = 0
    elif not _STRIPES.isdisjoint(levels):
        array.required, array.active = len(flags) - spare, len(flags) - spare - failed
    return array


def _add_detail(array: Array, line: str) -> None:
    if size := _SIZE.match(line):
        array.blocks = array.synced = int(size[1])
        disks = _DISKS.search(line)
        if disks and array.state != "inactive":
            array.required, array.active = int(disks[1]), int(disks[2])
    elif sync := _SYNC.search(line):
        array.state = _STATE_OF_SYNC.get(sync[1], sync[1])
        synced = _SYNCED.search(line)
        array.synced = int(synced[1]) if synced else 0


def families(root: Path) -> list[Family]:
    """Return state, disks and blocks of each array."""
    arrays = parse(read_text(f"{root}/proc/mdstat"))
    directories: Devices = {(array.device,): root / "sys/block" / array.device / "md" for array in arrays}
    return [
        gauge("node_md_state", "Indicates the state of md-device.", dict(_states(arrays)), ("device", "state")),
        gauge(
            "node_md_disks", "Number of active/failed/spare disks of device.", dict(_disks(arrays)), ("device", "state")
        ),
        gauge(
            "node_md_disks_required",
            "Total number of disks of device.",
            {(array.device,): array.required for array in arrays if array.required is not None},
            _DEVICE,
        ),
        gauge(
            "node_md_blocks",
            "Total number of blocks on device.",
            {(array.device,): array.blocks for array in arrays},
            _DEVICE,
        ),
        gauge(
            "node_md_blocks_synced",
            "Number of blocks synced on device.",
            {(array.device,): array.synced for array in arrays},
            _DEVICE,
        ),
        *_from_sys(directories),
    ]


def _from_sys(directories: Devices) -> list[Family]:
    """Return the numbers that only /sys has. In a reshape the kernel writes `11 (10)`: the new number, the old."""
    disks = {labels: (read_attribute(path / "raid_disks") or "").split() for labels, path in directories.items()}
    degraded = {labels: read_number(path / "degraded") for labels, path in directories.items()}
    return [
        gauge(
            "node_md_raid_disks",
            "Number of raid disks on device.",
            {labels: int(words[0]) for labels, words in disks.items() if words and words[0].isdecimal()},
            _DEVICE,
        ),
        gauge(
            "node_md_degraded",
            "Number of degraded disks on device.",
            {labels: number for labels, number in degraded.items() if number is not None},
            _DEVICE,
        ),
    ]


def _states(arrays: list[Array]) -> Iterator[tuple[LabelValues, int]]:
    for array in arrays:
        for state in dict.fromkeys((*_STATES, array.state)):
            yield (array.device, state), int(array.state == state)


def _disks(arrays: list[Array]) -> Iterator[tuple[LabelValues, int]]:
    for array in arrays:
        if array.active is not None:
            yield (array.device, "active"), array.active
        yield (array.device, "failed"), array.failed
        yield (array.device, "spare"), array.spare
