"""The dashboard of incidents: what fires, for how long, who was told, and whether that works."""

from __future__ import annotations

from monitoring.grafana.boards import limits, panels, units
from monitoring.grafana.boards.board import Row, board
from monitoring.grafana.boards.queries import now, rows, series

# Always fires, by design, and is no incident.
_INCIDENTS = 'alertname!="DeadMansSwitch",@site'


def _firing(priority: str = ".+") -> str:
    """The incidents of a priority, or of any."""
    return f'ALERTS{{alertstate="firing",priority=~"{priority}",{_INCIDENTS}}}'


_AGE = f"(time() - (ALERTS_FOR_STATE{{{_INCIDENTS}}} and ignoring (alertstate) {_firing()}))"
"""Seconds since each incident's condition came to hold."""

_RESPONSE = {"P0": ("5 minutes", 300), "P1": ("30 minutes", 1800), "P2": ("2 hours", 7200), "P3": ("a day", 86400)}
"""Within what time somebody has to respond, in words and seconds."""

# Points in time of the graph's own distance at which an alert was firing, each standing for that distance.
_SECONDS_FIRING = f"count_over_time({_firing()}[$__range:$__interval]) * $__interval_ms / 1000"


_OPEN = Row(
    "Open incidents",
    [
        *(
            panels.number(
                f"{priority} open",
                f"Alerts of {priority} that fire now. Somebody has to respond within {words}.",
                now(f"count({_firing(priority)}) or vector(0)"),
                unit=units.COUNT,
                bounds=limits.at_most(1) if priority in {"P0", "P1"} else limits.NONE,
                width=3,
            )
            for priority, (words, _) in _RESPONSE.items()
        ),
        panels.number(
            "Open for too long",
            "Escalation: incidents that are older than the time within which somebody has to respond.",
            *(
                now(
                    f"count(({_AGE} > {seconds}) and ignoring (alertstate) {_firing(priority)}) or vector(0)",
                    priority,
                )
                for priority, (_, seconds) in _RESPONSE.items()
            ),
            unit=units.COUNT,
            bounds=limits.at_most(1),
            width=8,
        ),
        panels.number(
            "Hidden or muted",
            "Alerts that nobody is told of: another one is their cause, it is night, or a silence is set.",
            now('sum(alertmanager_alerts{state="suppressed",@site})'),
            unit=units.COUNT,
            width=4,
        ),
        panels.listing(
            "Incidents",
            "Each alert that fires, with the time since its condition came to hold.",
            rows(_AGE),
            {
                "priority": "Priority",
                "alertname": "Alert",
                "host": "Host",
                "service": "Service",
                "device": "Device",
                "plugin": "Plugin",
                "team": "Team",
                "Value": "For",
            },
            unit=units.SECONDS,
            no_data="no incident",
            width=24,
        ),
        panels.alert_groups("As Alertmanager groups them", "Who is told of what, with silences to set."),
    ],
)


_HOW_OFTEN = Row(
    "How often alerts fire",
    [
        panels.graph(
            "Firing",
            "Alerts that fire, by priority.",
            series(f"count by (priority) ({_firing()})", "{{priority}}"),
            unit=units.COUNT,
            stacked=True,
        ),
        panels.graph(
            "Begun",
            "Alerts that began to fire since the point before.",
            series(f"count({_firing()} unless {_firing()} offset $__rate_interval) or vector(0)", "begun"),
            unit=units.COUNT,
            bars=True,
        ),
        panels.bar_list(
            "Most time firing",
            "The ten alerts that fired longest within the dashboard's time, over all that they fired for.",
            now(f"topk(10, sum by (alertname) ({_SECONDS_FIRING}))", "{{alertname}}"),
            unit=units.SECONDS,
        ),
    ],
)


_RESPONSES = Row(
    "How fast",
    [
        panels.bar_list(
            "Time to mend",
            "How long an incident fired within the dashboard's time, on average by priority. What fired twice for "
            "the same thing counts as one. When somebody took it on, PagerDuty alone knows.",
            now(f"avg by (priority) ({_SECONDS_FIRING})", "{{priority}}"),
            unit=units.SECONDS,
            width=12,
        ),
        panels.graph(
            "Time to notify",
            "What one notification in twenty within an hour took or exceeded, from Alertmanager's attempt to the "
            "answer.",
            series(
                "histogram_quantile(0.95, sum by (integration, le) "
                "(rate(alertmanager_notification_latency_seconds_bucket{@site}[1h]))) > 0",
                "{{integration}}",
            ),
            unit=units.SECONDS,
            width=12,
        ),
    ],
)


_NOTIFICATIONS = Row(
    "Who is told",
    [
        panels.graph(
            "Notifications",
            "Notifications within an hour, by way.",
            series(
                "sum by (integration) (increase(alertmanager_notifications_total{@site}[1h])) > 0",
                "{{integration}}",
            ),
            unit=units.COUNT,
        ),
        panels.graph(
            "Notifications that failed",
            "Within an hour, by way that is in use. NotificationsFailing fires once there are some for 5 minutes.",
            series(
                "sum by (integration) (increase(alertmanager_notifications_failed_total{@site}[1h])) "
                "and on (integration) alertmanager_notifications_total{@site} > 0",
                "{{integration}}",
            ),
            unit=units.COUNT,
            bounds=limits.at_most(1),
        ),
        panels.graph(
            "Silences",
            "Silences that are set.",
            series('sum(alertmanager_silences{state="active",@site})', "active"),
            unit=units.COUNT,
        ),
    ],
)


_MONITORING = Row(
    "Whether all this works",
    [
        panels.number(
            "Dead man's switch",
            "Fires all the time; at 0 nobody will hear of anything.",
            now('count(ALERTS{alertname="DeadMansSwitch",alertstate="firing",@site}) or vector(0)'),
            unit=units.COUNT,
            bounds=limits.UP,
        ),
        panels.number(
            "Configurations refused",
            "Servers that run with an old configuration, because they refused the new one.",
            now(
                "count((prometheus_config_last_reload_successful{@site} "
                "or alertmanager_config_last_reload_successful{@site}) == 0) or vector(0)"
            ),
            unit=units.COUNT,
            bounds=limits.at_most(1),
        ),
        panels.graph(
            "Rules that failed",
            "Evaluations within 5 minutes that failed. RulesFailing fires as soon as there are some.",
            series("sum by (host) (increase(prometheus_rule_evaluation_failures_total{@site}[5m]))", "{{host}}"),
            unit=units.COUNT,
            bounds=limits.at_most(1),
        ),
        panels.graph(
            "Alerts that Alertmanager did not get",
            "Within 5 minutes.",
            series("sum by (host) (increase(prometheus_notifications_errors_total{@site}[5m]))", "{{host}}"),
            unit=units.COUNT,
            bounds=limits.at_most(1),
        ),
    ],
)

DASHBOARD = board(
    "wr-alerts",
    "Alerts",
    "Incidents that are open, how often alerts fire, how long incidents take, and whether notifications arrive.",
    [],
    [_OPEN, _HOW_OFTEN, _RESPONSES, _NOTIFICATIONS, _MONITORING],
    span="now-24h",
)
