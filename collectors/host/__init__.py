"""The machine itself: processors, memory, load, file systems, disks, network, under node_exporter's names.

`collector` holds the collector, `subsystems` the list of what is read on each platform, `checks` what it says to
a person, `bounded_calls` how calls that hang are survived. `attributes` and `filters` are what subsystems share.
Every other module is one subsystem, named as node_exporter names its collectors where it has one (`macos` and
`macos_commands` hold those that only macOS has, `os_release` is `os`): pure parsers over text, and one function or
class that returns families. Names, labels, types, values and default filters are those of node_exporter 1.5.
"""
