"""Our families on this machine next to those of node_exporter 1.12.1 on one of the same kind.

`node_exporter-1.12.1.txt` has a line for each family: its name, its type and its labels.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collectors.host.collector import HostCollector
from collectors.host.config import HostConfig

THEIRS = {
    name: (type_, frozenset(labels))
    for name, type_, *labels in (
        line.split() for line in Path(__file__).with_name("node_exporter-1.12.1.txt").read_text().splitlines()
    )
}

# Families that a kernel may lack, and the file that has them if it does not.
_SOURCES = {
    "node_kernel_hung_": "/proc/sys/kernel/hung_task_detect_count",
    "node_pressure_irq_": "/proc/pressure/irq",
    "node_pressure_": "/proc/pressure/cpu",
    "node_schedstat_": "/proc/schedstat",
    "node_nf_conntrack_": "/proc/net/stat/nf_conntrack",
    "node_xfs_": "/sys/fs/xfs/stats",
}
# Families of which each is a field of a file.
_FIELDS = {
    "node_memory_": "/proc/meminfo",
    "node_vmstat_": "/proc/vmstat",
    "node_netstat_TcpExt_": "/proc/net/netstat",
    "node_netstat_": "/proc/net/snmp6",
    "node_sockstat_": "/proc/net/sockstat6",
}


@pytest.fixture(scope="module")
def ours() -> dict[str, tuple[str, frozenset[str]]]:
    types = {"unknown": "untyped"}
    found = HostCollector(HostConfig()).collect()
    labels: dict[str, frozenset[str]] = {}
    for family in found:
        labels[family.name] = labels.get(family.name, frozenset()) | frozenset(family.labels)
    return {family.name: (types.get(family.type, family.type), labels[family.name]) for family in found}


def _may_lack(name: str) -> bool:
    for prefix, file in _SOURCES.items():
        if name.startswith(prefix):
            return not Path(file).exists()
    for prefix, file in _FIELDS.items():
        if name.startswith(prefix):
            fields = re.findall(r"\w+", Path(file).read_text()) if Path(file).exists() else []
            return name.removeprefix(prefix).removesuffix("_bytes").partition("_")[0] not in fields
    return False


def test_no_family_of_a_source_of_this_machine_is_missing(ours: dict[str, tuple[str, frozenset[str]]]) -> None:
    assert [name for name in THEIRS if name not in ours and not _may_lack(name)] == []
    assert len(THEIRS.keys() & ours.keys()) > 200


def test_types_and_labels_are_the_same(ours: dict[str, tuple[str, frozenset[str]]]) -> None:
    """An empty label is none: `device_error` is there only for a mount that has an error."""
    different = {
        name: (ours[name], theirs)
        for name, theirs in THEIRS.items()
        if name in ours and (ours[name][0], ours[name][1] | _empty(name)) != theirs
    }

    assert different == {}


def _empty(name: str) -> frozenset[str]:
    has_error = name.startswith("node_filesystem_") and name != "node_filesystem_mount_info"
    return frozenset({"device_error"}) if has_error else frozenset()
