"""The kernel's log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collectors.audio.causes.recorder.kernel_log import KernelLog, parse_record

USB = b"6,1042,5000000,-;usb 1-2: reset high-speed USB device number 3 using xhci_hcd\n SUBSYSTEM=usb\n"


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (USB, (5_000_000_000, "usb 1-2: reset high-speed USB device number 3 using xhci_hcd")),
        (b"4,1,7,-;xhci_hcd 0000:00:14.0: WARN Event TRB for slot 1 ep 2 with no TDs queued\n", (7000, None)),
        (b"3,2,8,-;Out of memory: Killed process 7 (ardour)\n", (8000, None)),
        (b"6,3,9,-;eth0: link up\n", None),
        (b"14,3,9,-;usb: written by a program\n", None),
        (b"noise", None),
    ],
)
def test_relevant_records_are_chosen(record: bytes, found: tuple[int, str | None] | None) -> None:
    parsed = parse_record(record)

    assert (parsed is None) == (found is None)
    if parsed is not None and found is not None:
        assert parsed[0] == found[0]
        assert found[1] in {None, parsed[1]}


def test_a_line_lies_between_two_looks(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    os.mkfifo(path)
    log = KernelLog(4_900_000_000, path)
    with path.open("wb", buffering=0) as kernel:
        kernel.write(USB)
        (exact,) = log.read(5_200_000_000)
        kernel.write(USB)
        (unsure,) = log.read(9_000_000_000)

    assert (exact.kind, exact.since_ns, exact.at_ns) == ("kernel_log", 5_000_000_000, 5_000_000_000)
    assert (unsure.since_ns, unsure.at_ns) == (5_200_000_000, 9_000_000_000)
    log.close()


def test_a_log_that_may_not_be_read_is_a_reason(tmp_path: Path) -> None:
    log = KernelLog(0, tmp_path / "missing")

    assert log.failure == "No such file or directory"
    assert log.read(1) == []
