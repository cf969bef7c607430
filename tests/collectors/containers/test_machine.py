from __future__ import annotations

from pathlib import Path

import pytest

from collectors.containers.machine import Machine
from tests.collectors.containers.support import DISKS, samples_of, write


def cpu(number: int, **topology: str) -> dict[str, str]:
    return {f"sys/devices/system/cpu/cpu{number}/topology/{name}": f"{value}\n" for name, value in topology.items()}


def size(root: Path, name: str) -> float:
    (value,) = samples_of(Machine(root).families(), f"machine_cpu_{name}").values()
    return value


def test_a_core_is_known_by_its_processors(machine: Path) -> None:
    """Two dies of one package may number their cores alike."""
    for number, siblings in ((0, "0,2"), (2, "0,2"), (1, "1,3"), (3, "1,3")):
        write(machine, cpu(number, physical_package_id="0", core_id="0", core_cpus_list=siblings))

    assert (size(machine, "cores"), size(machine, "physical_cores"), size(machine, "sockets")) == (4, 2, 1)


def test_books_and_drawers_are_counted(machine: Path) -> None:
    for number, (book, drawer) in enumerate((("0", "0"), ("1", "0"))):
        write(machine, cpu(number, physical_package_id=book, book_id=book, drawer_id=drawer, core_id="0"))

    assert (size(machine, "sockets"), size(machine, "books"), size(machine, "drawers")) == (2, 2, 1)


def test_a_machine_without_topology_has_no_count_of_processors(tmp_path: Path) -> None:
    write(tmp_path, {"proc/meminfo": "MemTotal: 8 kB\nSwapTotal: 0 kB\n"})

    names = {family.name for family in Machine(tmp_path).families()}

    assert "machine_memory_bytes" in names
    assert not [name for name in names if name.startswith("machine_cpu_")]


def test_a_disk_has_its_counts(machine: Path) -> None:
    reading = Machine(machine).reading()

    numbers = {name: value for (name, *labels), value in reading.items() if labels == ["/dev/sda1"]}
    assert numbers["container_fs_reads_total"] == 11
    assert numbers["container_fs_reads_merged_total"] == 12
    assert numbers["container_fs_sector_reads_total"] == 13
    assert numbers["container_fs_read_seconds_total"] == pytest.approx(0.014)
    assert numbers["container_fs_writes_total"] == 15
    assert numbers["container_fs_writes_merged_total"] == 16
    assert numbers["container_fs_sector_writes_total"] == 17
    assert numbers["container_fs_write_seconds_total"] == pytest.approx(0.018)
    assert numbers["container_fs_io_current"] == 19
    assert numbers["container_fs_io_time_seconds_total"] == pytest.approx(0.020)
    assert numbers["container_fs_io_time_weighted_seconds_total"] == pytest.approx(0.021)


def test_a_mapped_device_has_the_counts_of_the_device_that_it_links_to(machine: Path) -> None:
    write(
        machine,
        {
            "proc/self/mountinfo": "22 1 254:0 / / rw - ext4 /dev/mapper/studio-root rw\n",
            "proc/diskstats": "254 0 dm-0 7 0 0 0 0 0 0 0 0 0 0\n254 1 studio-root 9 0 0 0 0 0 0 0 0 0 0\n",
            "dev/dm-0": "",
        },
    )
    (machine / "dev/mapper").mkdir()
    (machine / "dev/mapper/studio-root").symlink_to("../dm-0")

    assert Machine(machine).reading()["container_fs_reads_total", "/dev/mapper/studio-root"] == 7


def test_a_mount_that_another_hides_is_not_measured(machine: Path) -> None:
    hidden = "26 22 8:33 / /media/stick rw - ext4 /dev/sdc1 rw\n27 22 8:49 / /media/stick rw - ext4 /dev/sdd1 rw\n"
    write(machine, {"proc/self/mountinfo": DISKS + hidden})
    (machine / "media/stick").mkdir(parents=True)

    devices = {labels[0] for name, *labels in Machine(machine).reading() if name == "container_fs_limit_bytes"}

    assert devices == {"/dev/sda1", "/dev/sdd1"}


def test_a_mount_that_cannot_be_read_costs_its_space_alone(machine: Path) -> None:
    write(machine, {"proc/self/mountinfo": DISKS + "26 22 8:33 / /gone rw - ext4 /dev/sdc1 rw\n"})

    reading = Machine(machine).reading()

    assert ("container_fs_limit_bytes", "/dev/sdc1") not in reading
    assert ("container_fs_limit_bytes", "/dev/sda1") in reading


def test_a_root_without_a_device_file_has_the_counts_of_its_disk(machine: Path) -> None:
    """A kernel that mounts its root without an initramfs shows it as `/dev/root`."""
    write(
        machine,
        {
            "proc/self/mountinfo": "22 1 179:2 / / rw - ext4 /dev/root rw\n",
            "proc/diskstats": "179 0 mmcblk0 9 0 0 0 0 0 0 0 0 0 0\n179 2 mmcblk0p2 7 0 0 0 0 0 0 0 0 0 0\n",
        },
    )

    assert Machine(machine).reading()["container_fs_reads_total", "/dev/root"] == 7
