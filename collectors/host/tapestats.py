"""Tape drives, from /sys/class/scsi_tape (Documentation/scsi/st.rst)."""

from __future__ import annotations

from pathlib import Path

from collectors.host.attributes import Attribute, Devices, attribute_families
from collectors.kernel_files import numbered
from collectors.metrics import Family

_PER_NANOSECOND = 1e9
_ATTRIBUTES = (
    Attribute(
        "stats/in_flight", "node_tape_io_now", "The number of I/Os currently outstanding to this device.", "gauge"
    ),
    Attribute(
        "stats/io_ns",
        "node_tape_io_time_seconds_total",
        (
            "The amount of time spent waiting for all I/O to complete (including read and write). This "
            "includes tape movement commands such as seeking between file or set marks and implicit "
            "tape movement such as when rewind on close tape devices are used."
        ),
        "counter",
        _PER_NANOSECOND,
    ),
    Attribute(
        "stats/other_cnt",
        "node_tape_io_others_total",
        (
            "The number of I/Os issued to the tape drive other than read or write commands. The time "
            "taken to complete these commands uses the following calculation io_time_seconds_total-"
            "read_time_seconds_total-write_time_seconds_total"
        ),
        "counter",
    ),
    Attribute(
        "stats/read_byte_cnt", "node_tape_read_bytes_total", "The number of bytes read from the tape drive.", "counter"
    ),
    Attribute(
        "stats/read_cnt",
        "node_tape_reads_completed_total",
        "The number of read requests issued to the tape drive.",
        "counter",
    ),
    Attribute(
        "stats/read_ns",
        "node_tape_read_time_seconds_total",
        "The amount of time spent waiting for read requests to complete.",
        "counter",
        _PER_NANOSECOND,
    ),
    Attribute(
        "stats/write_byte_cnt",
        "node_tape_written_bytes_total",
        "The number of bytes written to the tape drive.",
        "counter",
    ),
    Attribute(
        "stats/write_cnt",
        "node_tape_writes_completed_total",
        "The number of write requests issued to the tape drive.",
        "counter",
    ),
    Attribute(
        "stats/write_ns",
        "node_tape_write_time_seconds_total",
        "The amount of time spent waiting for write requests to complete.",
        "counter",
        _PER_NANOSECOND,
    ),
    Attribute(
        "stats/resid_cnt",
        "node_tape_residual_total",
        (
            "The number of times during a read or write we found the residual amount to be non-zero. "
            "This should mean that a program is issuing a read larger thean the block size on tape. For"
            " write not all data made it to tape."
        ),
        "counter",
    ),
)


def families(root: Path) -> list[Family]:
    """Return the activity of each drive.

    Raises:
        FileNotFoundError: The machine has none.
    """
    directory = root / "sys/class/scsi_tape"
    if not directory.is_dir():
        raise FileNotFoundError(directory)
    drives: Devices = {(f"st{number}",): path for number, path in numbered(directory, "st").items()}
    return attribute_families(drives, _ATTRIBUTES, ("device",))
