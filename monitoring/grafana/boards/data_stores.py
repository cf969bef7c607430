"""PostgreSQL, Redis and Nginx, as their exporters see them: a part of the dashboard of the application."""

from __future__ import annotations

from monitoring.grafana.boards import limits, panels, units
from monitoring.grafana.boards.board import Row
from monitoring.grafana.boards.queries import series

DATA_STORES = Row(
    "PostgreSQL, Redis and Nginx",
    [
        panels.graph(
            "PostgreSQL's connections",
            "Share of the connections that it allows. PostgresConnectionsHigh fires above the line.",
            series(
                "sum by (host, service) (pg_stat_activity_count{@service}) "
                "/ sum by (host, service) (pg_settings_max_connections{@service})",
                "{{host}}",
            ),
            unit=units.RATIO,
            bounds=limits.at_most(0.8),
        ),
        panels.graph(
            "PostgreSQL's longest query",
            "For how long it has been running, by database. SlowQueries fires above the line after a minute.",
            series(
                'max by (host, datname) (pg_stat_activity_max_tx_duration{state="active",@service})',
                "{{host}} {{datname}}",
            ),
            unit=units.SECONDS,
            bounds=limits.at_most(5),
        ),
        panels.graph(
            "PostgreSQL's transactions",
            "Transactions a second that were kept and that were undone.",
            series("sum by (host) (rate(pg_stat_database_xact_commit{@service}[$__rate_interval]))", "{{host}} kept"),
            series(
                "sum by (host) (rate(pg_stat_database_xact_rollback{@service}[$__rate_interval]))",
                "{{host}} undone",
            ),
            unit=units.PER_SECOND,
        ),
        panels.graph(
            "Redis' memory",
            "Bytes in use, and what it may use (0 is no limit). RedisMemoryHigh fires at 90 % of that.",
            series("redis_memory_used_bytes{@service}", "{{host}} used"),
            series("redis_memory_max_bytes{@service}", "{{host}} limit"),
            unit=units.BYTES,
        ),
        panels.graph(
            "Redis' commands",
            "Commands a second, and clients.",
            series("sum by (host) (rate(redis_commands_processed_total{@service}[$__rate_interval]))", "{{host}}"),
            series("sum by (host) (redis_connected_clients{@service})", "{{host}} clients"),
            unit=units.COUNT,
        ),
        panels.graph(
            "Nginx",
            "Requests a second, open connections, and connections a second that it dropped.",
            series("sum by (host) (rate(nginx_http_requests_total{@service}[$__rate_interval]))", "{{host}}"),
            series("sum by (host) (nginx_connections_active{@service})", "{{host}} open"),
            series(
                "sum by (host) (rate(nginx_connections_accepted{@service}[$__rate_interval]) "
                "- rate(nginx_connections_handled{@service}[$__rate_interval]))",
                "{{host}} dropped",
            ),
            unit=units.COUNT,
        ),
    ],
)
