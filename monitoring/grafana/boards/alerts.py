"""The dashboard of alerts: what fires, for how long, who is notified, and whether the notifications arrive."""

from __future__ import annotations

from functools import reduce

from grafana_foundation_sdk.models.dashboard import (
    DashboardRegexMapOptions,
    DynamicConfigValue,
    RegexMap,
    ValueMappingResult,
)

from monitoring.grafana.boards import incidents, limits, links, panels, units
from monitoring.grafana.boards.board import Row, board
from monitoring.grafana.boards.queries import now, rows, series
from monitoring.runbooks.alerts import RESPONSE_SECONDS, RESPONSE_WORDS, alerts
from monitoring.runbooks.text import BOARDS

# DeadMansSwitch always fires.
_INCIDENTS = 'alertname!="DeadMansSwitch",@site'


def _firing(priority: str = ".+") -> str:
    """Return the firing alerts of a priority."""
    return f'ALERTS{{alertstate="firing",priority=~"{priority}",{_INCIDENTS}}}'


# The least value of a day, so the age survives a restart of Prometheus.
_AGE = f"(time() - (min_over_time(ALERTS_FOR_STATE{{{_INCIDENTS}}}[1d]) and ignoring (alertstate) {_firing()}))"
"""Seconds since each alert's condition was first true within a day."""

# The number of points within the dashboard's time at which an alert fired, times their distance.
_SECONDS_FIRING = f"count_over_time({_firing()}[$__range:$__interval]) * $__interval_ms / 1000"


def _with_dashboard(expression: str) -> str:
    """Return the expression with a label `path`: the uid of the alert's dashboard and the choice of its host."""
    names: dict[str, list[str]] = {}
    for alert in alerts():
        names.setdefault(alert.board, []).append(alert.name)
    labelled = reduce(
        lambda inner, of: (
            f'label_replace({inner}, "board", "{of[0]}", "alertname", "{"|".join(dict.fromkeys(of[1]))}")'
        ),
        names.items(),
        expression,
    )
    chosen = f'label_replace({labelled}, "chosen", "?var-host=$1", "host", "(.+)")'
    return f'label_join({chosen}, "path", "", "board", "chosen")'


_TO_RUNBOOK = links.to("Runbook of ${__value.raw}", "/d/runbook-${__value.raw}")
_TO_DASHBOARD = links.to("Dashboard", "/d/${__value.raw}")
_DASHBOARD_NAMES = [
    RegexMap(DashboardRegexMapOptions(f"/^{uid}.*/", ValueMappingResult(title))) for uid, title in BOARDS.items()
]

_OPEN = Row(
    "Open alerts",
    [
        incidents.strip("@site", height=6),
        *(
            panels.number(
                f"{priority} open",
                f"Firing {priority} alerts. The response time is {RESPONSE_WORDS[priority]}.",
                series(f"count({_firing(priority)}) or vector(0)"),
                unit=units.COUNT,
                limit=limits.at_most(1) if priority in {"P0", "P1"} else None,
                width=3,
                decimals=0,
            )
            for priority in RESPONSE_SECONDS
        ),
        panels.number(
            "Response time exceeded",
            "Alerts that have fired for longer than their response time.",
            *(
                now(
                    f"count(({_AGE} > {seconds}) and ignoring (alertstate) {_firing(priority)}) or vector(0)",
                    priority,
                )
                for priority, seconds in RESPONSE_SECONDS.items()
            ),
            unit=units.COUNT,
            limit=limits.at_most(1),
            width=8,
            decimals=0,
        ),
        panels.number(
            "Suppressed",
            "Alerts without a notification: inhibited by their cause, muted at night, or silenced.",
            series('sum(alertmanager_alerts{state="suppressed",@site})'),
            unit=units.COUNT,
            width=4,
            decimals=0,
        ),
        panels.listing(
            "Firing alerts",
            "Each firing alert with its age. The alert links to its runbook, the dashboard to its machine.",
            rows(_with_dashboard(_AGE)),
            {
                "priority": "Priority",
                "alertname": "Alert",
                "path": "Dashboard",
                "host": "Host",
                "service": "Service",
                "device": "Device",
                "plugin": "Plugin",
                "integration": "Integration",
                "team": "Team",
                "Value": "Age",
            },
            unit=units.DURATION,
            no_data="no alert",
            width=24,
            height=10,
            options={
                "Alert": [DynamicConfigValue("links", [_TO_RUNBOOK])],
                "Dashboard": [
                    DynamicConfigValue("links", [_TO_DASHBOARD]),
                    DynamicConfigValue("mappings", _DASHBOARD_NAMES),
                ],
            },
        ),
        panels.listing(
            "Contacts",
            "The contact of each team, from CONTACT_… in .env of the stack.",
            rows("team:contact:info"),
            {"team": "Team", "contact": "Contact"},
            width=24,
            height=6,
        ),
    ],
)


_HOW_OFTEN = Row(
    "Alert frequency",
    [
        panels.graph(
            "Firing alerts by priority",
            "The number of firing alerts.",
            series(f"count by (priority) ({_firing()})", "{{priority}}"),
            unit=units.COUNT,
            stacked=True,
        ),
        panels.graph(
            "New alerts",
            "Alerts that started to fire since the previous point.",
            series(f"count({_firing()} unless {_firing()} offset $__rate_interval) or vector(0)", "new"),
            unit=units.COUNT,
            bars=True,
        ),
        panels.bar_list(
            "Time firing by alert",
            "The ten alerts that fired longest within the dashboard's time, over all their labels.",
            now(f"topk(10, sum by (alertname) ({_SECONDS_FIRING}))", "{{alertname}}"),
            unit=units.DURATION,
        ),
    ],
)


_RESPONSES = Row(
    "Response times",
    [
        panels.bar_list(
            "Mean time to resolve",
            "Mean duration of the alerts within the dashboard's time by priority. Only PagerDuty knows when an alert "
            "was acknowledged.",
            *(
                now(
                    f"avg(count_over_time({_firing(priority)}[$__range:$__interval])) * $__interval_ms / 1000 "
                    "or vector(0)",
                    priority,
                )
                for priority in RESPONSE_SECONDS
            ),
            unit=units.DURATION,
            width=12,
        ),
        panels.graph(
            "Notification latency (P95)",
            "P95 time of a notification within the last hour, of channels with a success. A channel on which all "
            "notifications fail is not shown.",
            series(
                "histogram_quantile(0.95, sum by (integration, le) "
                "(rate(alertmanager_notification_latency_seconds_bucket{@site}[1h]))) > 0 "
                "and on (integration) sum by (integration) (increase(alertmanager_notifications_total{@site}[1h])) "
                "- sum by (integration) (increase(alertmanager_notifications_failed_total{@site}[1h])) > 0",
                "{{integration}}",
            ),
            unit=units.SECONDS,
            width=12,
        ),
    ],
)


_NOTIFICATIONS = Row(
    "Notifications",
    [
        panels.graph(
            "Notifications per hour",
            "Notifications within the last hour by channel.",
            series(
                "sum by (integration) (increase(alertmanager_notifications_total{@site}[1h])) > 0",
                "{{integration}}",
            ),
            unit=units.COUNT,
        ),
        panels.graph(
            "Failed notifications per hour",
            "Failed notifications within the last hour by channel. NotificationsFailing fires if some fail for 5 "
            "minutes.",
            series(
                "sum by (integration) (increase(alertmanager_notifications_failed_total{@site}[1h])) "
                "and on (integration) alertmanager_notifications_total{@site} > 0",
                "{{integration}}",
            ),
            unit=units.COUNT,
            limit=limits.at_most(1),
        ),
        panels.graph(
            "Active silences",
            "Silences that are active.",
            series('sum(alertmanager_silences{state="active",@site})', "silences"),
            unit=units.COUNT,
        ),
    ],
)


_MONITORING = Row(
    "Monitoring stack",
    [
        panels.number(
            "Dead man's switch",
            "Always 1. At 0 no alert arrives.",
            series('count(ALERTS{alertname="DeadMansSwitch",alertstate="firing",@site}) or vector(0)'),
            unit=units.COUNT,
            limit=limits.UP,
            decimals=0,
        ),
        panels.number(
            "Rejected configurations",
            "Servers that rejected a new configuration and run with the old one.",
            series(
                "count((prometheus_config_last_reload_successful{@site} "
                "or alertmanager_config_last_reload_successful{@site}) == 0) or vector(0)"
            ),
            unit=units.COUNT,
            limit=limits.at_most(1),
            decimals=0,
        ),
        panels.graph(
            "Failed rule evaluations",
            "Failed evaluations within 5 minutes. RulesFailing fires at the first one.",
            series("sum by (host) (increase(prometheus_rule_evaluation_failures_total{@site}[5m]))", "{{host}}"),
            unit=units.COUNT,
            limit=limits.at_most(1),
        ),
        panels.graph(
            "Alerts lost on the way to Alertmanager",
            "Alerts that Prometheus could not send within 5 minutes.",
            series("sum by (host) (increase(prometheus_notifications_errors_total{@site}[5m]))", "{{host}}"),
            unit=units.COUNT,
            limit=limits.at_most(1),
        ),
    ],
)

DASHBOARD = board(
    "wr-alerts",
    "Alerts",
    "Open alerts, their frequency and duration, and whether notifications arrive.",
    [],
    [_OPEN, _HOW_OFTEN, _RESPONSES, _NOTIFICATIONS, _MONITORING],
    span="now-24h",
)
