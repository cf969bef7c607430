"""PostgreSQL, Redis and Nginx: their alerts use metrics of their real exporters."""

from __future__ import annotations

import re

import pytest

from tests.support.monitoring import rules
from tests.support.site import SERVER, Site
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

SERVICES = {
    "SlowQueries": {"postgresql"},
    "PostgresConnectionsHigh": {"postgresql"},
    "PostgresDeadlocks": {"postgresql"},
    "RedisMemoryHigh": {"redis"},
    "RedisRejectsConnections": {"redis"},
    "NginxDropsConnections": {"nginx"},
    "ServiceDown": {"postgresql", "redis", "nginx"},
    "ExporterDown": {"postgresql", "redis", "nginx"},
}
EXPRESSIONS = {rule.text["alert"]: rule.text["expr"] for rule in rules() if rule.text.get("alert") in SERVICES}
_LIMIT = re.compile(r"\s(?:[<>]=?|==)\s*[\d.]+")
LONGER_THAN_THE_ALERT_WAITS = 40


def test_no_alert_of_the_datastores_is_left_out() -> None:
    named = {rule.text["alert"] for rule in rules() if rule.group == "datastores" and "alert" in rule.text}

    assert named <= set(SERVICES)


@pytest.mark.parametrize("alert", sorted(SERVICES))
def test_without_its_limit_an_alert_finds_every_service_that_it_is_about(site: Site, alert: str) -> None:
    def found() -> bool:
        series = [it["metric"] for it in site.stack.prometheus.query(_LIMIT.sub("", EXPRESSIONS[alert]))]
        return {it["service"] for it in series if it["host"] == SERVER} == SERVICES[alert]

    assert _LIMIT.search(EXPRESSIONS[alert])
    eventually(found, f"the exporters say what {alert} asks for")


def test_a_query_that_takes_long_raises_its_alert(site: Site) -> None:
    slow = f"select pg_sleep({LONGER_THAN_THE_ALERT_WAITS})"
    site.run(["psql", "--quiet", site.services.postgres.url, "--command", slow])
    firing = 'ALERTS{alertname="SlowQueries",alertstate="firing"}'

    alert = eventually(lambda: site.stack.prometheus.query(firing), "the alert fires", 60)[0]["metric"]
    assert (alert["host"], alert["service"], alert["datname"]) == (SERVER, "postgresql", "postgres")
