"""The network traffic of containers: the counters of their own interfaces."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from collectors.containers.cgroup_reading import CgroupReading
from collectors.host import netdev
from collectors.kernel_files import read_text

# As in cAdvisor: the loopback, and the machine's ends of the containers' connections.
_IGNORED = ("lo", "veth", "docker", "nerdctl")

# By the columns of /proc/net/dev (proc_pid_net(5)).
_COUNTERS = {
    0: "container_network_receive_bytes_total",
    1: "container_network_receive_packets_total",
    2: "container_network_receive_errors_total",
    3: "container_network_receive_packets_dropped_total",
    8: "container_network_transmit_bytes_total",
    9: "container_network_transmit_packets_total",
    10: "container_network_transmit_errors_total",
    11: "container_network_transmit_packets_dropped_total",
}


def parse(text: str) -> CgroupReading:
    """Return the counters of each interface that cAdvisor does not ignore, from the text of /proc/net/dev."""
    return {
        (name, interface): counts[column]
        for interface, counts in netdev.parse(text).items()
        if not interface.startswith(_IGNORED)
        for column, name in _COUNTERS.items()
    }


class Networks:
    """The network namespaces of the machine whose files are under `root`."""

    def __init__(self, root: Path) -> None:
        self._proc = root / "proc"

    def of_machine(self) -> CgroupReading:
        """Return the counters of the machine's own interfaces."""
        return self._read("1") or self._read("self")

    def of_containers(self, first_pids: Iterable[str]) -> list[CgroupReading]:
        """Return the counters of each container, given one process of each, oldest container first.

        A container that shares the machine's or an earlier container's namespace, as in a pod, has none: it would
        count the same packets again.
        """
        seen = {self.namespace("1") or self.namespace("self"), None}
        readings: list[CgroupReading] = []
        for pid in first_pids:
            namespace = self.namespace(pid)
            readings.append({} if namespace in seen else self._read(pid))
            seen.add(namespace)
        return readings

    def namespace(self, pid: str) -> int | None:
        """Return a number of the process's network namespace; None if the process is gone.

        It is the inode of `net/dev`, of which the kernel makes one for each namespace. Any user may read it, but only
        root may read the link `ns/net`.
        """
        try:
            return (self._proc / pid / "net/dev").stat().st_ino
        except OSError:
            return None

    def _read(self, pid: str) -> CgroupReading:
        try:
            return parse(read_text(self._proc / pid / "net/dev"))
        except OSError:
            return {}
