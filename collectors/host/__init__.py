"""The machine itself under node_exporter's names: processors, memory, load, file systems, disks, network.

`collector` holds the collector, `subsystems` the list of sources on each platform, `checks` the findings.
`bounded_calls` makes calls that may hang. The subsystems share `attributes` and `filters`.

Every other module is one subsystem, with pure parsers over text and one function or class that returns families.
It has the name of node_exporter's collector, if there is one (`os_release` is `os`). `macos` and `macos_commands` hold
those of macOS. Names, labels, types, values and default filters are those of node_exporter 1.12.
"""
