"""Block caches, from /sys/fs/bcache (Documentation/admin-guide/bcache.rst)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel_files import entries, read_attribute
from collectors.metrics import Family, LabelNames, LabelValues, MetricType, gauge

_NANOSECOND = 1e-9
"""The unit of the kernel's `_us` files, as node_exporter reads them."""

_HUMAN = re.compile(r"(-?)(\d+)(?:\.(\d+))?([kMGTPEZY]?)")
_POWERS = "kMGTPEZY"


@dataclass(frozen=True, slots=True)
class _Number:
    """One file and its family."""

    file: str
    name: str
    help: str
    type: MetricType = "gauge"
    unit: float = 1


_OF_A_SET = (
    _Number("average_key_size", "average_key_size_sectors", "Average data per key in the btree (sectors)."),
    _Number("btree_cache_size", "btree_cache_size_bytes", "Amount of memory currently used by the btree cache."),
    _Number(
        "cache_available_percent",
        "cache_available_percent",
        "Percentage of cache device without dirty data, usable for writeback (may contain clean cached data).",
    ),
    _Number("congested", "congested", "Congestion."),
    _Number(
        "root_usage_percent",
        "root_usage_percent",
        "Percentage of the root btree node in use (tree depth increases if too high).",
    ),
    _Number("tree_depth", "tree_depth", "Depth of the btree."),
    _Number(
        "internal/active_journal_entries",
        "active_journal_entries",
        "Number of journal entries that are newer than the index.",
    ),
    _Number("internal/btree_nodes", "btree_nodes", "Total nodes in the btree."),
    _Number(
        "internal/btree_read_average_duration_us",
        "btree_read_average_duration_seconds",
        "Average btree read duration.",
        "gauge",
        _NANOSECOND,
    ),
    _Number(
        "internal/cache_read_races",
        "cache_read_races_total",
        (
            "Counts instances where while data was being read from the cache, "
            "the bucket was reused and invalidated - i.e. where the pointer was stale after the read completed."
        ),
        "counter",
    ),
)
_OF_A_BACKING_DEVICE = (
    _Number("dirty_data", "dirty_data_bytes", "Amount of dirty data for this backing device in the cache."),
    _Number(
        "stats_total/bypassed",
        "bypassed_bytes_total",
        "Amount of IO (both reads and writes) that has bypassed the cache.",
        "counter",
    ),
    _Number(
        "stats_total/cache_hits", "cache_hits_total", "Hits counted per individual IO as bcache sees them.", "counter"
    ),
    _Number(
        "stats_total/cache_misses",
        "cache_misses_total",
        "Misses counted per individual IO as bcache sees them.",
        "counter",
    ),
    _Number(
        "stats_total/cache_bypass_hits", "cache_bypass_hits_total", "Hits for IO intended to skip the cache.", "counter"
    ),
    _Number(
        "stats_total/cache_bypass_misses",
        "cache_bypass_misses_total",
        "Misses for IO intended to skip the cache.",
        "counter",
    ),
    _Number(
        "stats_total/cache_miss_collisions",
        "cache_miss_collisions_total",
        "Instances where data insertion from cache miss raced with write (data already present).",
        "counter",
    ),
    _Number("stats_total/cache_readaheads", "cache_readaheads_total", "Count of times readahead occurred.", "counter"),
)
_OF_A_CACHE_DEVICE = (
    _Number("io_errors", "io_errors", "Number of errors that have occurred, decayed by io_error_halflife."),
    _Number(
        "metadata_written",
        "metadata_written_bytes_total",
        "Sum of all non data writes (btree writes and all other metadata).",
        "counter",
    ),
    _Number("written", "written_bytes_total", "Sum of all data that has been written to the cache.", "counter"),
)
_WRITEBACK = (
    ("target", "dirty_target_bytes", "Current dirty data target threshold for this backing device in bytes."),
    ("rate", "writeback_rate", "Current writeback rate for this backing device in bytes."),
    (
        "proportional",
        "writeback_rate_proportional_term",
        "Current result of proportional controller, part of writeback rate",
    ),
    ("integral", "writeback_rate_integral_term", "Current result of integral controller, part of writeback rate"),
    ("change", "writeback_change", "Last writeback rate change step for this backing device."),
)


_Directories = Mapping[LabelValues, Path]


def parse_number(text: str) -> int:
    """Parse a number as bcache prints it: `20.4G`, where the digits after the point count 1,024ths by hundreds.

    Raises:
        ValueError: The text has another form.
    """
    found = _HUMAN.match(text)
    if found is None:
        raise ValueError(f"expected a number such as 20.4G of bcache, found {text!r}")
    sign, whole, fraction, power = found.groups()
    number = int(whole) + (int(fraction) / 10.24 if fraction else 0)
    scaled = int(number * 1024 ** (_POWERS.index(power) + 1 if power else 0))
    return -scaled if sign else scaled


def families(root: Path) -> list[Family]:
    """Return the numbers of every set, its backing devices and its cache devices; none without bcache."""
    directory = root / "sys/fs/bcache"
    sets: _Directories = {(uuid,): directory / uuid for uuid in entries(directory) if "-" in uuid}
    if not sets:
        return []
    backing = _devices(sets.values(), "bdev")
    return [
        *_families(sets, _OF_A_SET, ("uuid",)),
        *_families(backing, _OF_A_BACKING_DEVICE, ("uuid", "backing_device")),
        *_writeback(backing),
        *_families(_devices(sets.values(), "cache"), _OF_A_CACHE_DEVICE, ("uuid", "cache_device")),
    ]


def _devices(sets: Iterable[Path], prefix: str) -> _Directories:
    return {(path.name, device.name): device for path in sets for device in sorted(path.glob(f"{prefix}[0-9]*"))}


def _families(directories: _Directories, numbers: Iterable[_Number], labels: LabelNames) -> list[Family]:
    return [
        Family(f"node_bcache_{number.name}", number.type, number.help, labels, _samples(directories, number))
        for number in numbers
    ]


def _samples(directories: _Directories, number: _Number) -> dict[LabelValues, float]:
    texts = {labels: read_attribute(directory / number.file) for labels, directory in directories.items()}
    return {labels: parse_number(text) * number.unit for labels, text in texts.items() if text}


def _writeback(backing: _Directories) -> list[Family]:
    debug = {labels: _lines(read_attribute(path / "writeback_rate_debug") or "") for labels, path in backing.items()}
    return [
        gauge(
            f"node_bcache_{name}",
            help,
            {labels: parse_number(lines[key]) for labels, lines in debug.items() if key in lines},
            ("uuid", "backing_device"),
        )
        for key, name, help in _WRITEBACK
    ]


def _lines(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {key: value.strip() for key, _, value in pairs}
