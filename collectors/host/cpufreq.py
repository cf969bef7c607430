"""Current and permitted frequency of each processor, from /sys/devices/system/cpu/cpu*/cpufreq."""

from __future__ import annotations

from pathlib import Path

from collectors.host.attributes import Attribute, Devices, attribute_families
from collectors.kernel_files import numbered
from collectors.metrics import Family

_PER_KILOHERTZ = 0.001
_FILES = (
    ("cpuinfo_cur_freq", "frequency_hertz", "Current CPU thread frequency in hertz."),
    ("cpuinfo_avg_freq", "frequency_avg_hertz", "Average CPU thread frequency in hertz."),
    ("cpuinfo_min_freq", "frequency_min_hertz", "Minimum CPU thread frequency in hertz."),
    ("cpuinfo_max_freq", "frequency_max_hertz", "Maximum CPU thread frequency in hertz."),
    ("scaling_cur_freq", "scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."),
    ("scaling_min_freq", "scaling_frequency_min_hertz", "Minimum scaled CPU thread frequency in hertz."),
    ("scaling_max_freq", "scaling_frequency_max_hertz", "Maximum scaled CPU thread frequency in hertz."),
)
_ATTRIBUTES = tuple(
    Attribute(f"cpufreq/{file}", f"node_cpu_{name}", help, per=_PER_KILOHERTZ) for file, name, help in _FILES
)


def families(root: Path) -> list[Family]:
    """Return seven gauges, without those that this processor lacks or this user cannot read."""
    processors: Devices = {
        (number,): directory
        for number, directory in numbered(root / "sys/devices/system/cpu", "cpu").items()
        if (directory / "cpufreq").exists()
    }
    return attribute_families(processors, _ATTRIBUTES, ("cpu",))
