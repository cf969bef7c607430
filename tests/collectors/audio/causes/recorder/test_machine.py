"""The machine's counters, in real files and in written ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from collectors.audio.causes.recorder.machine import (
    MachineLooks,
    parse_counts,
    parse_cpus,
    parse_pressure,
    parse_vmstat,
)

STAT = b"cpu  3 3 3 3 3 3 3 3 3 3\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 11 12 13 14 15 16 17 18 0 0\nintr 5 0 1\nctxt 1\n"
SOFTIRQS = b"          CPU0  CPU1\n    HI:   1   2\n TIMER: 30  40\n"
INTERRUPTS = b"   CPU0 CPU1\n 24:  1  2  IO-APIC  24-edge  xhci_hcd\nNMI:  3  4  Non-maskable interrupts\nERR:  7\n"


def test_texts_of_the_kernel_are_parsed() -> None:
    assert parse_cpus(STAT) == ((1, 2, 3, 4, 5, 6, 7, 8), (11, 12, 13, 14, 15, 16, 17, 18))
    assert parse_pressure(b"some avg10=0.00 avg60=0.00 avg300=0.00 total=12\nfull avg10=0 total=5\n") == {
        "some": 12,
        "full": 5,
    }
    assert parse_vmstat(b"nr_free 1\npgmajfault 2\nallocstall_dma 3\nallocstall_normal 4\npswpin 5\n") == {
        "allocstall": 7,
        "pgmajfault": 2,
        "pswpin": 5,
    }
    assert parse_counts(SOFTIRQS) == {"HI": 3, "TIMER": 70}
    assert parse_counts(INTERRUPTS) == {"24 xhci_hcd": 3, "NMI": 7, "ERR": 7}


@pytest.mark.parametrize("parse", [parse_cpus, parse_pressure, parse_vmstat, parse_counts])
def test_nothing_is_parsed_as_nothing(parse: object) -> None:
    assert callable(parse)
    assert not parse(b"")


def test_this_machine_can_be_read() -> None:
    looks = MachineLooks()
    looks.look(time.monotonic_ns(), memory=True, everything=True)
    (look,) = looks.tracks(0)

    assert all(sum(ticks) > 0 and len(ticks) == 8 for ticks in look.cpus)
    assert look.vmstat["pgmajfault"] > 0
    assert look.softirqs["TIMER"] > 0
    assert sum(look.interrupts.values()) > 0


def test_rarer_counters_from_before_are_kept(tmp_path: Path) -> None:
    (tmp_path / "stat").write_bytes(STAT)
    (tmp_path / "vmstat").write_bytes(b"pgmajfault 2\n")
    (tmp_path / "interrupts").write_bytes(INTERRUPTS)
    cpu = tmp_path / "cpu0"
    (cpu / "cpufreq").mkdir(parents=True)
    (cpu / "cpufreq/scaling_cur_freq").write_text("2400000\n")
    (cpu / "thermal_throttle").mkdir()
    (cpu / "thermal_throttle/core_throttle_count").write_text("3\n")
    looks = MachineLooks(tmp_path, tmp_path)
    looks.look(1, memory=True, everything=True)
    looks.look(2, memory=True, everything=False)
    looks.look(3, memory=False, everything=False)
    looks.look(4, memory=False, everything=False)
    looks.look(5, memory=False, everything=False)

    found = looks.tracks(5)

    assert [look.at_ns for look in found] == [1, 2, 4, 5]
    assert (found[0].megahertz, found[0].throttles) == ((2400.0,), (3,))
    assert looks.missing == ("The kernel has no pressure stall information (/proc/pressure).",)
