"""Requests of this machine to NFS servers, from /proc/net/rpc/nfs."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, LabelValues, counter

# The procedures of each version of the protocol, in the order of its line (RFC 1094, RFC 1813; linux/nfs4.h).
PROCEDURES = {
    version: tuple(names.split())
    for version, names in {
        "2": (
            "Null GetAttr SetAttr Root Lookup ReadLink Read WrCache Write Create Remove Rename Link SymLink MkDir RmDir"
            " ReadDir FsStat"
        ),
        "3": (
            "Null GetAttr SetAttr Lookup Access ReadLink Read Write Create MkDir SymLink MkNod Remove RmDir Rename Link"
            " ReadDir ReadDirPlus FsStat FsInfo PathConf Commit"
        ),
        "4": (
            "Null Read Write Commit Open OpenConfirm OpenNoattr OpenDowngrade Close Setattr FsInfo Renew SetClientID"
            " SetClientIDConfirm Lock Lockt Locku Access Getattr Lookup LookupRoot Remove Rename Link Symlink Create"
            " Pathconf StatFs ReadLink ReadDir ServerCaps DelegReturn GetACL SetACL FsLocations ReleaseLockowner"
            " Secinfo FsidPresent ExchangeID CreateSession DestroySession Sequence GetLeaseTime ReclaimComplete"
            " LayoutGet GetDeviceInfo LayoutCommit LayoutReturn SecinfoNoName TestStateID FreeStateID GetDeviceList"
            " BindConnToSession DestroyClientID Seek Allocate DeAllocate LayoutStats Clone"
        ),
    }.items()
}


def parse(text: str) -> dict[str, list[int]]:
    """Return the numbers of each line by its first word."""
    lines = (line.split() for line in text.splitlines())
    return {words[0]: list(map(int, words[1:])) for words in lines if words}


def families(root: Path) -> list[Family]:
    """Return packets, calls and procedures.

    Raises:
        FileNotFoundError: The machine is no NFS client.
    """
    lines = parse(read_text(f"{root}/proc/net/rpc/nfs"))
    _, udp, tcp, connections = lines["net"]
    calls, retransmissions, refreshes = lines["rpc"]
    return [
        counter(
            "node_nfs_packets_total",
            "Total NFSd network packets (sent+received) by protocol type.",
            {("udp",): udp, ("tcp",): tcp},
            ("protocol",),
        ),
        counter("node_nfs_connections_total", "Total number of NFSd TCP connections.", connections),
        counter("node_nfs_rpcs_total", "Total number of RPCs performed.", calls),
        counter("node_nfs_rpc_retransmissions_total", "Number of RPC transmissions performed.", retransmissions),
        counter(
            "node_nfs_rpc_authentication_refreshes_total",
            "Number of RPC authentication refreshes performed.",
            refreshes,
        ),
        counter("node_nfs_requests_total", "Number of NFS procedures invoked.", _requests(lines), ("proto", "method")),
    ]


def _requests(lines: dict[str, list[int]]) -> dict[LabelValues, float]:
    """Return the calls by version and procedure. A line begins with the count of its numbers, fewer on old kernels."""
    return {
        (version, procedure): counts[position] if position < len(counts) else 0
        for version, procedures in PROCEDURES.items()
        if (counts := lines.get(f"proc{version}"))
        for position, procedure in enumerate(procedures, 1)
    }
