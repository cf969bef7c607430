from __future__ import annotations

import pytest

from collectors.host.config import HostConfig
from collectors.host.diskstats import Disk, families, parse, parse_udev
from tests.collectors.host.support import Tree, samples_of

DISKSTATS = """\
   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 254       0 vda 51671 9260 2951050 11810 10535 14289 1725200 4718 3 6972 16879 3823 40 230760 279 1051 71
 254       1 vda1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
   8       0 sda 1 2 3 4 5 6 7 8 9 10 11
"""
UDEV = """\
S:disk/by-id/ata-Studio_SSD
E:ID_ATA=1
E:ID_ATA_WRITE_CACHE=1
E:ID_ATA_WRITE_CACHE_ENABLED=0
E:ID_ATA_ROTATION_RATE_RPM=7200
E:ID_MODEL=Studio=SSD
E:ID_SERIAL_SHORT=S1
E:ID_WWN=0x5000
E:ID_PATH=pci-0000:00
E:ID_REVISION=1.0
E:ID_FS_TYPE=ext4
E:ID_FS_USAGE=filesystem
E:ID_FS_UUID=u-1
E:ID_FS_VERSION=1.0
E:DM_NAME=vg-samples
E:DM_VG_NAME=vg
"""


DISKS = HostConfig().block_devices


def test_parse_knows_devices_and_their_counters() -> None:
    assert parse(DISKSTATS)[-1] == Disk("8", "0", "sda", (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))


@pytest.mark.parametrize("device", ["sda", "nvme0n1", "dm-0", "md127", "mmcblk0"])
def test_whole_devices_are_kept_by_default(device: str) -> None:
    assert DISKS.keeps(device)


@pytest.mark.parametrize("device", ["nvme0n1p2", "sda1", "xvda3", "ram0", "zram0", "fd0", "loop0"])
def test_parts_of_devices_and_loops_are_left_out_by_default(device: str) -> None:
    assert not DISKS.keeps(device)


def test_a_device_that_is_left_out_exports_nothing(tree: Tree) -> None:
    found = families(tree({"proc/diskstats": DISKSTATS}), DISKS)

    assert set(samples_of(found, "node_disk_reads_completed_total")) == {("vda",), ("sda",)}


def test_parse_udev_keeps_properties_only() -> None:
    properties = parse_udev(UDEV)

    assert properties["ID_MODEL"] == "Studio=SSD"
    assert "disk/by-id/ata-Studio_SSD" not in properties


def test_families_are_in_bytes_and_seconds(tree: Tree) -> None:
    found = families(tree({"proc/diskstats": DISKSTATS}), DISKS)

    assert samples_of(found, "node_disk_reads_completed_total")[("vda",)] == 51671
    assert samples_of(found, "node_disk_read_bytes_total")[("vda",)] == 2951050 * 512
    assert samples_of(found, "node_disk_write_time_seconds_total")[("vda",)] == pytest.approx(4.718)
    assert samples_of(found, "node_disk_io_now")[("vda",)] == 3
    assert samples_of(found, "node_disk_discarded_sectors_total")[("vda",)] == 230760
    assert samples_of(found, "node_disk_flush_requests_time_seconds_total")[("vda",)] == pytest.approx(0.071)


def test_a_kernel_without_discards_and_flushes_exports_none(tree: Tree) -> None:
    found = families(tree({"proc/diskstats": DISKSTATS}), DISKS)

    assert samples_of(found, "node_disk_io_time_weighted_seconds_total")[("sda",)] == pytest.approx(0.011)
    assert ("sda",) not in samples_of(found, "node_disk_discards_completed_total")
    assert ("sda",) not in samples_of(found, "node_disk_flush_requests_total")


def test_a_device_that_udev_knows_is_described(tree: Tree) -> None:
    found = families(
        tree({"proc/diskstats": DISKSTATS, "run/udev/data/b8:0": UDEV, "sys/block/sda/queue/rotational": "1\n"}), DISKS
    )

    assert samples_of(found, "node_disk_info") == {
        ("vda", "254", "0", "", "", "", "", "", "0"): 1,
        ("sda", "8", "0", "pci-0000:00", "0x5000", "Studio=SSD", "S1", "1.0", "1"): 1,
    }
    assert samples_of(found, "node_disk_filesystem_info") == {("sda", "ext4", "filesystem", "u-1", "1.0"): 1}
    assert samples_of(found, "node_disk_device_mapper_info") == {("sda", "vg-samples", "", "vg", "", ""): 1}
    assert samples_of(found, "node_disk_ata_write_cache") == {("sda",): 1}
    assert samples_of(found, "node_disk_ata_write_cache_enabled") == {("sda",): 0}
    assert samples_of(found, "node_disk_ata_rotation_rate_rpm") == {("sda",): 7200}


@pytest.mark.parametrize(
    ("properties", "serial"),
    [
        ("E:SCSI_IDENT_SERIAL=L\nE:ID_SERIAL_SHORT=S\nE:ID_SERIAL=M_S\n", "L"),
        ("E:SCSI_IDENT_SERIAL=\nE:ID_SERIAL_SHORT=S\nE:ID_SERIAL=M_S\n", "S"),
        ("E:ID_SERIAL=virtio\n", "virtio"),
        ("E:ID_MODEL=M\n", ""),
    ],
)
def test_the_serial_is_the_one_on_the_label_if_the_disk_has_it(tree: Tree, properties: str, serial: str) -> None:
    found = families(tree({"proc/diskstats": DISKSTATS, "run/udev/data/b8:0": properties}), DISKS)

    assert serial in {labels[6] for labels in samples_of(found, "node_disk_info") if labels[0] == "sda"}


def test_a_disk_with_a_slash_in_its_name_is_found_in_sys(tree: Tree) -> None:
    """A RAID controller of Hewlett-Packard names its disks so."""
    root = tree(
        {
            "proc/diskstats": " 104 0 cciss/c0d0 1 2 3 4 5 6 7 8 9 10 11\n",
            "sys/block/cciss!c0d0/queue/rotational": "1\n",
        }
    )
    (labels,) = samples_of(families(root, DISKS), "node_disk_info")

    assert (labels[0], labels[-1]) == ("cciss/c0d0", "1")
