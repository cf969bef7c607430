"""User activity, from the log lines and sockets of two apps to the recordings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.site import Site
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

USERS = 5000
EVENTS = {
    "song_created": ("songs_created_total", "cluster:songs_created:increase1h"),
    "performance_switched": ("performances_switched_total", "cluster:performances_switched:increase1h"),
    "user_signed_up": ("user_signups_total", "cluster:user_signups:increase1h"),
}
BEFORE, SINCE = 40, 100
"""Events on each machine before the first scrape, and after it."""

THREE_STANDARD_ERRORS = 3 * 0.033


@pytest.fixture(scope="module")
def busy(site: Site) -> Site:
    """Return the site after users were active on two machines, 1,000 of them on both."""
    first, second = site.apps
    for app, users in ((first, range(3000)), (second, range(2000, USERS))):
        app.write("opened", users)
        _use(app.write, BEFORE)
        app.features.labels("looper").inc(BEFORE)
        app.session_seconds.observe(1)
    for total, _ in EVENTS.values():
        _reaches(site, f"sum({total})", 2 * BEFORE)
    _reaches(site, 'sum(feature_usage_total{feature="looper"})', 2 * BEFORE)
    for app in site.apps:
        _use(app.write, SINCE)
        app.features.labels("looper").inc(SINCE)
        for _ in range(SINCE):
            app.session_seconds.observe(1200)
    return site


def _use(write: Callable[[str, range], None], times: int) -> None:
    for event in EVENTS:
        write(event, range(times))


def _reaches(site: Site, query: str, value: float) -> None:
    eventually(lambda: site.stack.prometheus.value(query) == value, f"{query} is {value:g}")


@pytest.mark.parametrize("window", ["day", "month"])
def test_users_of_both_machines_are_counted_once(busy: Site, window: str) -> None:
    estimate = f'window:active_users:estimate{{window="{window}"}}'

    def near() -> bool:
        found = busy.stack.prometheus.value(estimate)
        return found is not None and found == pytest.approx(USERS, rel=THREE_STANDARD_ERRORS)

    eventually(near, f"about {USERS} users")
    alone = busy.stack.prometheus.query(f'active_users{{window="{window}"}}')
    assert {it["metric"]["host"]: float(it["value"][1]) for it in alone} == pytest.approx(
        {"studio-1": 3000, "studio-2": 3000}, rel=THREE_STANDARD_ERRORS
    )


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_each_event_is_counted_and_what_is_new_is_recorded(busy: Site, event: str) -> None:
    total, recorded = EVENTS[event]

    _reaches(busy, f"sum({total})", 2 * (BEFORE + SINCE))
    _is_recorded(busy, recorded)


def test_the_use_of_a_feature_is_recorded(busy: Site) -> None:
    _is_recorded(busy, 'feature:feature_usage:increase1h{feature="looper"}')


def _is_recorded(site: Site, query: str) -> None:
    """Check a recording roughly: Prometheus extrapolates to the ends of its window."""

    def near() -> bool:
        found = site.stack.prometheus.value(query)
        return found is not None and found == pytest.approx(2 * SINCE, rel=0.3)

    eventually(near, f"{query} is about {2 * SINCE}", 60)


def test_the_middle_length_of_a_session_is_recorded(busy: Site) -> None:
    query = "cluster:session_duration_seconds:p50_rate1h"

    eventually(lambda: 600 < (busy.stack.prometheus.value(query) or 0) <= 1800, "it is in the bucket of 20 minutes")


def test_signups_are_news(busy: Site) -> None:
    firing = 'ALERTS{alertname="UserSignups",alertstate="firing"}'

    eventually(lambda: busy.stack.prometheus.query(firing), "the alert fires", 60)


def test_no_user_is_a_label(busy: Site) -> None:
    assert busy.stack.prometheus.query('{__name__=~".+",user_id!=""}') == []
