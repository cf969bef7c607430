"""The agents, what they ship and what they find: a part of the dashboard of machines."""

from __future__ import annotations

from monitoring.grafana.boards import limits, panels, units
from monitoring.grafana.boards.board import Row
from monitoring.grafana.boards.queries import rows, series

AGENT = Row(
    "Agents and what they ship",
    [
        panels.up_or_down(
            "Collectors",
            "Whether each collector of an agent works. CollectorFailing fires after a minute of red.",
            series("min by (host, collector) (wr_agent_collector_up{@host})", "{{host}} {{collector}}"),
        ),
        panels.graph(
            "Lines to Loki",
            "Log lines a second that Loki took.",
            series(
                "sum by (host, source) (rate(wr_agent_log_sent_lines_total{@host}[$__rate_interval]))",
                "{{host}} {{source}}",
            ),
            unit=units.PER_SECOND,
        ),
        panels.graph(
            "Lines that are late",
            "For how long a source has had lines that Loki does not have. LogShippingBehind fires above the line.",
            series("max by (host, source) (wr_agent_log_lag_seconds{@host})", "{{host}} {{source}}"),
            unit=units.SECONDS,
            bounds=limits.at_most(300),
        ),
        panels.graph(
            "Agents' stalls",
            "How late the agent's event loop is, one time in a hundred. AgentStalls fires above the line.",
            series(
                "histogram_quantile(0.99, "
                "sum by (host, le) (rate(wr_agent_event_loop_lag_seconds_bucket{@host}[$__rate_interval])))",
                "{{host}}",
            ),
            unit=units.SECONDS,
            bounds=limits.at_most(0.5),
        ),
        panels.graph(
            "Agents' memory",
            "Bytes in memory, shared libraries among them.",
            series('max by (host) (process_resident_memory_bytes{job="agent",@host})', "{{host}}"),
            unit=units.BYTES,
        ),
        panels.up_or_down(
            "Servers of the monitoring",
            "Whether Prometheus reaches them: exporters, and the monitoring itself.",
            series('min by (job, service) (up{job!~"agent.*|ping",@site})', "{{job}} {{service}}"),
        ),
        panels.listing(
            "Findings",
            "What `wr-agent doctor` finds on these machines, and how bad that is.",
            rows("max by (host, severity, code) (wr_agent_finding{@host}) > 0"),
            {"host": "Host", "severity": "Severity", "code": "Finding"},
            no_data="nothing found",
            width=24,
        ),
    ],
)
