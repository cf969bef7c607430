"""The network protocols' counters, from /proc/net/netstat, /proc/net/snmp and /proc/net/snmp6."""

from __future__ import annotations

import contextlib
import re
from functools import cache
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, unknown

_WANTED = re.compile(
    r"^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)"
    r"|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)"
    r"|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)"
    r"|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$"
)


def parse(text: str) -> dict[str, int]:
    """Return the wanted counters of a table that has two lines a protocol: names and values.

    Raises:
        ValueError: A line of names has no line of values that fits it.
    """
    lines = text.splitlines()
    counters: dict[str, int] = {}
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        protocol, _, fields = names.partition(": ")
        counted = values.partition(": ")[2].split()
        counters |= {name: int(counted[column]) for column, name in _wanted(protocol, fields)}
    return counters


@cache
def _wanted(protocol: str, fields: str) -> tuple[tuple[int, str], ...]:
    """Return the wanted columns and their names; a kernel's header lines never change."""
    names = (f"{protocol}_{field}" for field in fields.split())
    return tuple((column, name) for column, name in enumerate(names) if _WANTED.match(name))


def parse6(text: str) -> dict[str, int]:
    """Return the wanted counters of /proc/net/snmp6, whose lines are a name such as `Ip6InOctets` and a value."""
    fields = (line.split() for line in text.splitlines())
    return {name: int(value) for field, value in fields if (name := _name6(field))}


@cache
def _name6(field: str) -> str:
    """Return `Ip6InOctets` as `Ip6_InOctets`; empty if it is not wanted."""
    protocol, six, name = field.partition("6")
    full = f"{protocol}{six}_{name}"
    return full if six and _WANTED.match(full) else ""


@cache
def _described(name: str) -> tuple[str, str]:
    return f"node_netstat_{name}", f"Statistic {name.replace('_', '')}."


def families(root: Path) -> list[Family]:
    """Return the counters that node_exporter exports by default."""
    counters = parse(read_text(f"{root}/proc/net/netstat")) | parse(read_text(f"{root}/proc/net/snmp"))
    with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
        counters |= parse6(read_text(f"{root}/proc/net/snmp6"))
    return [unknown(*_described(name), value) for name, value in counters.items()]
