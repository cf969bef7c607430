"""Requests to this machine as an NFS server, from /proc/net/rpc/nfsd."""

from __future__ import annotations

from pathlib import Path

from collectors.host.nfs import PROCEDURES, parse
from collectors.kernel_files import read_text
from collectors.metrics import Family, LabelValues, MetricType, counter

# The operations of version 4 by their number (RFC 7530). node_exporter leaves out those without a name here.
_FIRST_OPERATION = 3
_OPERATIONS = (
    "Access Close Commit Create DelegPurge DelegReturn GetAttr GetFH Link Lock Lockt Locku Lookup LookupRoot Nverify"
    " Open OpenAttr OpenConfirm OpenDgrd PutFH - - Read ReadDir ReadLink Remove Rename Renew RestoreFH SaveFH SecInfo"
    " SetAttr SetClientID SetClientIDConfirm Verify Write RelLockOwner"
)

# Line, column, name, type and help.
_COLUMNS: tuple[tuple[str, int, str, MetricType, str], ...] = (
    (
        "rc",
        0,
        "reply_cache_hits_total",
        "counter",
        "Total number of NFSd Reply Cache hits (client lost server response).",
    ),
    (
        "rc",
        1,
        "reply_cache_misses_total",
        "counter",
        "Total number of NFSd Reply Cache an operation that requires caching (idempotent).",
    ),
    (
        "rc",
        2,
        "reply_cache_nocache_total",
        "counter",
        "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).",
    ),
    ("fh", 0, "file_handles_stale_total", "counter", "Total number of NFSd stale file handles"),
    ("io", 0, "disk_bytes_read_total", "counter", "Total NFSd bytes read."),
    ("io", 1, "disk_bytes_written_total", "counter", "Total NFSd bytes written."),
    ("ra", 0, "read_ahead_cache_size_blocks", "gauge", "How large the read ahead cache is in blocks."),
    ("ra", -1, "read_ahead_cache_not_found_total", "counter", "Total number of NFSd read ahead cache not found."),
    ("net", 3, "connections_total", "counter", "Total number of NFSd TCP connections."),
    ("rpc", 0, "server_rpcs_total", "counter", "Total number of NFSd RPCs."),
)
_THREADS = "Total number of NFSd kernel threads that are running."


def families(root: Path) -> list[Family]:
    """Return caches, packets, calls and procedures.

    Raises:
        FileNotFoundError: The machine is no NFS server.
    """
    text = read_text(f"{root}/proc/net/rpc/nfsd")
    # The line of threads also has fractions, which are 0 since Linux 2.6.29.
    lines = parse("\n".join(line for line in text.splitlines() if not line.startswith("th ")))
    threads = next((int(line.split()[1]) for line in text.splitlines() if line.startswith("th ")), 0)
    net, rpc = lines["net"], lines["rpc"]
    return [
        *(
            Family(f"node_nfsd_{name}", type_, help, (), {(): lines[line][column]})
            for line, column, name, type_, help in _COLUMNS
            if line in lines
        ),
        Family("node_nfsd_server_threads", "gauge", _THREADS, (), {(): threads}),
        counter(
            "node_nfsd_packets_total",
            "Total NFSd network packets (sent+received) by protocol type.",
            {("udp",): net[1], ("tcp",): net[2]},
            ("proto",),
        ),
        counter(
            "node_nfsd_rpc_errors_total",
            "Total number of NFSd RPC errors by error type.",
            {("fmt",): rpc[2], ("auth",): rpc[3], ("cInt",): rpc[4]},
            ("error",),
        ),
        counter(
            "node_nfsd_requests_total",
            "Total number NFSd Requests by method and protocol.",
            _requests(lines),
            ("proto", "method"),
        ),
    ]


def _requests(lines: dict[str, list[int]]) -> dict[LabelValues, float]:
    """Return the calls by version and procedure. A line begins with the count of its numbers."""
    requests: dict[LabelValues, float] = {
        (version, procedure): lines[f"proc{version}"][position]
        for version in ("2", "3")
        if f"proc{version}" in lines
        for position, procedure in enumerate(PROCEDURES[version], 1)
        if procedure != "Null"
    }
    operations = lines.get("proc4ops", [])
    for position, operation in enumerate(_OPERATIONS.split(), 1 + _FIRST_OPERATION):
        if operation != "-" and position < len(operations):
            requests["4", operation] = operations[position]
    if delegations := lines.get("wdeleg_getattr"):
        requests["4", "WdelegGetattr"] = delegations[0]
    return requests
