"""The dashboard of users and their activity."""

from __future__ import annotations

from monitoring.grafana.boards import panels, units
from monitoring.grafana.boards.board import Row, board
from monitoring.grafana.boards.queries import now, series

_ESTIMATE = (
    "Estimated over all machines, each user counted once, with a standard error of 3.3 %. A machine counts for an hour "
    "after its last scrape. Without the agents' registers it is the sum of active_users_total."
)


def _active(window: str) -> str:
    return f'window:active_users:estimate{{window="{window}",@site}}'


_OVERVIEW = Row(
    "Overview",
    [
        panels.number(
            "Daily active users",
            f"Users active within 24 hours. {_ESTIMATE}",
            series(_active("day")),
            unit=units.COUNT,
            decimals=0,
        ),
        panels.number(
            "Monthly active users",
            f"Users active within 30 days. {_ESTIMATE}",
            series(_active("month")),
            unit=units.COUNT,
            decimals=0,
        ),
        panels.number(
            "Stickiness",
            "Daily active users as a share of monthly active users.",
            series(f"{_active('day')} / ignoring (window) {_active('month')}"),
            unit=units.RATIO,
            decimals=1,
        ),
        *(
            panels.number(
                f"{title} in 24 hours",
                f"{title} within 24 hours.",
                now(f"sum(increase({counter}{{@site}}[1d]))"),
                unit=units.COUNT,
                decimals=0,
            )
            for title, counter in {
                "Songs created": "songs_created_total",
                "Performances switched": "performances_switched_total",
                "Signups": "user_signups_total",
            }.items()
        ),
    ],
)


_USERS = Row(
    "Users",
    [
        panels.graph(
            "Active users",
            f"{_ESTIMATE} FewActiveUsers fires at less than half of the users of a week ago.",
            series("window:active_users:estimate{@site}", "within a {{window}}"),
            unit=units.COUNT,
            width=12,
        ),
        panels.graph(
            "Signups per hour",
            "Signups within the last hour.",
            series("cluster:user_signups:increase1h{@site}", "signups"),
            unit=units.COUNT,
            width=12,
            bars=True,
        ),
    ],
)


_WORK = Row(
    "Activity",
    [
        panels.graph(
            "Songs created per hour",
            "Songs created within the last hour. SongCreationDropped fires at less than half of a week ago.",
            series("cluster:songs_created:increase1h{@site}", "songs"),
            unit=units.COUNT,
        ),
        panels.graph(
            "Performances switched per hour",
            "Performances switched within the last hour.",
            series("cluster:performances_switched:increase1h{@site}", "performances"),
            unit=units.COUNT,
        ),
        panels.bar_list(
            "Feature usage per hour",
            "The ten most used features within the last hour.",
            now("topk(10, feature:feature_usage:increase1h{@site})", "{{feature}}"),
            unit=units.COUNT,
            decimals=0,
        ),
    ],
)


_SESSIONS = Row(
    "Sessions",
    [
        panels.graph(
            "Session duration",
            "P50 and P90 of the sessions that ended within the last hour.",
            series("cluster:session_duration_seconds:p50_rate1h{@site} / 60", "P50"),
            series(
                "histogram_quantile(0.9, sum by (le) (rate(session_duration_seconds_bucket{@site}[1h]))) / 60", "P90"
            ),
            unit=units.MINUTES,
        ),
        panels.graph(
            "Sessions started per hour",
            "Sessions that started within the last hour.",
            series("sum(increase(user_sessions_total{@site}[1h]))", "sessions"),
            unit=units.COUNT,
        ),
        panels.graph(
            "Active sessions",
            "Sessions that are open.",
            series("sum(active_sessions{@site})", "sessions"),
            unit=units.COUNT,
        ),
    ],
)

DASHBOARD = board(
    "wr-business",
    "Business Metrics",
    "Active users, songs, performances, sessions and features.",
    [],
    [_OVERVIEW, _USERS, _WORK, _SESSIONS],
    span="now-7d",
)
