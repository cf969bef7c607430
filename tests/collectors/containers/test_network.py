from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from collectors.containers.network import Networks, parse
from tests.collectors.containers.support import share_network, write_process
from tests.support.waiting import eventually

DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:   63061      65    0    0    0     0          0         0    63061      65    0    0    0     0       0          0
veth1a: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
docker0: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
"""  # noqa: E501 - the kernel's own form


def test_parse_leaves_out_what_cadvisor_ignores() -> None:
    assert parse(DEV) == {
        ("container_network_receive_bytes_total", "eth0"): 1,
        ("container_network_receive_packets_total", "eth0"): 2,
        ("container_network_receive_errors_total", "eth0"): 3,
        ("container_network_receive_packets_dropped_total", "eth0"): 4,
        ("container_network_transmit_bytes_total", "eth0"): 9,
        ("container_network_transmit_packets_total", "eth0"): 10,
        ("container_network_transmit_errors_total", "eth0"): 11,
        ("container_network_transmit_packets_dropped_total", "eth0"): 12,
    }


def test_a_container_with_its_own_namespace_has_its_traffic(machine: Path) -> None:
    write_process(machine, "10", {"eth0": 100})

    (reading,) = Networks(machine).of_containers(["10"])

    assert reading["container_network_receive_bytes_total", "eth0"] == 100


def test_a_shared_namespace_is_counted_once_and_the_machines_not_at_all(machine: Path) -> None:
    for pid, owner in (("11", "1"), ("13", "12")):
        write_process(machine, pid, {"eth0": 100})
        write_process(machine, owner, {"eth0": 100})
        share_network(machine, pid, owner)

    of_machine, first_of_pod, second_of_pod = Networks(machine).of_containers(["11", "12", "13"])

    assert of_machine == second_of_pod == {}
    assert first_of_pod


def test_a_process_that_is_gone_has_no_traffic(machine: Path) -> None:
    assert Networks(machine).of_containers(["10"]) == [{}]


def test_real_processes_have_one_number_if_and_only_if_they_share_a_namespace() -> None:
    number = Networks(Path("/")).namespace
    with _sleeping() as child, _sleeping("unshare", "--map-root-user", "--net") as apart:
        ours, other = "self", str(apart.pid)
        # Some machines do not let namespaces be made: there the program ends, and has no number.
        eventually(lambda: apart.poll() is not None or _namespace(other) != _namespace(ours), "it is in its own")

        assert number(ours) == number(str(child.pid)) is not None
        assert number(other) != number(ours)


@contextlib.contextmanager
def _sleeping(*before: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([*before, "sleep", "600"], stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _namespace(pid: str) -> int | None:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return None


def test_the_machine_has_the_traffic_of_its_first_process(machine: Path) -> None:
    assert Networks(machine).of_machine()["container_network_receive_bytes_total", "eth0"] == 5


def test_real_processes_share_the_machines_namespace() -> None:
    networks = Networks(Path("/"))

    assert networks.of_containers([str(os.getpid())]) == [{}]
    assert all(name.startswith("container_network_") for name, _ in networks.of_machine())
