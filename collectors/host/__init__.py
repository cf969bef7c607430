"""The machine itself: processors, memory, load, file systems, disks, network, under node_exporter's names.

`collector` holds the collector, `subsystems` the list of what is read on each platform, `checks` what it says to
a person. Every other module is one subsystem, named as node_exporter names its collectors (`macos` holds all of
those that only macOS has): pure parsers over text, and one function or class that returns families. Names, labels,
types, values and default filters are those of node_exporter 1.5.
"""

from collectors.host.collector import HostCollector
from collectors.host.config import HostConfig

__all__ = ["HostCollector", "HostConfig"]
