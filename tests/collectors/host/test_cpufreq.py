from __future__ import annotations

from collectors.host.cpufreq import families
from tests.collectors.host.support import Tree, samples_of

CPUS = "sys/devices/system/cpu"


def test_frequencies_are_in_hertz(tree: Tree) -> None:
    root = tree(
        {
            f"{CPUS}/cpu10/cpufreq/scaling_cur_freq": "1699981\n",
            f"{CPUS}/cpu10/cpufreq/cpuinfo_avg_freq": "1500000\n",
            f"{CPUS}/cpu2/cpufreq/cpuinfo_max_freq": "3700000\n",
        }
    )
    found = families(root)

    assert samples_of(found, "node_cpu_scaling_frequency_hertz") == {("10",): 1_699_981_000}
    assert samples_of(found, "node_cpu_frequency_avg_hertz") == {("10",): 1_500_000_000}
    assert samples_of(found, "node_cpu_frequency_max_hertz") == {("2",): 3_700_000_000}


def test_a_frequency_that_the_driver_does_not_know_is_left_out(tree: Tree) -> None:
    found = families(tree({f"{CPUS}/cpu0/cpufreq/scaling_cur_freq": "<unknown>\n"}))

    assert samples_of(found, "node_cpu_scaling_frequency_hertz") == {}
