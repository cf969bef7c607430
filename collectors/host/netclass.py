"""Network interfaces: state, addresses and settings, from /sys/class/net. Their traffic belongs to `netdev`."""

from __future__ import annotations

import os
from pathlib import Path

from collectors.host.filters import Filter
from collectors.metrics import Family, MetricType, gauge
from collectors.open_attributes import OpenAttributes

Interfaces = dict[str, dict[str, str]]
"""The attributes of each interface by their names in /sys/class/net, without those that it lacks."""

_BYTES_PER_MEGABIT = 1000 * 1000 // 8
_DEVICE = ("device",)
_UP = 1
"""IFF_UP of netdevice(7)."""

_TEXTS = ("address", "broadcast", "duplex", "operstate", "ifalias")

# By the name of the attribute: the name of the metric, its type, and the attribute's unit in that of the metric.
_NUMBERS: dict[str, tuple[str, MetricType, int]] = {
    "addr_assign_type": ("address_assign_type", "gauge", 1),
    "carrier": ("carrier", "gauge", 1),
    "carrier_changes": ("carrier_changes_total", "counter", 1),
    "carrier_up_count": ("carrier_up_changes_total", "counter", 1),
    "carrier_down_count": ("carrier_down_changes_total", "counter", 1),
    "dev_id": ("device_id", "gauge", 1),
    "dormant": ("dormant", "gauge", 1),
    "flags": ("flags", "gauge", 1),
    "ifindex": ("iface_id", "gauge", 1),
    "iflink": ("iface_link", "gauge", 1),
    "link_mode": ("iface_link_mode", "gauge", 1),
    "mtu": ("mtu_bytes", "gauge", 1),
    "name_assign_type": ("name_assign_type", "gauge", 1),
    "netdev_group": ("net_dev_group", "gauge", 1),
    "speed": ("speed_bytes", "gauge", _BYTES_PER_MEGABIT),
    "tx_queue_len": ("transmit_queue_length", "gauge", 1),
    "type": ("protocol_type", "gauge", 1),
}
_FILES = (*_TEXTS, *_NUMBERS)


class NetClass:
    """The interfaces of this machine.

    Args:
        root: The directory that has /sys.
        devices: The interfaces to export.
    """

    def __init__(self, root: Path, devices: Filter) -> None:
        self._directory = f"{root / 'sys/class/net'}"
        self._devices = devices
        self._attributes = OpenAttributes(_FILES)

    def families(self) -> list[Family]:
        """Return state, description and numbers of every interface."""
        interfaces = self._read()
        return [_up(interfaces), _info(interfaces), *(_number(attribute, interfaces) for attribute in _NUMBERS)]

    def _read(self) -> Interfaces:
        names = os.listdir(self._directory)  # noqa: PTH208 - names cost less than paths
        kept = {f"{self._directory}/{device}": device for device in names if self._devices.keeps(device)}
        # An entry without attributes was just unplugged, or is a driver's switch, such as bonding_masters.
        return {kept[path]: found for path, found in self._attributes.read(kept).items() if found}


def _up(interfaces: Interfaces) -> Family:
    return gauge(
        "node_network_up",
        "Value is 1 if operstate is 'up', 0 otherwise.",
        {(device,): int(attributes.get("operstate") == "up") for device, attributes in interfaces.items()},
        _DEVICE,
    )


def _info(interfaces: Interfaces) -> Family:
    return gauge(
        "node_network_info",
        "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
        {
            (device, *(attributes.get(name, "") for name in _TEXTS), _admin_state(attributes.get("flags"))): 1
            for device, attributes in interfaces.items()
        },
        ("device", *_TEXTS, "adminstate"),
    )


def _admin_state(flags: str | None) -> str:
    """Return whether the interface is switched on, from its flags (netdevice(7))."""
    number = None if flags is None else _parsed(flags)
    return "unknown" if number is None else "up" if number & _UP else "down"


def _number(attribute: str, interfaces: Interfaces) -> Family:
    name, type_, unit = _NUMBERS[attribute]
    return Family(
        f"node_network_{name}",
        type_,
        f"Network device property: {name}",
        _DEVICE,
        {
            (device,): number * unit
            for device, attributes in interfaces.items()
            if attribute in attributes and (number := _parsed(attributes[attribute])) is not None
        },
    )


def _parsed(text: str) -> int | None:
    """Return the number of an attribute; None if it is none. Some are hexadecimal, with a leading 0x."""
    try:
        return int(text, 0)
    except ValueError:
        return None
