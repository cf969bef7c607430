from __future__ import annotations

from pathlib import Path

from collectors.host.audio_checks import audio_checks
from tests.collectors.host.support import Tree


def _codes(root: Path) -> dict[str, list[str]]:
    return {check.name: [finding.code for finding in check.run()] for check in audio_checks(root)}


def test_each_cause_is_looked_for_on_the_machine_that_was_given(tree: Tree) -> None:
    stat = "7 (jackd) S " + " ".join(["0"] * 50)
    root = tree(
        {
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
            "proc/sys/kernel/sched_rt_runtime_us": "500000\n",
            "proc/sys/kernel/sched_rt_period_us": "1000000\n",
            "proc/7/comm": "jackd\n",
            "proc/7/task/7/stat": stat,
            "proc/7/task/7/status": "voluntary_ctxt_switches:\t1\nnonvoluntary_ctxt_switches:\t1\n",
        }
    )

    assert _codes(root) == {
        "host.governor": ["host-governor-not-performance"],
        "host.realtime-limit": ["host-realtime-limit-low"],
        "host.audio-priority": ["audio-server-not-realtime"],
        "host.throttling": [],
        "host.processors": [],
    }


def test_a_machine_without_any_of_it_is_well(tmp_path: Path) -> None:
    assert {code for codes in _codes(tmp_path).values() for code in codes} == set()


def test_the_checks_of_this_machine_can_be_run() -> None:
    for check in audio_checks(Path("/")):
        check.run()
