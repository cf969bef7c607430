"""The dashboard of machines: what they are made of, what runs on them, and whether they are watched."""

from __future__ import annotations

from monitoring.grafana.boards import limits, panels, shared, units
from monitoring.grafana.boards.agents import AGENT
from monitoring.grafana.boards.board import Row, board
from monitoring.grafana.boards.queries import lines, now, series
from monitoring.grafana.boards.variables import HOST

_REAL = 'device!~"lo|veth.+|br-.+|docker.+"'
_NAMED = 'name!=""'


_OVERVIEW = Row(
    "At a glance",
    [
        panels.number(
            "Machines that answer",
            "Agents that answered Prometheus last. Studio machines that are switched off are not among them.",
            now('sum(up{job="agent",@host})'),
            unit=units.COUNT,
        ),
        panels.number(
            "Servers that do not",
            "Servers whose agent does not answer. Unlike a studio machine, a server has to be on.",
            now('count(up{job="agent",role="server",@host} == 0) or vector(0)'),
            unit=units.COUNT,
            bounds=limits.at_most(1),
        ),
        panels.number(
            "Containers",
            "Containers that run on these machines.",
            now(f"count(container_last_seen{{{_NAMED},@host}}) or vector(0)"),
            unit=units.COUNT,
        ),
        panels.number(
            "Highest load",
            "Runnable and waiting tasks per processor, over a minute, of the machine that has most of them.",
            now('max(node_load1{@host} / on (host) count by (host) (node_cpu_seconds_total{mode="idle",@host}))'),
            unit=units.COUNT,
            decimals=2,
        ),
        panels.number(
            "Least space left",
            "Of the file system that is fullest.",
            now("min(host_mountpoint:filesystem_avail:ratio{@host})"),
            unit=units.RATIO,
            bounds=limits.at_least(0.1),
            decimals=1,
        ),
        panels.number(
            "Failures found",
            "What `wr-agent doctor` calls a failure on these machines.",
            now('count(max by (host, code) (wr_agent_finding{severity="failure",@host}) > 0) or vector(0)'),
            unit=units.COUNT,
            bounds=limits.at_most(1),
        ),
    ],
)


_PROCESSORS = Row(
    "Processors and memory",
    [
        panels.graph(
            "Processors busy",
            "Share of the time in which processors were neither idle nor waiting for a disk. HighCpu fires above "
            "the line after 5 minutes.",
            series("host:cpu_busy:ratio_rate1m{@host}", "{{host}}"),
            unit=units.RATIO,
            bounds=limits.at_most(0.9),
        ),
        panels.graph(
            "What processors do",
            "Share of all processors' time by mode.",
            series('avg by (mode) (rate(node_cpu_seconds_total{mode!="idle",@host}[$__rate_interval]))', "{{mode}}"),
            unit=units.RATIO,
            stacked=True,
        ),
        panels.graph(
            "Load averages",
            "Runnable and waiting tasks, averaged over 1, 5 and 15 minutes.",
            series("node_load1{@host}", "{{host}} 1 min"),
            series("node_load5{@host}", "{{host}} 5 min"),
            series("node_load15{@host}", "{{host}} 15 min"),
            unit=units.COUNT,
        ),
        panels.graph(
            "Memory used",
            "Share of memory that programs could not get. HighMemory fires above the line after 5 minutes.",
            series("host:memory_used:ratio{@host}", "{{host}}"),
            unit=units.RATIO,
            bounds=limits.at_most(0.9),
        ),
        panels.graph(
            "Memory by use",
            "Bytes of memory that can be had, that cache files, and that are swapped out.",
            series("sum by (host) (node_memory_MemAvailable_bytes{@host})", "{{host}} available"),
            series("sum by (host) (node_memory_Cached_bytes{@host})", "{{host}} cached files"),
            series(
                "sum by (host) (node_memory_SwapTotal_bytes{@host} - node_memory_SwapFree_bytes{@host})",
                "{{host}} swapped out",
            ),
            unit=units.BYTES,
        ),
        shared.pressure(),
    ],
)


_DISKS = Row(
    "Disks",
    [
        panels.graph(
            "Space left",
            "Share of each file system. DiskSpaceLow fires below the line.",
            series("host_mountpoint:filesystem_avail:ratio{@host}", "{{host}} {{mountpoint}}"),
            unit=units.RATIO,
            bounds=limits.at_least(0.1),
        ),
        panels.graph(
            "Read and written",
            "Bytes a second, of all disks of a machine.",
            series("sum by (host) (rate(node_disk_read_bytes_total{@host}[$__rate_interval]))", "{{host}} read"),
            series("sum by (host) (rate(node_disk_written_bytes_total{@host}[$__rate_interval]))", "{{host}} written"),
            unit=units.BYTES_PER_SECOND,
        ),
        panels.graph(
            "Disks busy",
            "Share of the time in which a disk had something to do.",
            series(
                "max by (host, device) (rate(node_disk_io_time_seconds_total{@host}[$__rate_interval]))",
                "{{host}} {{device}}",
            ),
            unit=units.RATIO,
        ),
    ],
)


_NETWORK = Row(
    "Network",
    [
        panels.graph(
            "Traffic",
            "Bytes a second over real interfaces.",
            series(
                f"sum by (host) (rate(node_network_receive_bytes_total{{{_REAL},@host}}[$__rate_interval]))",
                "{{host}} received",
            ),
            series(
                f"sum by (host) (rate(node_network_transmit_bytes_total{{{_REAL},@host}}[$__rate_interval]))",
                "{{host}} sent",
            ),
            unit=units.BYTES_PER_SECOND,
            width=12,
        ),
        panels.graph(
            "Packets lost",
            "Packets a second that an interface received or sent with an error, or dropped.",
            *(
                series(
                    f"sum by (host) (rate(node_network_{way}_{kind}_total{{{_REAL},@host}}[$__rate_interval]))",
                    f"{{{{host}}}} {way} {kind}",
                )
                for way in ("receive", "transmit")
                for kind in ("errs", "drop")
            ),
            unit=units.PER_SECOND,
            width=12,
        ),
    ],
)


_CONTAINERS = Row(
    "Containers",
    [
        panels.graph(
            "Containers",
            "How many run on each machine.",
            series(
                f"count by (host) (container_last_seen{{{_NAMED},@host}}) or on (host) 0 * node_load1{{@host}}",
                "{{host}}",
            ),
            unit=units.COUNT,
        ),
        panels.graph(
            "Processors, by container",
            "Processors in use: 1 is one of them all the time.",
            series(
                f"sum by (host, name) (rate(container_cpu_usage_seconds_total{{{_NAMED},@host}}[$__rate_interval]))",
                "{{host}} {{name}}",
            ),
            unit=units.COUNT,
        ),
        panels.graph(
            "Memory, by container",
            "Bytes that cannot be taken back without swapping: what a limit is held against.",
            series(
                f"sum by (host, name) (container_memory_working_set_bytes{{{_NAMED},@host}})",
                "{{host}} {{name}}",
            ),
            unit=units.BYTES,
        ),
    ],
)


_LOGS = Row("Logs", [panels.log_lines("Logs", "Everything that these machines have logged.", lines('{host=~"$host"}'))])

DASHBOARD = board(
    "wr-system-health",
    "System Health",
    "Processors, memory, disks, network and containers of each machine, and whether its agent does its work.",
    [HOST],
    [_OVERVIEW, _PROCESSORS, _DISKS, _NETWORK, _CONTAINERS, AGENT, _LOGS],
)
