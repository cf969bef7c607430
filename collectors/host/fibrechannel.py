"""Fibre Channel adapters, from /sys/class/fc_host."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_attributes, read_number
from collectors.metrics import Family, LabelValues, counter, gauge

_TEXTS = (
    "speed",
    "port_state",
    "port_type",
    "port_id",
    "port_name",
    "fabric_name",
    "symbolic_name",
    "supported_classes",
    "supported_speeds",
    "dev_loss_tmo",
)
_NUMBERS_IN_TEXTS = frozenset({"port_id", "port_name", "fabric_name"})
_COUNTERS = (
    ("dumped_frames", "dumped_frames", "Number of dumped frames"),
    ("error_frames", "error_frames", "Number of errors in frames"),
    ("invalid_crc_count", "invalid_crc", "Invalid Cyclic Redundancy Check count"),
    ("rx_frames", "rx_frames", "Number of frames received"),
    ("rx_words", "rx_words", "Number of words received by host port"),
    ("tx_frames", "tx_frames", "Number of frames transmitted by host port"),
    ("tx_words", "tx_words", "Number of words transmitted by host port"),
    (
        "seconds_since_last_reset",
        "seconds_since_last_reset",
        "Number of seconds since last host port reset",
    ),
    ("invalid_tx_word_count", "invalid_tx_words", "Number of invalid words transmitted by host port"),
    ("link_failure_count", "link_failure", "Number of times the host port link has failed"),
    ("loss_of_sync_count", "loss_of_sync", "Number of failures on either bit or transmission word boundaries"),
    ("loss_of_signal_count", "loss_of_signal", "Number of times signal has been lost"),
    ("nos_count", "nos", "Number Not_Operational Primitive Sequence received by host port"),
    ("fcp_packet_aborts", "fcp_packet_aborts", "Number of aborted packets"),
)
_UNKNOWN = 2**64 - 1
"""The value of a counter that the adapter does not have."""


def families(root: Path) -> list[Family]:
    """Return description and counters of every adapter.

    Raises:
        FileNotFoundError: The machine has none.
    """
    hosts = sorted((root / "sys/class/fc_host").iterdir())
    info: dict[LabelValues, float] = {(host.name, *_texts(host)): 1 for host in hosts}
    return [
        gauge(
            "node_fibrechannel_info",
            "Non-numeric data from /sys/class/fc_host/<host>, value is always 1.",
            info,
            ("fc_host", *_TEXTS),
        ),
        *(
            counter(f"node_fibrechannel_{name}_total", help, _counts(hosts, file), ("fc_host",))
            for file, name, help in _COUNTERS
        ),
    ]


def _texts(host: Path) -> list[str]:
    found = read_attributes(host, _TEXTS)
    return [found.get(name, "").strip().removeprefix("0x" if name in _NUMBERS_IN_TEXTS else "") for name in _TEXTS]


def _counts(hosts: list[Path], file: str) -> dict[LabelValues, float]:
    found = {host.name: read_number(host / "statistics" / file) for host in hosts}
    return {(host,): count for host, count in found.items() if count is not None and count != _UNKNOWN}
