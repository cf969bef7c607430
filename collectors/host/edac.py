"""Corrected and uncorrected errors of the memory controllers, from /sys/devices/system/edac/mc."""

from __future__ import annotations

from pathlib import Path

from collectors.host.attributes import Devices
from collectors.kernel_files import numbered, read_number
from collectors.metrics import Family, LabelValues, counter

_KINDS = (("ce", "correctable"), ("ue", "uncorrectable"))


def families(root: Path) -> list[Family]:
    """Return the errors by controller, and by row of chips where the controller knows it."""
    controllers = numbered(root / "sys/devices/system/edac/mc", "mc")
    return [family for kind, name in _KINDS for family in _kind(controllers, kind, name)]


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


def _numbers(paths: Devices) -> dict[LabelValues, float]:
    found = {labels: read_number(path) for labels, path in paths.items()}
    return {labels: number for labels, number in found.items() if number is not None}
