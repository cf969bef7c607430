"""A machine behind a router: a network namespace of its own that reaches this machine only through NAT. Needs root.

this machine  198.18.x.y -- 198.18.x.y+1  router (masquerades)  192.168.77.1 -- 192.168.77.2  the machine behind it

The name of the link and the addresses outside are random, so that several of them run on one machine.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path

from tests.support.waiting import PATIENCE, eventually

BEHIND = "192.168.77.2"
"""The address of the machine behind the router."""

_AS_ROOT = () if os.geteuid() == 0 else ("sudo", "--non-interactive")
_NETWORKS = ip_network("198.18.0.0/16")
"""Addresses for tests of networks (RFC 2544), which no real machine has."""

_ROUTER = "192.168.77.1"
_RULES = """
table ip nat {
  chain postrouting { type nat hook postrouting priority srcnat; oifname "outside" masquerade; }
}
table ip filter {
  chain forward { type filter hook forward priority filter; }
}
"""


class Nat:
    """The router and the namespace behind it.

    Attributes:
        centre: The address of this machine, as the machine behind the router knows it.
    """

    def __init__(self, centre: str, router: int, behind: int) -> None:
        self.centre = centre
        self._router = router
        self._behind = behind

    @property
    def prefix(self) -> Sequence[str]:
        """The beginning of a command that runs behind the router."""
        return _inside(self._behind)

    def cut(self) -> None:
        """Let the router drop every packet."""
        _run(*_inside(self._router), "nft", "add", "rule", "ip", "filter", "forward", "drop")

    def restore(self) -> None:
        """Let the router forward packets again."""
        _run(*_inside(self._router), "nft", "flush", "chain", "ip", "filter", "forward")


def _inside(pid: int) -> tuple[str, ...]:
    return (*_AS_ROOT, "nsenter", f"--net=/proc/{pid}/ns/net", "--")


def _run(*command: str, text: str | None = None) -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@contextlib.contextmanager
def _namespace() -> Iterator[int]:
    """Yield the process id of a process in a new network namespace, which ends with it."""
    holder = subprocess.Popen(
        [*_AS_ROOT, "unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"ready\n"
        yield holder.pid if not _AS_ROOT else _child(holder.pid)
    finally:
        holder.communicate(timeout=PATIENCE)


def _child(pid: int) -> int:
    """Return the process that sudo started."""

    children = Path(f"/proc/{pid}/task/{pid}/children")
    return int(eventually(children.read_text, "sudo started a process").split()[0])


@contextlib.contextmanager
def nat() -> Iterator[Nat]:
    """Yield a machine behind a router."""
    with _namespace() as router, _namespace() as behind:
        link = f"wr{secrets.token_hex(5)}"
        first = _NETWORKS[4 * secrets.randbelow(_NETWORKS.num_addresses // 4)]
        centre, outside = first + 1, first + 2
        peer = ("type", "veth", "peer", "name")
        _run(*_AS_ROOT, "ip", "link", "add", link, *peer, "outside", "netns", str(router))
        _run(*_inside(router), "ip", "link", "add", "inside", *peer, "uplink", "netns", str(behind))
        _run(*_AS_ROOT, "ip", "address", "add", f"{centre}/30", "dev", link)
        _run(*_AS_ROOT, "ip", "link", "set", link, "up")
        for pid, name, address in (
            (router, "outside", f"{outside}/30"),
            (router, "inside", f"{_ROUTER}/24"),
            (behind, "uplink", f"{BEHIND}/24"),
        ):
            _run(*_inside(pid), "ip", "address", "add", address, "dev", name)
            _run(*_inside(pid), "ip", "link", "set", name, "up")
        _run(*_inside(behind), "ip", "route", "add", "default", "via", _ROUTER)
        _run(*_inside(router), "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        _run(*_inside(router), "nft", "-f", "-", text=_RULES)
        yield Nat(str(centre), router, behind)
