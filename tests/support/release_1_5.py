"""The agent's host families, which follow node_exporter 1.12, in the form of Debian's release 1.5."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.support.exported import Exported, Families, Labels

_NEWER = re.compile(
    r"node_(btrfs_(last_|max_)?commits?_.*|cpu_frequency_avg_hertz|cpu_online|cpu_scaling_governor|edac_channel_.*"
    r"|filesystem_(mount_info|purgeable_bytes)|hwmon_freq_.*|interrupts_total|kernel_hung_.*|md_(degraded|raid_disks)"
    r"|netstat_TcpExt_(TCPOFOQueue|TCPRcvQDrop)|nvme_namespace_.*|os_support_end_.*|pressure_irq_.*"
    r"|softirqs_functions_total|softnet_(backlog_len|cpu_collision_total|flow_limit_count_total|received_rps_total)"
    r"|zfs_(arc_ratio|dbuf_.*))"
)
"""Families that release 1.5 lacks, has off by default, or reads from a file of another name."""

_NEWER_LABELS = {"adminstate", "cntlid", "device_error", "rotational"}

_OTHER_SERIES = {
    # 1.5 reads these operations of NFS 4 two positions too early, or not at all.
    "node_nfsd_requests_total": re.compile("SetClientID(Confirm)?|Verify|Write|RelLockOwner|WdelegGetattr"),
    # 1.5 has no series for states beyond its own.
    "node_md_state": re.compile("reshape|broken"),
    "node_zfs_zpool_state": re.compile("suspended"),
}


def as_release_1_5(families: Families) -> Families:
    """Return the families without what is newer than release 1.5."""
    return {name: _family(name, family) for name, family in families.items() if not _NEWER.fullmatch(name)}


def _family(name: str, family: Exported) -> Exported:
    is_renamed = name.startswith("node_cpu_frequency_")
    help = family.help.replace(" CPU thread ", " cpu thread ") if is_renamed else family.help
    other = _OTHER_SERIES.get(name)
    samples = {_labels(labels): value for labels, value in family.samples.items() if not _is_other(labels, other)}
    return replace(family, help=help, samples=samples)


def _labels(labels: Labels) -> Labels:
    return frozenset((name, value) for name, value in labels if name not in _NEWER_LABELS)


def _is_other(labels: Labels, other: re.Pattern[str] | None) -> bool:
    return other is not None and any(other.fullmatch(value) for _, value in labels)
