"""The process that listens on a TCP port of this machine, for the error that the port is taken."""

from __future__ import annotations

import psutil


def holder(port: int) -> str:
    """Return the process that listens on `port`, such as `prometheus (pid 812)`, as far as this user may see it."""
    try:
        listening = [c for c in psutil.net_connections(kind="tcp") if c.status == psutil.CONN_LISTEN]
    except psutil.AccessDenied:  # macOS shows other users' sockets to root only
        return "a process that this user may not see"
    pids = {c.pid for c in listening if c.laddr and c.laddr.port == port}
    named = [_named(pid) for pid in pids if pid is not None]
    return ", ".join(named) or "a process that this user may not see"


def _named(pid: int) -> str:
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.Error:
        return f"pid {pid}"
