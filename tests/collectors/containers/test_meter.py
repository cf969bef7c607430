from __future__ import annotations

from pathlib import Path

from collectors.containers.config import ContainersConfig
from collectors.containers.discovery import Discovery
from collectors.containers.layout import find
from collectors.containers.meter import Meter
from tests.collectors.containers.support import WEB, write_group, write_process

PATH = f"/docker/{WEB}"


def test_a_containers_traffic_is_that_of_its_oldest_process(machine: Path) -> None:
    """A process that joined from the machine, as `docker exec` or a monitor does, may have another network."""
    write_group(machine, PATH, {"cgroup.procs": "70\n40\n"})
    write_process(machine, "70", {"eth7": 7}, ticks_after_boot=900)
    write_process(machine, "40", {"eth4": 4}, ticks_after_boot=100)
    layout = find(machine)
    assert layout is not None
    (_, web) = Discovery(ContainersConfig(measure="containers"), layout, machine).look().cgroups
    meter = Meter(layout, machine)

    ((_, reading),) = meter.readings([web])

    assert reading["container_network_receive_bytes_total", "eth4"] == 4
    assert ("container_network_receive_bytes_total", "eth7") not in reading

    write_group(machine, PATH, {"cgroup.procs": "70\n"})
    ((_, reading),) = meter.readings([web])
    assert reading["container_network_receive_bytes_total", "eth7"] == 7


def test_a_group_has_its_creation_and_its_start(machine: Path) -> None:
    write_group(machine, PATH)
    layout = find(machine)
    assert layout is not None
    (_, web) = Discovery(ContainersConfig(measure="containers"), layout, machine).look().cgroups

    ((_, reading),) = Meter(layout, machine).readings([web])

    created = Path(f"{machine}/sys/fs/cgroup{PATH}").stat().st_mtime
    assert reading["container_creation_time_seconds",] == created
    assert reading["container_start_time_seconds",] == created
