from __future__ import annotations

from pathlib import Path

from collectors.findings import Severity
from collectors.host.scaling_governor import check, families, read
from tests.collectors.host.support import Tree, samples_of

CPUS = "sys/devices/system/cpu"
FILES: dict[str, str | bytes] = {
    f"{CPUS}/cpu0/cpufreq/scaling_governor": "powersave\n",
    f"{CPUS}/cpu0/cpufreq/scaling_available_governors": "performance powersave\n",
    f"{CPUS}/cpu1/cpufreq/scaling_governor": "performance\n",
    f"{CPUS}/cpufreq/boost": "1\n",
}


def test_each_processor_says_which_governor_it_has_of_those_that_it_could(tree: Tree) -> None:
    assert samples_of(families(tree(FILES)), "node_cpu_scaling_governor") == {
        ("0", "performance"): 0,
        ("0", "powersave"): 1,
        ("1", "performance"): 1,
    }


def test_a_machine_whose_firmware_decides_says_nothing(tmp_path: Path) -> None:
    assert samples_of(families(tmp_path), "node_cpu_scaling_governor") == {}
    assert check(read(tmp_path)) == []


def test_a_governor_that_slows_down_is_told_with_the_command_against_it(tree: Tree) -> None:
    (finding,) = check(read(tree(FILES)))

    assert finding.code == "host-governor-not-performance"
    assert finding.severity is Severity.INFO
    assert "on 2 processors, found 1 with powersave" in finding.detail
    assert finding.remedy[-1] == "sudo cpupower frequency-set -g performance"


def test_performance_everywhere_is_well() -> None:
    assert check({"0": "performance", "1": "performance"}) == []
