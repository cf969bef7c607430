import gzip
import time
from pathlib import Path

import pytest

from agent.doctor.machine import kernel, memory, processors, timers
from tests.agent.doctor.support import Machine, codes

CONFIG = "boot/config-6.1.0-18-amd64"
RELEASE = {"proc/sys/kernel/osrelease": "6.1.0-18-amd64\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"sys/kernel/realtime": "1\n"}, "rt"),
        ({"sys/kernel/debug/sched/preempt": "none voluntary (full)\n", "proc/cmdline": "preempt=none"}, "full"),
        ({"proc/cmdline": "quiet preempt=full\n", CONFIG: "CONFIG_PREEMPT_VOLUNTARY=y\n"}, "full"),
        (
            {CONFIG: "# CONFIG_PREEMPT_NONE is not set\nCONFIG_PREEMPT_VOLUNTARY=y\nCONFIG_PREEMPT_DYNAMIC=y\n"},
            "voluntary",
        ),
        ({CONFIG: "CONFIG_PREEMPT_RT=y\n"}, "rt"),
        ({"proc/cmdline": "quiet\n"}, ""),
        ({"proc/sys/kernel/version": "#1 SMP PREEMPT_RT Debian 6.12.48-1\n"}, "rt"),
        ({"proc/sys/kernel/version": "#1 SMP PREEMPT RT Debian 4.19\n"}, "rt"),
        ({"proc/sys/kernel/version": "#1 SMP PREEMPT_RT x\n", "proc/cmdline": "preempt=full"}, "rt"),
        (
            {
                "proc/sys/kernel/version": "#1 SMP PREEMPT_RT x\n",
                "sys/kernel/debug/sched/preempt": "full (lazy)\n",
            },
            "rt",
        ),
        (
            {"proc/sys/kernel/version": "#1 SMP PREEMPT_DYNAMIC x\n", CONFIG: "CONFIG_PREEMPT_VOLUNTARY=y\n"},
            "voluntary",
        ),
        ({"proc/sys/kernel/version": "#1 SMP PREEMPT_DYNAMIC x\n"}, ""),
        ({"proc/sys/kernel/version": "#1 SMP PREEMPT Debian 5.10\n"}, "full"),
        ({"proc/sys/kernel/version": "#1 SMP Debian RT-PREEMPT\n"}, ""),
        ({"sys/kernel/debug/sched/preempt": "none voluntary full (lazy)\n"}, "lazy"),
    ],
)
def test_the_preemption_model_is_what_says_so_first(machine: Machine, files: dict[str, str], expected: str) -> None:
    assert kernel.preemption(machine(RELEASE | files)) == expected


def test_a_kernel_may_carry_its_own_configuration(machine: Machine) -> None:
    root = machine(RELEASE)
    (root / "proc/config.gz").write_bytes(gzip.compress(b"CONFIG_PREEMPT=y\n"))

    assert kernel.preemption(root) == "full"


@pytest.mark.parametrize(
    ("model", "threaded", "expected"),
    [
        ("full", True, []),
        ("rt", False, []),
        ("", True, []),
        ("voluntary", True, ["kernel-preempts-late"]),
        ("none", False, ["kernel-preempts-late", "kernel-interrupts-not-threaded"]),
        ("full", False, ["kernel-interrupts-not-threaded"]),
    ],
)
def test_findings_of_the_kernel(model: str, threaded: bool, expected: list[str]) -> None:  # noqa: FBT001 - a case
    assert codes(kernel.check(model, threaded=threaded)) == expected


def test_threaded_interrupts_are_asked_for_on_the_command_line(machine: Machine) -> None:
    assert not kernel.threaded_interrupts(machine({"proc/cmdline": "quiet nothreadirqs"}))
    assert kernel.threaded_interrupts(machine({"proc/cmdline": "quiet threadirqs"}))


@pytest.mark.parametrize(
    "files",
    [
        {"sys/kernel/realtime": "1\n"},
        {"proc/sys/kernel/version": "#1 SMP PREEMPT_RT Debian 6.12.48-1\n"},
        {CONFIG: "CONFIG_PREEMPT_RT=y\n"},
    ],
)
def test_a_real_time_kernel_has_threaded_interrupts(machine: Machine, files: dict[str, str]) -> None:
    root = machine(RELEASE | files)

    assert kernel.check(kernel.preemption(root), threaded=kernel.threaded_interrupts(root)) == []


def test_a_kernel_that_is_not_real_time_has_none(machine: Machine) -> None:
    files = {"sys/kernel/realtime": "0\n", "proc/sys/kernel/version": "#1 SMP PREEMPT_DYNAMIC Debian\n"}

    assert not kernel.threaded_interrupts(machine(RELEASE | files))


@pytest.mark.parametrize(
    ("resolution", "source", "expected"),
    [
        (1e-9, "tsc", []),
        (1e-9, "", []),
        (4e-3, "tsc", ["kernel-timers-coarse"]),
        (1e-9, "hpet", ["kernel-clock-slow"]),
    ],
)
def test_findings_of_timers(resolution: float, source: str, expected: list[str]) -> None:
    assert codes(timers.check(resolution, source)) == expected


def test_the_clock_source_is_the_current_one(machine: Machine, tmp_path: Path) -> None:
    assert timers.clock_source(tmp_path) == ""
    assert (
        timers.clock_source(machine({"sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet\n"}))
        == "hpet"
    )


def test_this_kernel_has_exact_timers() -> None:
    assert timers.check(time.clock_getres(time.CLOCK_MONOTONIC), "") == []


def cpu(number: int, allowed: int) -> dict[str, str]:
    folder = f"sys/devices/system/cpu/cpu{number}/cpufreq"
    return {f"{folder}/scaling_max_freq": f"{allowed}\n", f"{folder}/cpuinfo_max_freq": "4000000\n"}


def test_a_capped_frequency_is_found(machine: Machine) -> None:
    capped = processors.caps(machine(cpu(0, 4000000) | cpu(1, 2000000)))

    assert capped == {"0": 1.0, "1": 0.5}
    assert codes(processors.check(capped, shared=False)) == ["cpu-frequency-capped"]
    assert processors.check({"0": 1.0}, shared=False) == []


@pytest.mark.parametrize(("active", "expected"), [("1\n", ["cpu-cores-shared"]), ("0\n", [])])
def test_shared_cores_are_found(machine: Machine, active: str, expected: list[str]) -> None:
    shared = processors.shares_cores(machine({"sys/devices/system/cpu/smt/active": active}))

    assert codes(processors.check({}, shared=shared)) == expected


SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


@pytest.mark.parametrize(
    ("areas", "willing", "expected"),
    [
        ("/dev/sda2 partition 1 0 -2\n", "60\n", ["memory-swapped-early"]),
        ("/dev/sda2 partition 1 0 -2\n", "10\n", []),
        ("/dev/zram0 partition 1 0 100\n", "180\n", []),
        ("", "60\n", []),
    ],
)
def test_swapping_early_matters_where_there_is_a_disk_to_swap_to(
    machine: Machine, areas: str, willing: str, expected: list[str]
) -> None:
    root = machine({"proc/swaps": SWAPS + areas, "proc/sys/vm/swappiness": willing})

    assert codes(memory.check(memory.swaps(root), memory.swappiness(root))) == expected
