"""InfiniBand adapters and their ports, from /sys/class/infiniband."""

from __future__ import annotations

import re
from pathlib import Path

from collectors.host.attributes import Attribute, Devices, attribute_families
from collectors.kernel_files import numbered, read_attribute, read_attributes
from collectors.metrics import Family, LabelValues, gauge

_PORT = ("device", "port")
_LANE = 0.25
"""A port has four lanes, and counts the data of one of them."""

_BYTES_PER_GIGABIT = 1e9 / 8
_RATE = re.compile(r"([\d.]+) Gb/sec")


def _counter(file: str, name: str, help: str, per: float = 1) -> Attribute:
    return Attribute(file, f"node_infiniband_{name}", help, "counter", per)


_COUNTERS = (
    _counter(
        "counters_ext/port_multicast_rcv_packets",
        "legacy_multicast_packets_received_total",
        "Number of multicast packets received",
    ),
    _counter(
        "counters_ext/port_multicast_xmit_packets",
        "legacy_multicast_packets_transmitted_total",
        "Number of multicast packets transmitted",
    ),
    _counter(
        "counters_ext/port_rcv_data_64",
        "legacy_data_received_bytes_total",
        "Number of data octets received on all links",
        per=_LANE,
    ),
    _counter(
        "counters_ext/port_rcv_packets_64",
        "legacy_packets_received_total",
        "Number of data packets received on all links",
    ),
    _counter(
        "counters_ext/port_unicast_rcv_packets",
        "legacy_unicast_packets_received_total",
        "Number of unicast packets received",
    ),
    _counter(
        "counters_ext/port_unicast_xmit_packets",
        "legacy_unicast_packets_transmitted_total",
        "Number of unicast packets transmitted",
    ),
    _counter(
        "counters_ext/port_xmit_data_64",
        "legacy_data_transmitted_bytes_total",
        "Number of data octets transmitted on all links",
        per=_LANE,
    ),
    _counter(
        "counters_ext/port_xmit_packets_64",
        "legacy_packets_transmitted_total",
        "Number of data packets received on all links",
    ),
    _counter(
        "counters/excessive_buffer_overrun_errors",
        "excessive_buffer_overrun_errors_total",
        (
            "Number of times that OverrunErrors consecutive flow control update periods occurred, "
            "each having at least one overrun error."
        ),
    ),
    _counter(
        "counters/link_downed",
        "link_downed_total",
        "Number of times the link failed to recover from an error state and went down",
    ),
    _counter(
        "counters/link_error_recovery",
        "link_error_recovery_total",
        "Number of times the link successfully recovered from an error state",
    ),
    _counter(
        "counters/local_link_integrity_errors",
        "local_link_integrity_errors_total",
        "Number of times that the count of local physical errors exceeded the threshold specified by LocalPhyErrors.",
    ),
    _counter(
        "counters/multicast_rcv_packets",
        "multicast_packets_received_total",
        "Number of multicast packets received (including errors)",
    ),
    _counter(
        "counters/multicast_xmit_packets",
        "multicast_packets_transmitted_total",
        "Number of multicast packets transmitted (including errors)",
    ),
    _counter(
        "counters/port_rcv_constraint_errors",
        "port_constraint_errors_received_total",
        "Number of packets received on the switch physical port that are discarded",
    ),
    _counter(
        "counters/port_xmit_constraint_errors",
        "port_constraint_errors_transmitted_total",
        "Number of packets not transmitted from the switch physical port",
    ),
    _counter(
        "counters/port_rcv_data",
        "port_data_received_bytes_total",
        "Number of data octets received on all links",
        per=_LANE,
    ),
    _counter(
        "counters/port_xmit_data",
        "port_data_transmitted_bytes_total",
        "Number of data octets transmitted on all links",
        per=_LANE,
    ),
    _counter(
        "counters/port_rcv_discards",
        "port_discards_received_total",
        "Number of inbound packets discarded by the port because the port is down or congested",
    ),
    _counter(
        "counters/port_xmit_discards",
        "port_discards_transmitted_total",
        "Number of outbound packets discarded by the port because the port is down or congested",
    ),
    _counter(
        "counters/port_rcv_errors",
        "port_errors_received_total",
        "Number of packets containing an error that were received on this port",
    ),
    _counter(
        "counters/port_rcv_packets",
        "port_packets_received_total",
        "Number of packets received on all VLs by this port (including errors)",
    ),
    _counter(
        "counters/port_xmit_packets",
        "port_packets_transmitted_total",
        "Number of packets transmitted on all VLs from this port (including errors)",
    ),
    _counter(
        "counters/port_xmit_wait",
        "port_transmit_wait_total",
        "Number of ticks during which the port had data to transmit but no data was sent during the entire tick",
    ),
    _counter(
        "counters/unicast_rcv_packets",
        "unicast_packets_received_total",
        "Number of unicast packets received (including errors)",
    ),
    _counter(
        "counters/unicast_xmit_packets",
        "unicast_packets_transmitted_total",
        "Number of unicast packets transmitted (including errors)",
    ),
    _counter(
        "counters/port_rcv_remote_physical_errors",
        "port_receive_remote_physical_errors_total",
        "Number of packets marked with the EBP (End of Bad Packet) delimiter received on the port.",
    ),
    _counter(
        "counters/port_rcv_switch_relay_errors",
        "port_receive_switch_relay_errors_total",
        "Number of packets that could not be forwarded by the switch.",
    ),
    _counter(
        "counters/symbol_error",
        "symbol_error_total",
        "Number of minor link errors detected on one or more physical lanes.",
    ),
    _counter(
        "counters/VL15_dropped",
        "vl15_dropped_total",
        "Number of incoming VL15 packets dropped due to resource limitations.",
    ),
)
_STATES = (
    (
        "state",
        "state_id",
        "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: act defer)",
    ),
    (
        "phys_state",
        "physical_state_id",
        (
            "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, 4: shift, "
            "5: link up, 6: link error recover, 7: phytest)"
        ),
    ),
)


def families(root: Path) -> list[Family]:
    """Return the description of every adapter, and state, rate and counters of each of its ports.

    Raises:
        FileNotFoundError: The machine has none.
    """
    adapters = sorted((root / "sys/class/infiniband").iterdir())
    ports: Devices = {
        (adapter.name, port): path for adapter in adapters for port, path in numbered(adapter / "ports", "").items()
    }
    info: dict[LabelValues, float] = {(adapter.name, *_texts(adapter)): 1 for adapter in adapters}
    return [
        gauge(
            "node_infiniband_info",
            "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.",
            info,
            ("device", "board_id", "firmware_version", "hca_type"),
        ),
        gauge("node_infiniband_rate_bytes_per_second", "Maximum signal transfer rate", _rates(ports), _PORT),
        *(gauge(f"node_infiniband_{name}", help, _states(ports, file), _PORT) for file, name, help in _STATES),
        *attribute_families(ports, _COUNTERS, _PORT),
    ]


def _texts(adapter: Path) -> list[str]:
    names = ("board_id", "fw_ver", "hca_type")
    found = read_attributes(adapter, names)
    return [found.get(name, "") for name in names]


def _states(ports: Devices, file: str) -> dict[LabelValues, float]:
    """Return the number of each state, from texts such as `4: ACTIVE`."""
    texts = {labels: read_attribute(path / file) for labels, path in ports.items()}
    numbers = {labels: text.partition(":")[0].strip() for labels, text in texts.items() if text}
    return {labels: int(number) for labels, number in numbers.items() if number.isdecimal()}


def _rates(ports: Devices) -> dict[LabelValues, float]:
    """Return the rates in bytes a second, from texts such as `2.5 Gb/sec (1X SDR)`."""
    texts = {labels: read_attribute(path / "rate") for labels, path in ports.items()}
    rates = {labels: _RATE.match(text) for labels, text in texts.items() if text}
    return {labels: float(rate[1]) * _BYTES_PER_GIGABIT for labels, rate in rates.items() if rate}
