"""ZFS: its cache, its pools and their data sets, from /proc/spl/kstat/zfs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.kernel_files import read_attribute, read_text
from collectors.metrics import Family, LabelNames, LabelValues, gauge, unknown

_KSTATS = {
    "abd": "abdstats",
    "arc": "arcstats",
    "dbuf": "dbufstats",
    "dmu_tx": "dmu_tx",
    "dnode": "dnodestats",
    "fm": "fm",
    "vdev_cache": "vdev_cache_stats",
    "vdev_mirror": "vdev_mirror_stats",
    "xuio": "xuio_stats",
    "zfetch": "zfetchstats",
    "zil": "zil",
}
"""The file of each group of counters. A version of ZFS has some of them."""

_NUMBERS = frozenset({"3", "4"})
"""The kstat types of signed and unsigned 64-bit numbers."""

_STATES = ("online", "degraded", "faulted", "offline", "removed", "unavail", "suspended")
"""node_exporter's states. A pool in any other state has a series of its own."""


_POOL: LabelNames = ("zpool",)
_DATASET: LabelNames = ("zpool", "dataset")

Rows = list[tuple[str, str, str]]
"""Name, type and data of each line of a kstat."""


def parse(text: str) -> Rows:
    """Parse the lines of a named kstat, which follow `name type data`."""
    rows = [line.split(maxsplit=2) for line in text.splitlines()]
    start = next((number for number, row in enumerate(rows) if row == ["name", "type", "data"]), len(rows))
    return [(row[0], row[1], row[2]) for row in rows[start + 1 :] if len(row) > 2]  # noqa: PLR2004 - all three


def parse_io(text: str) -> dict[str, int]:
    """Return the numbers of a pool's `io` by their names: a line of names precedes a line of numbers."""
    rows = [line.split() for line in text.splitlines()]
    start = next((number for number, row in enumerate(rows) if row[:1] == ["nread"]), None)
    return {} if start is None else dict(zip(rows[start], map(int, rows[start + 1]), strict=True))


def families(root: Path) -> list[Family]:
    """Return all numbers.

    Raises:
        FileNotFoundError: The machine has no ZFS.
    """
    directory = root / "proc/spl/kstat/zfs"
    if not directory.is_dir():
        raise FileNotFoundError(directory)
    return [*_counters(directory), *_pools(directory), _states(directory)]


def _counters(directory: Path) -> Iterator[Family]:
    for group, file in _KSTATS.items():
        for name, type_, data in parse(read_attribute(directory / file) or ""):
            if type_ in _NUMBERS:
                yield unknown(f"node_zfs_{group}_{name.replace('-', '_')}", f"kstat.zfs.misc.{file}.{name}", int(data))


def _pools(directory: Path) -> list[Family]:
    found: dict[tuple[str, str, LabelNames], dict[LabelValues, float]] = {}
    for path in sorted(directory.glob("*/io")):
        for name, number in parse_io(read_text(path)).items():
            key = (f"node_zfs_zpool_{name}", f"kstat.zfs.misc.io.{name}", _POOL)
            found.setdefault(key, {})[path.parent.name,] = number
    for path in sorted(directory.glob("*/objset-*")):
        rows = parse(read_text(path))
        dataset = next((data for name, _, data in rows if name == "dataset_name"), path.name)
        for name, data in ((name, data) for name, type_, data in rows if type_ in _NUMBERS):
            key = (f"node_zfs_zpool_dataset_{name}", f"kstat.zfs.misc.objset.{name}", _DATASET)
            found.setdefault(key, {})[path.parent.name, dataset] = int(data)
    return [unknown(name, help, samples, labels) for (name, help, labels), samples in found.items()]


def _states(directory: Path) -> Family:
    pools = {path.parent.name: read_text(path).strip().lower() for path in sorted(directory.glob("*/state"))}
    samples: dict[LabelValues, float] = {
        (pool, state): int(state == found)
        for pool, found in pools.items()
        for state in dict.fromkeys((*_STATES, found))
    }
    return gauge("node_zfs_zpool_state", "kstat.zfs.misc.state", samples, ("zpool", "state"))
