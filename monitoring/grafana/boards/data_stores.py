"""PostgreSQL, Redis and Nginx: a part of Application Performance."""

from __future__ import annotations

from monitoring.grafana.boards import limits, panels, units
from monitoring.grafana.boards.board import Row
from monitoring.grafana.boards.queries import series

DATA_STORES = Row(
    "PostgreSQL, Redis and Nginx",
    [
        panels.graph(
            "PostgreSQL connections",
            "Share of the maximum number of connections. PostgresConnectionsHigh fires above the line.",
            series(
                "sum by (host, service) (pg_stat_activity_count{@service}) "
                "/ sum by (host, service) (pg_settings_max_connections{@service})",
                "{{host}}",
            ),
            unit=units.RATIO,
            limit=limits.at_most(0.8),
        ),
        panels.graph(
            "PostgreSQL longest query",
            "Age of the longest query by database. SlowQueries fires above the line after a minute.",
            series(
                'max by (host, datname) (pg_stat_activity_max_tx_duration{state="active",@service})',
                "{{host}} {{datname}}",
            ),
            unit=units.SECONDS,
            limit=limits.at_most(5),
        ),
        panels.graph(
            "PostgreSQL transactions",
            "Committed and rolled back transactions per second.",
            series("sum by (host) (rate(pg_stat_database_xact_commit{@service}[$__rate_interval]))", "{{host}} commit"),
            series(
                "sum by (host) (rate(pg_stat_database_xact_rollback{@service}[$__rate_interval]))",
                "{{host}} rollback",
            ),
            unit=units.PER_SECOND,
        ),
        panels.graph(
            "Redis memory",
            "Used memory and its limit; 0 means no limit. RedisMemoryHigh fires at 90 % of the limit.",
            series("redis_memory_used_bytes{@service}", "{{host}} used"),
            series("redis_memory_max_bytes{@service}", "{{host}} limit"),
            unit=units.BYTES,
        ),
        panels.graph(
            "Redis commands",
            "Commands per second.",
            series("sum by (host) (rate(redis_commands_processed_total{@service}[$__rate_interval]))", "{{host}}"),
            unit=units.PER_SECOND,
        ),
        panels.graph(
            "Redis clients",
            "Connected clients.",
            series("sum by (host) (redis_connected_clients{@service})", "{{host}}"),
            unit=units.COUNT,
        ),
        panels.graph(
            "Nginx requests",
            "Requests per second.",
            series("sum by (host) (rate(nginx_http_requests_total{@service}[$__rate_interval]))", "{{host}}"),
            unit=units.REQUESTS_PER_SECOND,
        ),
        panels.graph(
            "Nginx connections",
            "Open connections.",
            series("sum by (host) (nginx_connections_active{@service})", "{{host}}"),
            unit=units.COUNT,
        ),
        panels.graph(
            "Nginx dropped connections",
            "Accepted connections per second that Nginx dropped. NginxDropsConnections fires above the line.",
            series(
                "sum by (host) (rate(nginx_connections_accepted{@service}[$__rate_interval]) "
                "- rate(nginx_connections_handled{@service}[$__rate_interval]))",
                "{{host}}",
            ),
            unit=units.PER_SECOND,
            limit=limits.at_most(0.1),
        ),
    ],
)
