"""The notifications of a running Alertmanager: receivers, texts, inhibition and mute times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import yaml

from monitoring.drill.receivers import Receivers, RefusedError, check_pagerduty, check_slack, receivers
from tests.support.alertmanager import Alertmanager, alert, alertmanager
from tests.support.monitoring import MONITORING, SETTINGS
from tests.support.waiting import eventually

CRITICAL, HIGH = SETTINGS["PAGERDUTY_SERVICE_KEY_CRITICAL"], SETTINGS["PAGERDUTY_SERVICE_KEY_HIGH"]


class Site(NamedTuple):
    """An Alertmanager and its receivers."""

    alertmanager: Alertmanager
    seen: Receivers

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the events of one alert that PagerDuty accepted."""
        return [it for it in self.seen.pagerduty if it.get("payload", {}).get("class") == name]

    def messages(self, name: str) -> list[tuple[str, str]]:
        """Return channel and text of the messages of one alert that Slack accepted."""
        return [
            (it["channel"], it["attachments"][0]["title"] + it["attachments"][0]["text"])
            for it in self.seen.slack
            if name in it["attachments"][0]["title"]
        ]

    def mails(self, name: str) -> list[str]:
        """Return the recipients of the mails about one alert."""
        return [str(it["To"]) for it in self.seen.mail if name in str(it["Subject"])]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with (
        receivers("alerts@wr.example", "the password") as (seen, settings),
        alertmanager(tmp_path_factory.mktemp("day"), settings, muted=False) as running,
    ):
        yield Site(running, seen)
    assert seen.refused == []


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with (
        receivers("alerts@wr.example", "the password") as (seen, settings),
        alertmanager(tmp_path_factory.mktemp("night"), settings, muted=True) as running,
    ):
        yield Site(running, seen)


def test_a_critical_alert_and_its_end_reach_pagerduty_slack_and_mail(site: Site) -> None:
    fault = alert("HighMemory", host="alone", role="server")
    site.alertmanager.fire([fault])
    event = eventually(lambda: site.events("HighMemory"), "PagerDuty has an event")[0]

    assert (event["routing_key"], event["event_action"], event["payload"]["severity"]) == (
        CRITICAL,
        "trigger",
        "critical",
    )
    assert event["payload"]["summary"] == f"[P0] {fault['annotations']['summary']}"
    assert (event["payload"]["component"], event["payload"]["group"]) == ("alone", "platform")
    assert event["links"] == [
        {"href": "https://git.wr.example/monitoring/runbooks/HIGH_MEMORY.md", "text": "Runbook"},
        {"href": f"https://grafana.wr.example{fault['annotations']['dashboard']}", "text": "Dashboard"},
    ]
    assert eventually(lambda: site.messages("HighMemory"), "Slack has a message")[0][0] == "#alerts"
    assert eventually(lambda: site.mails("HighMemory"), "the team has a mail") == ["platform@wr.example"]

    site.alertmanager.resolve([fault])
    ends = [it["dedup_key"] for it in eventually(lambda: _resolved(site), "PagerDuty has the end")]
    assert ends == [event["dedup_key"]]
    eventually(lambda: any("RESOLVED" in text for _, text in site.messages("HighMemory")), "Slack has the end")
    eventually(lambda: len(site.mails("HighMemory")) == 2, "the team has the end by mail")


def _resolved(site: Site) -> list[dict[str, Any]]:
    return [it for it in site.seen.pagerduty if it["event_action"] == "resolve"]


def test_a_high_alert_uses_the_other_pagerduty_service(site: Site) -> None:
    site.alertmanager.fire([alert("AudioDropouts", host="studio", device="hw:0")])
    event = eventually(lambda: site.events("AudioDropouts"), "PagerDuty has an event")[0]

    assert (event["routing_key"], event["payload"]["severity"]) == (HIGH, "error")
    assert eventually(lambda: site.mails("AudioDropouts"), "the team has a mail") == ["audio@wr.example"]


def test_an_alert_that_can_wait_pages_no_one(site: Site) -> None:
    site.alertmanager.fire([alert("SlowQueries", host="db", datname="songs"), alert("UserSignups")])

    assert eventually(lambda: site.messages("SlowQueries"), "Slack has the one")[0][0] == "#ops"
    assert eventually(lambda: site.messages("UserSignups"), "Slack has the other")[0][0] == "#notifications"
    assert eventually(lambda: site.mails("SlowQueries"), "the team has a mail") == ["database@wr.example"]
    assert site.events("SlowQueries") + site.events("UserSignups") == []
    assert site.mails("UserSignups") == []


def test_the_heartbeat_goes_to_its_receiver_only(site: Site) -> None:
    site.alertmanager.fire([alert("DeadMansSwitch")])
    beat = eventually(lambda: site.mails("monitoring works"), "the watcher has a mail")

    assert beat[0] == "heartbeat@wr.example"
    assert site.messages("DeadMansSwitch") + site.events("DeadMansSwitch") == []


def test_thirty_machines_with_one_alert_are_one_page(site: Site) -> None:
    site.alertmanager.fire([alert("HighCpu", host=f"m{number}", role="server") for number in range(30)])
    event = eventually(lambda: _of_all_thirty(site), "PagerDuty knows of all of them")

    assert event["payload"]["custom_details"]["firing"] == "30"
    assert event["payload"]["custom_details"]["alerts"].endswith("and 10 more\n")
    assert {it["dedup_key"] for it in site.events("HighCpu")} == {event["dedup_key"]}


def _of_all_thirty(site: Site) -> dict[str, Any] | None:
    """Return the event of all thirty. On a busy machine, the first event may precede some of the alerts."""
    return next((it for it in site.events("HighCpu") if it["payload"]["summary"] == "[P0] HighCpu: 30 firing"), None)


DB = {"host": "db", "service": "postgresql"}
DEVICE = {"host": "s", "device": "hw:0"}
PLUGIN = {"host": "s", "plugin": "synth"}
CAUSES = [
    (alert("ServerDown", host="gone"), alert("DiskSpaceLow", host="gone", mountpoint="/")),
    (alert("AgentDown", host="deaf"), alert("AudioDropouts", host="deaf", device="hw:0")),
    (alert("ServiceDown", **DB), alert("PostgresConnectionsHigh", **DB)),
    (alert("ServiceDown", **DB), alert("SlowQueries", **DB, datname="songs")),
    (alert("ServiceDown", host="central", service="gateway"), alert("ServerDown", host="pushes")),
    (alert("AudioDeviceLost", **DEVICE), alert("AudioDropouts", **DEVICE)),
    (alert("AudioDeviceLost", **DEVICE), alert("AudioChannelSilent", **DEVICE, channel="1")),
    (alert("AudioDeviceLost", **DEVICE), alert("AudioOverload", **PLUGIN)),
    (alert("AudioDropouts", **DEVICE), alert("DspLoadHigh", **DEVICE)),
    (alert("AudioOverload", **PLUGIN), alert("BufferDeadlineAtRisk", **PLUGIN)),
    (alert("PluginNotAnswering", **PLUGIN, plugin_instance="synth.1"), alert("FfiLatency", **PLUGIN)),
    (alert("PluginGone", **PLUGIN, service="juce-backend"), alert("PluginNotAnswering", **PLUGIN)),
    (alert("MonitoringDown", job="loki", host="central"), alert("LokiUnreachable", host="any")),
    (alert("LokiUnreachable", host="cut-off"), alert("LogShippingBehind", host="cut-off", source="syslog")),
    (alert("ClockWrong", host="late"), alert("LogLinesRefused", host="late", source="syslog", reason="too_new")),
    (alert("CollectorFailing", host="c", collector="audio"), alert("CollectorRestarts", host="c", collector="audio")),
    (alert("DiskSpaceLow", host="d", mountpoint="/"), alert("DiskFillsSoon", host="d", mountpoint="/")),
    (alert("HighCpu", host="h"), alert("HostUnderPressure", host="h", resource="cpu")),
    (alert("HighMemory", host="h"), alert("HostUnderPressure", host="h", resource="io")),
    (alert("HighMemory", host="h"), alert("OutOfMemoryKill", host="h")),
    (alert("CertificateExpiresNow", host="x"), alert("CertificateExpiresSoon", host="x")),
]
STRANGERS = [
    (alert("ServerDown", host="gone"), alert("DiskSpaceLow", host="other", mountpoint="/")),
    (alert("ServerDown", host="gone"), alert("ServerDown", host="too")),
    (alert("ServerDown", host="gone"), alert("HttpErrors", service="juce-backend")),
    (alert("ServiceDown", host="central", service="gateway"), alert("ServerDown", host="s", instance="s:9787")),
    (alert("ServiceDown", **DB), alert("RedisMemoryHigh", host="db", service="redis")),
    (alert("ServiceDown", **DB), alert("ExporterDown", host="other", service="postgresql")),
    (alert("AudioDeviceLost", **DEVICE), alert("AudioDropouts", host="s", device="hw:1")),
    (alert("AudioDeviceLost", **DEVICE), alert("HighCpu", host="s")),
    (alert("PluginNotAnswering", **PLUGIN), alert("FfiLatency", host="s", plugin="sampler")),
    (alert("MonitoringDown", job="grafana", host="central"), alert("LokiUnreachable", host="any")),
    (alert("ClockWrong", host="late"), alert("LogLinesRefused", host="late", source="syslog", reason="labels")),
    (alert("DiskSpaceLow", host="d", mountpoint="/"), alert("DiskFillsSoon", host="d", mountpoint="/home")),
    (alert("HighCpu", host="h"), alert("HostUnderPressure", host="h", resource="io")),
]


def _clusters(pairs: list[tuple[dict[str, Any], dict[str, Any]]], name: str) -> list[dict[str, Any]]:
    """Return the alerts of the pairs, each pair in its own cluster."""
    return [
        it | {"labels": it["labels"] | {"cluster": f"{name}-{number}"}}
        for number, pair in enumerate(pairs)
        for it in pair
    ]


def _named(labels: list[dict[str, str]], name: str) -> set[tuple[str, str]]:
    return {(it["cluster"], it["alertname"] + it.get("host", "")) for it in labels if it["cluster"].startswith(name)}


@pytest.mark.parametrize(("pairs", "hidden"), [(CAUSES, 1), (STRANGERS, 0)], ids=["causes", "strangers"])
def test_a_cause_hides_its_consequences_and_nothing_else(
    night: Site, pairs: list[tuple[dict[str, Any], dict[str, Any]]], hidden: int
) -> None:
    name = f"hides{hidden}"
    night.alertmanager.fire(_clusters(pairs, name))
    consequences = {
        (f"{name}-{number}", it["labels"]["alertname"] + it["labels"].get("host", ""))
        for number, (_, it) in enumerate(pairs)
    }

    known = eventually(lambda: _all_known(night, name, 2 * len(pairs)), "Alertmanager knows them all")
    if hidden:  # Alertmanager learns of causes a moment after it knows an alert
        eventually(lambda: consequences <= _named(night.alertmanager.inhibited()["yes"], name), "all are hidden")
        known = night.alertmanager.inhibited()
    assert _named(known["yes"], name) == (consequences if hidden else set())


def _all_known(site: Site, name: str, count: int) -> dict[str, list[dict[str, str]]] | None:
    found = site.alertmanager.inhibited()
    return found if len(_named(found["yes"] + found["no"], name)) == count else None


def test_each_inhibition_rule_has_a_pair() -> None:
    text = yaml.safe_load((MONITORING / "alertmanager/alertmanager.yml").read_text())

    assert len(text["inhibit_rules"]) <= len(CAUSES)


def test_an_inhibited_alert_is_not_sent(site: Site) -> None:
    site.alertmanager.fire([alert("ServerDown", host="dead")])
    eventually(lambda: site.events("ServerDown"), "PagerDuty has the cause")
    site.alertmanager.fire([alert("InodesLow", host="dead", mountpoint="/")])
    site.alertmanager.fire([alert("ServerDown", host="dead"), alert("ExporterDown", host="other", service="redis")])
    eventually(lambda: site.events("ExporterDown"), "PagerDuty has what came after")

    assert site.events("InodesLow") + site.messages("InodesLow") == []


def test_at_night_p0_pages_p2_is_in_slack_and_only_mail_of_p2_and_p3_wait(night: Site) -> None:
    night.alertmanager.fire([alert("FewActiveUsers", window="day"), alert("DeploymentCompleted", version="2")])
    night.alertmanager.fire([alert("AuthenticationFailures", service="juce-backend")])
    eventually(lambda: night.events("AuthenticationFailures"), "PagerDuty has the P0")
    eventually(lambda: night.mails("AuthenticationFailures"), "its team has a mail")

    assert eventually(lambda: night.messages("FewActiveUsers"), "Slack has the P2")[0][0] == "#ops"
    assert night.messages("DeploymentCompleted") + night.mails("FewActiveUsers") == []


@pytest.mark.parametrize(
    "broken",
    [
        {"routing_key": "short"},
        {"event_action": "fire"},
        {"dedup_key": "k" * 256},
        {"payload": {"summary": "s" * 1025, "source": "x", "severity": "critical"}},
        {"payload": {"summary": "s", "source": "x", "severity": "high"}},
        {"links": [{"href": "runbooks/HIGH_CPU.md", "text": "Runbook"}]},
    ],
    ids=["key", "action", "dedup", "summary", "severity", "link"],
)
def test_the_stand_in_refuses_invalid_events(broken: dict[str, Any]) -> None:
    event = {"routing_key": CRITICAL, "event_action": "trigger", "dedup_key": "k"}
    payload = {"payload": {"summary": "s", "source": "x", "severity": "critical"}}
    check_pagerduty(event | payload)

    with pytest.raises(RefusedError):
        check_pagerduty(event | payload | broken)


@pytest.mark.parametrize(
    "broken",
    [
        {"channel": "alerts"},
        {"attachments": []},
        {"attachments": [{"fallback": "f", "title": "t", "color": "red"}]},
        {"attachments": [{"fallback": "f", "title": "t", "actions": [{"type": "button", "text": "b", "url": "/d/x"}]}]},
    ],
    ids=["channel", "empty", "colour", "button"],
)
def test_the_stand_in_refuses_invalid_messages(broken: dict[str, Any]) -> None:
    message = {"channel": "#alerts", "attachments": [{"fallback": "f", "title": "t"}]}
    check_slack(message)

    with pytest.raises(RefusedError):
        check_slack(message | broken)
