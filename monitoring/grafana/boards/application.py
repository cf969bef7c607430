"""The dashboard of the application: requests, the audio engine, FFI calls, the app and the data stores."""

from __future__ import annotations

from monitoring.grafana.boards import incidents, limits, panels, shared, units
from monitoring.grafana.boards.board import Row, board
from monitoring.grafana.boards.data_stores import DATA_STORES
from monitoring.grafana.boards.front_end import FRONT_END
from monitoring.grafana.boards.queries import lines, rows, series
from monitoring.grafana.boards.variables import HOST, SERVICE

_REQUESTS = Row(
    "Requests",
    [
        incidents.strip("@site"),
        panels.graph(
            "Request rate",
            "Requests per second over 5 minutes.",
            series("service:http_requests:rate5m{@service}", "{{service}}"),
            unit=units.REQUESTS_PER_SECOND,
        ),
        panels.graph(
            "Error rate",
            "Share of requests that returned status 5xx. HttpErrors fires above the line after 5 minutes.",
            series("service:http_errors:ratio_rate5m{@service}", "{{service}}"),
            unit=units.RATIO,
            limit=limits.at_most(0.05),
        ),
        panels.graph(
            "Request latency",
            "P95 and P99 latency of requests. For P95, HttpLatency fires above the line after 5 minutes.",
            series("service:http_request_duration_seconds:p95_rate5m{@service}", "{{service}} P95"),
            series("service:http_request_duration_seconds:p99_rate5m{@service}", "{{service}} P99"),
            unit=units.SECONDS,
            limit=limits.at_most(1),
        ),
        panels.graph(
            "Requests by status",
            "Requests per second by status.",
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
            "P99 time to render a buffer, and the duration of a buffer. AudioOverload fires above the line.",
            series("host_plugin:render_time_seconds:p99_rate1m{@host}", "{{host}} {{plugin}} P99"),
            series("min by (host, plugin) (audio_engine_buffer_duration_seconds{@host})", "{{host}} {{plugin}} buffer"),
            unit=units.SECONDS,
            limit=limits.at_most(0.025),
        ),
        panels.graph(
            "Render time per deadline",
            "P99 render time as a share of the machine's shortest buffer. BufferDeadlineAtRisk fires above the line.",
            series("host_plugin:render_deadline:ratio_rate1m{@host}", "{{host}} {{plugin}}"),
            unit=units.RATIO,
            limit=limits.at_most(0.8),
        ),
        panels.graph(
            "Engine xruns",
            "Buffers per minute that the engine rendered too late.",
            series(
                'sum by (host, plugin) (rate(audio_engine_xruns_total{source="engine",@host}[$__rate_interval])) * 60',
                "{{host}} {{plugin}}",
            ),
            unit=units.NUMBER,
        ),
        shared.channels(),
        panels.graph(
            "Engine memory",
            "Resident memory of each process with an engine.",
            series(
                "max by (host, plugin, plugin_instance) (audio_engine_resident_memory_bytes{@host})",
                "{{host}} {{plugin}} {{plugin_instance}}",
            ),
            unit=units.BYTES,
        ),
    ],
)


_FFI = Row(
    "FFI calls",
    [
        panels.graph(
            "FFI latency by plugin (P99)",
            "P99 duration of FFI calls. FfiLatency fires above the line after a minute.",
            series("host_plugin:ffi_call_duration_seconds:p99_rate5m{@host}", "{{host}} {{plugin}}"),
            unit=units.SECONDS,
            limit=limits.at_most(0.1),
        ),
        panels.graph(
            "FFI latency by function (P99)",
            "P99 duration of the calls of each function on all machines.",
            series("function:ffi_call_duration_seconds:p99_rate5m{@site}", "{{function}}"),
            unit=units.SECONDS,
            limit=limits.at_most(0.1),
        ),
        panels.graph(
            "FFI error rate",
            "Share of a plugin's calls that returned an error. FfiErrors fires above the line after 2 minutes.",
            series("host_plugin:ffi_errors:ratio_rate5m{@host}", "{{host}} {{plugin}}"),
            unit=units.RATIO,
            limit=limits.at_most(0.05),
        ),
        panels.graph(
            "FFI call rate",
            "Calls per second by function.",
            series("sum by (function) (rate(ffi_calls_total{@host}[$__rate_interval]))", "{{function}}"),
            unit=units.PER_SECOND,
            width=12,
        ),
        panels.graph(
            "FFI errors by code",
            "Calls per second that returned an error, by function and code.",
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
            series("count((pg_up{@site} or redis_up{@site} or nginx_up{@site}) == 0) or vector(0)"),
            unit=units.COUNT,
            limit=limits.at_most(1),
            decimals=0,
        ),
        panels.graph(
            "Failed logins",
            "Failed logins within 5 minutes by service. AuthenticationFailures fires above the line.",
            series("sum by (service) (increase(authentication_failures_total{@service}[5m]))", "{{service}}"),
            unit=units.COUNT,
            limit=limits.at_most(50),
        ),
        panels.listing(
            "Deployed versions",
            "The versions of each service, and the number of instances.",
            rows("count by (service, version) (deployment_version{@service})"),
            {"service": "Service", "version": "Version", "Value": "Instances"},
        ),
    ],
)


_LOGS = Row(
    "Logs",
    [
        panels.log_lines(
            "Log lines", "Log lines of these services on these machines.", lines('{host=~"$host", service=~"$service"}')
        )
    ],
)

DASHBOARD = board(
    "wr-application",
    "Application Performance",
    "Requests, the audio engine, FFI calls, the app and the data stores.",
    [HOST, SERVICE],
    [_REQUESTS, _ENGINE, _FFI, FRONT_END, DATA_STORES, _SECURITY, _LOGS],
)
