"""The dashboard of machines: resources, containers and agents."""

from __future__ import annotations

from monitoring.grafana.boards import incidents, limits, panels, shared, units
from monitoring.grafana.boards.agents import AGENT
from monitoring.grafana.boards.board import Row, board
from monitoring.grafana.boards.queries import lines, series
from monitoring.grafana.boards.variables import HOST

_REAL = 'device!~"lo|veth.+|br-.+|docker.+"'
_NAMED = 'name!=""'


_OVERVIEW = Row(
    "Overview",
    [
        incidents.strip(),
        panels.number(
            "Agents up",
            "Agents that respond to Prometheus or push. Studio machines that are switched off do not count.",
            series('count(max by (host) (up{job=~"agent|wr-agent",@host}) == 1) or vector(0)'),
            unit=units.COUNT,
            decimals=0,
        ),
        panels.number(
            "Servers down",
            "Servers whose agent does not respond, or stopped pushing. A studio machine may be off, a server may not.",
            series(
                'count(max by (host) (up{job="agent",role="server",@host} == 0 or host:push:lost{role="server",@host}))'
                " or vector(0)"
            ),
            unit=units.COUNT,
            limit=limits.at_most(1),
            decimals=0,
        ),
        panels.number(
            "Running containers",
            "Containers that run on these machines.",
            series(f"count(container_last_seen{{{_NAMED},@host}}) or vector(0)"),
            unit=units.COUNT,
            decimals=0,
        ),
        panels.number(
            "Highest load per CPU",
            "Load average over 1 minute per CPU, of the most loaded machine.",
            series("max(node_load1{@host} / on (host) group_left () host:cpus:count{@host})"),
            unit=units.NUMBER,
            decimals=2,
        ),
        panels.number(
            "Least free disk space",
            "Free share of the fullest file system.",
            series("min(host_mountpoint:filesystem_avail:ratio{@host})"),
            unit=units.RATIO,
            limit=limits.at_least(0.1),
            decimals=1,
        ),
        panels.number(
            "Failed checks",
            "Failures that `wr-agent doctor` reports on these machines.",
            series('count(max by (host, code) (wr_agent_finding{severity="failure",@host}) > 0) or vector(0)'),
            unit=units.COUNT,
            limit=limits.at_most(1),
            decimals=0,
        ),
    ],
)


_PROCESSORS = Row(
    "CPU and memory",
    [
        panels.graph(
            "CPU usage",
            "Share of CPU time that is neither idle nor I/O wait. HighCpu fires above the line after 5 minutes.",
            series("host:cpu_busy:ratio_rate1m{@host}", "{{host}}"),
            series("avg(host:cpu_busy:ratio_rate1m{@host})", "mean of all hosts"),
            unit=units.RATIO,
            limit=limits.at_most(0.9),
        ),
        panels.graph(
            "CPU time by mode",
            "Share of the CPU time of all machines by mode.",
            series(
                'sum by (mode) (host_mode:cpu_seconds:rate1m{mode!="idle",@host}) '
                "/ ignoring (mode) group_left () sum(host:cpus:count{@host})",
                "{{mode}}",
            ),
            unit=units.RATIO,
            stacked=True,
        ),
        panels.graph(
            "Load average per CPU",
            "Runnable and waiting tasks per CPU, averaged over 1 and 15 minutes.",
            *(
                series(
                    f"node_load{minutes}{{@host}} / on (host) group_left () host:cpus:count{{@host}}",
                    f"{{{{host}}}} {minutes} min",
                )
                for minutes in (1, 15)
            ),
            unit=units.NUMBER,
        ),
        panels.graph(
            "Memory usage",
            "Share of memory that is not available. HighMemory fires above the line after 5 minutes.",
            series("host:memory_used:ratio{@host}", "{{host}}"),
            series("avg(host:memory_used:ratio{@host})", "mean of all hosts"),
            unit=units.RATIO,
            limit=limits.at_most(0.9),
        ),
        panels.graph(
            "Memory by type",
            "Memory of all machines: available, page cache and used swap.",
            series("sum(node_memory_MemAvailable_bytes{@host})", "available"),
            series("sum(node_memory_Cached_bytes{@host})", "page cache"),
            series("sum(node_memory_SwapTotal_bytes{@host} - node_memory_SwapFree_bytes{@host})", "swap"),
            unit=units.BYTES,
        ),
        shared.pressure(),
    ],
)


_DISKS = Row(
    "Disks",
    [
        panels.graph(
            "Free disk space",
            "Free share of each file system. DiskSpaceLow fires below the line.",
            series("host_mountpoint:filesystem_avail:ratio{@host}", "{{host}} {{mountpoint}}"),
            unit=units.RATIO,
            limit=limits.at_least(0.1),
        ),
        panels.graph(
            "Disk throughput",
            "Bytes per second of all disks of a machine.",
            series("sum by (host) (rate(node_disk_read_bytes_total{@host}[$__rate_interval]))", "{{host}} read"),
            series("sum by (host) (rate(node_disk_written_bytes_total{@host}[$__rate_interval]))", "{{host}} write"),
            unit=units.BYTES_PER_SECOND,
        ),
        panels.graph(
            "Disk utilisation",
            "Share of time in which a disk was busy.",
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
            "Network traffic",
            "Bytes per second through physical interfaces.",
            *(
                series(
                    f"sum by (host) (rate(node_network_{way}_bytes_total{{{_REAL},@host}}[$__rate_interval]))",
                    f"{{{{host}}}} {way}",
                )
                for way in ("receive", "transmit")
            ),
            unit=units.BYTES_PER_SECOND,
        ),
        panels.graph(
            "Total network traffic",
            "Bytes per second through physical interfaces of all machines.",
            *(
                series(f"sum(rate(node_network_{way}_bytes_total{{{_REAL},@host}}[$__rate_interval]))", way)
                for way in ("receive", "transmit")
            ),
            unit=units.BYTES_PER_SECOND,
        ),
        panels.graph(
            "Packet errors and drops",
            "Packets per second that an interface received or sent with an error, or dropped.",
            *(
                series(
                    f"sum by (host) (rate(node_network_{way}_{kind}_total{{{_REAL},@host}}[$__rate_interval]))",
                    f"{{{{host}}}} {way} {kind}",
                )
                for way in ("receive", "transmit")
                for kind in ("errs", "drop")
            ),
            unit=units.PER_SECOND,
        ),
    ],
)


_CONTAINERS = Row(
    "Containers",
    [
        panels.graph(
            "Containers by host",
            "Running containers of each machine.",
            series(
                f"count by (host) (container_last_seen{{{_NAMED},@host}}) or on (host) 0 * node_load1{{@host}}",
                "{{host}}",
            ),
            unit=units.COUNT,
        ),
        panels.graph(
            "CPU by container",
            "CPUs in use: 1 is one CPU all the time.",
            series(
                f"sum by (host, name) (rate(container_cpu_usage_seconds_total{{{_NAMED},@host}}[$__rate_interval]))",
                "{{host}} {{name}}",
            ),
            unit=units.NUMBER,
        ),
        panels.graph(
            "Memory by container",
            "Working set in bytes, which the memory limit applies to.",
            series(
                f"sum by (host, name) (container_memory_working_set_bytes{{{_NAMED},@host}})",
                "{{host}} {{name}}",
            ),
            unit=units.BYTES,
        ),
    ],
)


_LOGS = Row("Logs", [panels.log_lines("Log lines", "All log lines of these machines.", lines('{host=~"$host"}'))])

DASHBOARD = board(
    "wr-system-health",
    "System Health",
    "CPU, memory, disks, network and containers of each machine, and its agent.",
    [HOST],
    [_OVERVIEW, _PROCESSORS, _DISKS, _NETWORK, _CONTAINERS, AGENT, _LOGS],
)
