"""Corrected and uncorrected errors of the memory controllers, from /sys/devices/system/edac/mc."""

from __future__ import annotations

import re
from pathlib import Path

from collectors.host.attributes import Devices
from collectors.kernel_files import entries, numbered, read_attribute, read_number
from collectors.metrics import Family, LabelValues, counter

_KINDS = (("ce", "correctable"), ("ue", "uncorrectable"))
_CHANNEL = re.compile(r"ch(\d+)_ce_count")


def families(root: Path) -> list[Family]:
    """Return the errors by controller, by row of chips and by module where the controller knows them."""
    controllers = numbered(root / "sys/devices/system/edac/mc", "mc")
    rows: Devices = {
        (controller, row): path
        for controller, directory in controllers.items()
        for row, path in numbered(directory, "csrow").items()
    }
    return [
        *(family for kind, name in _KINDS for family in _kind(controllers, kind, name)),
        *(_channels(rows, kind, name) for kind, name in _KINDS),
    ]


def _kind(controllers: dict[str, Path], kind: str, name: str) -> list[Family]:
    totals: Devices = {(controller,): directory / f"{kind}_count" for controller, directory in controllers.items()}
    unknown_row: Devices = {
        (controller, "unknown"): directory / f"{kind}_noinfo_count" for controller, directory in controllers.items()
    }
    rows: Devices = {
        (controller, row): path / f"{kind}_count"
        for controller, directory in controllers.items()
        for row, path in numbered(directory, "csrow").items()
    }
    return [
        counter(f"node_edac_{name}_errors_total", f"Total {name} memory errors.", _numbers(totals), ("controller",)),
        counter(
            f"node_edac_csrow_{name}_errors_total",
            f"Total {name} memory errors for this csrow.",
            _numbers({**unknown_row, **rows}),
            ("controller", "csrow"),
        ),
    ]


def _channels(rows: Devices, kind: str, name: str) -> Family:
    """Return the errors of each channel of a row, which is one module of memory."""
    paths: Devices = {
        (*row, found[1], dimm_label(directory, found[1])): directory / f"ch{found[1]}_{kind}_count"
        for row, directory in rows.items()
        for file in entries(directory)
        if (found := _CHANNEL.fullmatch(file))
    }
    return counter(
        f"node_edac_channel_{name}_errors_total",
        f"Total {name} memory errors for this channel.",
        _numbers(paths),
        ("controller", "csrow", "channel", "dimm_label"),
    )


def dimm_label(row: Path, channel: str) -> str:
    """Return the name of a channel's module as node_exporter writes it, such as `mc0_csrow0_channel0`."""
    label = read_attribute(row / f"ch{channel}_dimm_label")
    if label is None:
        return "unknown"
    return label.strip().replace("#", "").replace("csrow", "_csrow").replace("channel", "_channel")


def _numbers(paths: Devices) -> dict[LabelValues, float]:
    found = {labels: read_number(path) for labels, path in paths.items()}
    return {labels: number for labels, number in found.items() if number is not None}
