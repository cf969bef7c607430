"""Faults on machines, and the notifications of their beginnings and ends."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from monitoring.drill.receivers import Receivers
from tests.support.faults import FAULTS, Fault
from tests.support.monitoring import MONITORING, SETTINGS
from tests.support.site import Site
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

KEYS = {"P0": SETTINGS["PAGERDUTY_SERVICE_KEY_CRITICAL"], "P1": SETTINGS["PAGERDUTY_SERVICE_KEY_HIGH"]}
SEVERITIES = {"P0": "critical", "P1": "error"}
PATIENCE = 120.0

each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.alert)


@pytest.fixture(scope="module")
def notified(site: Site) -> Receivers:
    """Return the notifications of all faults at once, and of their ends."""
    for fault in FAULTS:
        fault.strike(site)
    for fault in FAULTS:
        eventually(partial(fault.triggers, site.seen), f"PagerDuty has: {fault.what}", PATIENCE)
    for fault in FAULTS:
        fault.fix(site)
    for fault in FAULTS:
        eventually(partial(fault.ends, site.seen), f"PagerDuty has the end: {fault.what}", PATIENCE)
    return site.seen


@each_fault
def test_pagerduty_has_the_fault_with_its_links(notified: Receivers, fault: Fault) -> None:
    event = fault.triggers(notified)[0]
    payload = event["payload"]
    name = payload["class"]

    assert event["routing_key"] == KEYS[fault.priority]
    assert (name, payload["severity"], payload["group"]) == (fault.alert, SEVERITIES[fault.priority], fault.team)
    assert payload["summary"].startswith(f"[{fault.priority}] ")
    runbook, dashboard = (link["href"] for link in event["links"])
    assert (MONITORING / runbook.removeprefix(SETTINGS["RUNBOOKS_URL"] + "/")).is_file()
    assert dashboard.startswith(f"{SETTINGS['GRAFANA_URL']}/d/wr-")
    assert "{{" not in str(event)


@each_fault
def test_the_end_closes_the_incident_that_the_fault_opened(notified: Receivers, fault: Fault) -> None:
    opened, closed = ({event["dedup_key"] for event in events(notified)} for events in (fault.triggers, fault.ends))

    assert len(opened) == 1
    assert closed == opened


@each_fault
def test_slack_shows_the_fault_in_red_and_its_end_in_green(notified: Receivers, fault: Fault) -> None:
    def ends() -> list[dict[str, Any]]:
        return [message for message in fault.messages(notified) if message["color"] == "good"]

    assert eventually(ends, "Slack shows the end")[0]["title"].startswith("[RESOLVED] ")
    first = fault.messages(notified)[0]
    assert first["color"] == "danger"
    assert first["title"].startswith(f"[{fault.priority}] ")


@each_fault
def test_the_team_has_a_mail_of_the_fault_and_one_of_its_end(notified: Receivers, fault: Fault) -> None:
    def ended() -> bool:
        return any(subject.startswith("[RESOLVED] ") for subject in fault.mails(notified))

    eventually(ended, "the team has a mail of the end", PATIENCE)
    assert fault.mails(notified)[0].startswith(f"[{fault.priority}] ")


def test_no_notification_was_refused(notified: Receivers) -> None:
    assert notified.refused == []
