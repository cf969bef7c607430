"""The dashboard of users and what they do."""

from __future__ import annotations

from monitoring.grafana.boards import panels, units
from monitoring.grafana.boards.board import Row, board
from monitoring.grafana.boards.queries import now, series

_ESTIMATE = (
    "Estimated from what all machines saw, each user counted once; the standard error is 3.3 %. A machine counts for "
    "an hour after it was last seen."
)


def _active(window: str) -> str:
    return f'window:active_users:estimate{{window="{window}",@site}}'


_AT_A_GLANCE = Row(
    "At a glance",
    [
        panels.number("Users today", f"Active within 24 hours. {_ESTIMATE}", now(_active("day")), unit=units.COUNT),
        panels.number(
            "Users this month", f"Active within 30 days. {_ESTIMATE}", now(_active("month")), unit=units.COUNT
        ),
        panels.number(
            "Came back",
            "Users of a day as a share of those of a month.",
            now(f"{_active('day')} / ignoring (window) {_active('month')}"),
            unit=units.RATIO,
            decimals=1,
        ),
        panels.number(
            "Songs today",
            "Songs that were created within 24 hours.",
            now("sum(increase(songs_created_total{@site}[1d]))"),
            unit=units.COUNT,
            decimals=0,
        ),
        panels.number(
            "Performances today",
            "Performances that were switched to within 24 hours.",
            now("sum(increase(performances_switched_total{@site}[1d]))"),
            unit=units.COUNT,
            decimals=0,
        ),
        panels.number(
            "Signups today",
            "Users who signed up within 24 hours.",
            now("sum(increase(user_signups_total{@site}[1d]))"),
            unit=units.COUNT,
            decimals=0,
        ),
    ],
)


_USERS = Row(
    "Users",
    [
        panels.graph(
            "Active users",
            f"{_ESTIMATE} FewActiveUsers fires when a day's users are less than half of those a week before.",
            series("window:active_users:estimate{@site}", "within a {{window}}"),
            unit=units.COUNT,
            width=12,
        ),
        panels.graph(
            "Signups",
            "Users who signed up within the hour before.",
            series("cluster:user_signups:increase1h{@site}", "signups"),
            unit=units.COUNT,
            width=12,
            bars=True,
        ),
    ],
)


_WORK = Row(
    "What they do",
    [
        panels.graph(
            "Songs",
            "Songs created within the hour before. SongCreationDropped fires at less than half of a week before.",
            series("cluster:songs_created:increase1h{@site}", "created"),
            unit=units.COUNT,
        ),
        panels.graph(
            "Performances",
            "Performances switched to within the hour before.",
            series("cluster:performances_switched:increase1h{@site}", "switched to"),
            unit=units.COUNT,
        ),
        panels.bar_list(
            "Features",
            "The ten that were used most within the hour before.",
            now("topk(10, feature:feature_usage:increase1h{@site})", "{{feature}}"),
            unit=units.COUNT,
        ),
    ],
)


_SESSIONS = Row(
    "Sessions",
    [
        panels.graph(
            "Duration",
            "Half of the sessions that ended within an hour were longer (P50), and one in ten (P90).",
            series("cluster:session_duration_seconds:p50_rate1h{@site}", "P50"),
            series("histogram_quantile(0.9, sum by (le) (rate(session_duration_seconds_bucket{@site}[1h])))", "P90"),
            unit=units.SECONDS,
        ),
        panels.graph(
            "Begun",
            "Sessions that began within the hour before.",
            series("sum(increase(user_sessions_total{@site}[1h]))", "begun"),
            unit=units.COUNT,
        ),
        panels.graph(
            "Open",
            "Sessions that are open now.",
            series("sum(active_sessions{@site})", "open"),
            unit=units.COUNT,
        ),
    ],
)

DASHBOARD = board(
    "wr-business",
    "Business Metrics",
    "Active users, songs, performances, sessions and features.",
    [],
    [_AT_A_GLANCE, _USERS, _WORK, _SESSIONS],
    span="now-7d",
)
