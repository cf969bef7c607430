import gzip

import pytest

from agent.doctor.machine import kernel
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
