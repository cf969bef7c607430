from __future__ import annotations

from pathlib import Path

from collectors.host.throttling import Throttling, Watch
from tests.collectors.host.support import Tree, samples_of

CPUS = "sys/devices/system/cpu"


def _processor(number: int, core: int, of_core: int, of_package: int) -> dict[str, str | bytes]:
    directory = f"{CPUS}/cpu{number}"
    return {
        f"{directory}/topology/physical_package_id": "0\n",
        f"{directory}/topology/core_id": f"{core}\n",
        f"{directory}/thermal_throttle/core_throttle_total_time_ms": f"{of_core}\n",
        f"{directory}/thermal_throttle/package_throttle_total_time_ms": f"{of_package}\n",
    }


def test_the_threads_of_a_core_and_the_cores_of_a_package_count_once(tree: Tree) -> None:
    found = Throttling(
        tree(_processor(0, 0, 1500, 4000) | _processor(1, 0, 1500, 4000) | _processor(2, 1, 250, 4000))
    ).families()

    assert samples_of(found, "host_cpu_core_throttled_seconds_total") == {("0", "0"): 1.5, ("0", "1"): 0.25}
    assert samples_of(found, "host_cpu_package_throttled_seconds_total") == {("0",): 4}


def test_a_processor_that_does_not_count_says_nothing(tmp_path: Path) -> None:
    assert all(not family.samples for family in Throttling(tmp_path).families())
    assert Watch(tmp_path).check() == []


def test_throttling_now_is_found_with_its_place_and_past_throttling_is_not(tree: Tree) -> None:
    root = tree(_processor(0, 0, 1500, 4000) | _processor(1, 1, 0, 4000))

    watch = Watch(root)

    assert watch.check() == []
    tree(_processor(1, 1, 30, 4040))
    (finding,) = watch.check()
    assert watch.check() == []

    assert finding.code == "host-throttled"
    assert "0/1 by 30 ms, 0 by 40 ms" in finding.detail
