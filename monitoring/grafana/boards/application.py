"""The dashboard of the application: requests, the engine, the C interface between them, the app, and data stores."""

from __future__ import annotations

from monitoring.grafana.boards import limits, panels, shared, units
from monitoring.grafana.boards.board import Row, board
from monitoring.grafana.boards.data_stores import DATA_STORES
from monitoring.grafana.boards.front_end import FRONT_END
from monitoring.grafana.boards.queries import lines, now, rows, series
from monitoring.grafana.boards.variables import HOST, SERVICE

_REQUESTS = Row(
    "Requests",
    [
        panels.graph(
            "Requests",
            "Requests a second over 5 minutes.",
            series("service:http_requests:rate5m{@service}", "{{service}}"),
            unit=units.REQUESTS_PER_SECOND,
        ),
        panels.graph(
            "Requests that failed",
            "Share of a service's requests that ended in a server's error. HttpErrors fires above the line after 5 "
            "minutes.",
            series("service:http_errors:ratio_rate5m{@service}", "{{service}}"),
            unit=units.RATIO,
            bounds=limits.at_most(0.05),
        ),
        panels.graph(
            "Duration",
            "What one request in twenty (P95) and in a hundred (P99) takes or exceeds. HttpLatency fires when P95 "
            "is above the line for 5 minutes.",
            series("service:http_request_duration_seconds:p95_rate5m{@service}", "{{service}} P95"),
            series("service:http_request_duration_seconds:p99_rate5m{@service}", "{{service}} P99"),
            unit=units.SECONDS,
            bounds=limits.at_most(1),
        ),
        panels.graph(
            "Requests by status",
            "Requests a second.",
            series(
                "sum by (service, status) (rate(http_requests_total{@service}[$__rate_interval]))",
                "{{service}} {{status}}",
            ),
            unit=units.REQUESTS_PER_SECOND,
            width=12,
        ),
        panels.graph(
            "Open connections",
            "Connections to each service.",
            series("sum by (service) (http_active_connections{@service})", "{{service}}"),
            unit=units.COUNT,
            width=12,
        ),
    ],
)


_ENGINE = Row(
    "Audio engine",
    [
        panels.graph(
            "Render time",
            "What one buffer in a hundred takes to render, or exceeds, and the duration of one buffer. AudioOverload "
            "fires above the line.",
            series("host_plugin:render_time_seconds:p99_rate1m{@host}", "{{host}} {{plugin}} P99"),
            series("min by (host, plugin) (audio_engine_buffer_duration_seconds{@host})", "{{host}} {{plugin}} buffer"),
            unit=units.SECONDS,
            bounds=limits.at_most(0.025),
        ),
        panels.graph(
            "Render time against the deadline",
            "The same as a share of the shortest buffer of the machine. BufferDeadlineAtRisk fires above the line.",
            series("host_plugin:render_deadline:ratio_rate1m{@host}", "{{host}} {{plugin}}"),
            unit=units.RATIO,
            bounds=limits.at_most(0.8),
        ),
        panels.graph(
            "Dropouts that the engine saw",
            "Buffers a minute that were not rendered in time.",
            series(
                'sum by (host, plugin) (rate(audio_engine_xruns_total{source="engine",@host}[$__rate_interval])) * 60',
                "{{host}} {{plugin}}",
            ),
            unit=units.COUNT,
        ),
        shared.channels(),
        panels.graph(
            "Engine's memory",
            "Bytes in memory of each process that an engine runs in.",
            series(
                "max by (host, plugin, plugin_instance) (audio_engine_resident_memory_bytes{@host})",
                "{{host}} {{plugin_instance}}",
            ),
            unit=units.BYTES,
        ),
    ],
)


_FFI = Row(
    "Calls from the front end into the engine (FFI)",
    [
        panels.graph(
            "Duration by plugin",
            "What one call in a hundred takes or exceeds. FfiLatency fires above the line after a minute.",
            series("host_plugin:ffi_call_duration_seconds:p99_rate5m{@host}", "{{host}} {{plugin}}"),
            unit=units.SECONDS,
            bounds=limits.at_most(0.1),
        ),
        panels.graph(
            "Duration by function",
            "The same for each function, over all machines.",
            series("function:ffi_call_duration_seconds:p99_rate5m{@site}", "{{function}}"),
            unit=units.SECONDS,
            bounds=limits.at_most(0.1),
        ),
        panels.graph(
            "Calls that failed",
            "Share of a plugin's calls that ended in an error. FfiErrors fires above the line after 2 minutes.",
            series("host_plugin:ffi_errors:ratio_rate5m{@host}", "{{host}} {{plugin}}"),
            unit=units.RATIO,
            bounds=limits.at_most(0.05),
        ),
        panels.graph(
            "Calls",
            "Calls a second by function.",
            series("sum by (function) (rate(ffi_calls_total{@host}[$__rate_interval]))", "{{function}}"),
            unit=units.PER_SECOND,
            width=12,
        ),
        panels.graph(
            "Errors",
            "Calls a second that ended in an error, by the code that came back.",
            series(
                "sum by (function, code) (rate(ffi_errors_total{@host}[$__rate_interval]))", "{{function}} {{code}}"
            ),
            unit=units.PER_SECOND,
            width=12,
        ),
    ],
)


_SECURITY = Row(
    "Logins and versions",
    [
        panels.number(
            "Services down",
            "Data stores that their exporter cannot reach. ServiceDown fires after a minute.",
            now("count((pg_up{@site} or redis_up{@site} or nginx_up{@site}) == 0) or vector(0)"),
            unit=units.COUNT,
            bounds=limits.at_most(1),
        ),
        panels.graph(
            "Logins that failed",
            "Within 5 minutes, by service. AuthenticationFailures fires above the line.",
            series("sum by (service) (increase(authentication_failures_total{@service}[5m]))", "{{service}}"),
            unit=units.COUNT,
            bounds=limits.at_most(50),
        ),
        panels.listing(
            "Versions",
            "What is deployed, and on how many instances.",
            rows("count by (service, version) (deployment_version{@service})"),
            {"service": "Service", "version": "Version", "Value": "Instances"},
        ),
    ],
)


_LOGS = Row(
    "Logs",
    [
        panels.log_lines(
            "Logs", "What these services have logged on these machines.", lines('{host=~"$host", service=~"$service"}')
        )
    ],
)

DASHBOARD = board(
    "wr-application",
    "Application Performance",
    "Requests, the audio engine, calls from the front end into it, the app's own speed, and the data stores.",
    [HOST, SERVICE],
    [_REQUESTS, _ENGINE, _FFI, FRONT_END, DATA_STORES, _SECURITY, _LOGS],
)
