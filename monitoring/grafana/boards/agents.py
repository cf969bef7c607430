"""The agents, their log shipping and their findings: a part of System Health."""

from __future__ import annotations

from monitoring.grafana.boards import limits, panels, units
from monitoring.grafana.boards.board import Row
from monitoring.grafana.boards.queries import rows, series

AGENT = Row(
    "Agents and log shipping",
    [
        panels.states(
            "Failing collectors",
            "The collectors that failed within the dashboard's time. CollectorFailing fires after a minute of red.",
            series("min by (host, collector) (wr_agent_collector_up{@host})", "{{host}} {{collector}}"),
            worst=True,
        ),
        panels.graph(
            "Log lines to Loki",
            "Log lines per second that Loki accepted.",
            series(
                "sum by (host, source) (rate(wr_agent_log_sent_lines_total{@host}[$__rate_interval]))",
                "{{host}} {{source}}",
            ),
            unit=units.PER_SECOND,
        ),
        panels.graph(
            "Log shipping lag",
            "The age of the oldest line that Loki has not acknowledged. LogShippingBehind fires above the line.",
            series("max by (host, source) (wr_agent_log_lag_seconds{@host})", "{{host}} {{source}}"),
            unit=units.SECONDS,
            limit=limits.at_most(300),
        ),
        panels.graph(
            "Event loop lag of agents",
            "P99 lag of the agent's event loop. AgentStalls fires above the line.",
            series("host:event_loop_lag_seconds:p99_rate5m{@host}", "{{host}}"),
            unit=units.SECONDS,
            limit=limits.at_most(0.5),
        ),
        panels.graph(
            "Memory of agents",
            "Proportional set size (PSS) of the agent and its probe. Memory shared with other processes, such as "
            "JACK's 100 MB, counts by its share.",
            series("sum by (host) (wr_agent_memory_pss_bytes{@host})", "{{host}}"),
            unit=units.BYTES,
        ),
        panels.graph(
            "Backlog of pushed metrics",
            "Seconds from the oldest unsent sample to the newest one. PushBehind fires above the line after an hour.",
            series("max by (host) (wr_agent_remote_write_queue_seconds{@host})", "{{host}}"),
            unit=units.SECONDS,
            limit=limits.at_most(3600),
        ),
        panels.states(
            "Scrape targets of the stack",
            "The exporters and the servers of the monitoring stack that respond to Prometheus.",
            series('min by (job, instance) (up{job!~"(wr-)?agent.*|ping|service",@site})', "{{job}} {{instance}}"),
        ),
        panels.listing(
            "Findings",
            "The findings of `wr-agent doctor` on these machines.",
            rows("max by (host, severity, code) (wr_agent_finding{@host}) > 0"),
            {"host": "Host", "severity": "Severity", "code": "Finding"},
            no_data="no finding",
            width=24,
        ),
    ],
)
