"""The receivers of each alert, as amtool resolves the routes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.monitoring import rules

PAGED, HIGH, OPS, NEWS = "team-email,page-critical", "team-email,page-high", "team-email,ops", "notifications"

ROUTES = [
    ("alertname=ServerDown priority=P0 team=platform host=a", PAGED),
    ("alertname=ServiceDown priority=P0 team=backend service=postgresql", PAGED),
    ("alertname=ServiceDown priority=P0 team=backend service=redis environment=staging", PAGED),
    ("alertname=HighCpu priority=P0 team=platform host=a role=studio", PAGED),
    ("alertname=HighCpu priority=P0 team=platform host=b role=server", PAGED),
    ("alertname=HighMemory priority=P0 team=platform host=a", PAGED),
    ("alertname=DiskSpaceLow priority=P0 team=platform host=a mountpoint=/", PAGED),
    ("alertname=AuthenticationFailures priority=P0 team=security service=juce-backend", PAGED),
    ("alertname=Unheard priority=P0", "page-critical"),
    ("alertname=Unheard priority=P0 team=audio severity=low", PAGED),
    ("alertname=AudioDropouts priority=P1 team=audio host=a device=hw:0", HIGH),
    ("alertname=AudioDeviceLost priority=P1 team=audio host=a", HIGH),
    ("alertname=AudioOverload priority=P1 team=audio host=a plugin=synth", HIGH),
    ("alertname=PluginGone priority=P0 team=backend host=a plugin=backend service=juce-backend", PAGED),
    ("alertname=PluginGone priority=P1 team=audio host=a plugin=synth", HIGH),
    ("alertname=PluginNotAnswering priority=P1 team=audio host=a", HIGH),
    ("alertname=FfiLatency priority=P1 team=audio host=a", HIGH),
    ("alertname=FfiErrors priority=P1 team=audio host=a", HIGH),
    ("alertname=HttpErrors priority=P1 team=backend service=juce-backend", HIGH),
    ("alertname=HttpLatency priority=P1 team=backend service=juce-backend", HIGH),
    ("alertname=NoAgents priority=P1 team=platform", HIGH),
    ("alertname=ExporterDown priority=P1 team=platform service=nginx", HIGH),
    ("alertname=DiskFillsSoon priority=P1 team=platform host=a", HIGH),
    ("alertname=OutOfMemoryKill priority=P1 team=platform host=a", HIGH),
    ("alertname=ClockWrong priority=P1 team=platform host=a", HIGH),
    ("alertname=LokiUnreachable priority=P1 team=platform host=a", HIGH),
    ("alertname=CollectorFailing priority=P1 team=platform host=a collector=audio", HIGH),
    ("alertname=CertificateExpiresNow priority=P1 team=security host=a", HIGH),
    ("alertname=PostgresConnectionsHigh priority=P1 team=database", HIGH),
    ("alertname=RedisMemoryHigh priority=P1 team=database", HIGH),
    ("alertname=MonitoringDown priority=P1 team=platform job=loki", HIGH),
    ("alertname=NotificationsFailing priority=P1 team=platform integration=slack", HIGH),
    ("alertname=Unheard priority=P1", "page-high"),
    ("alertname=AgentDown priority=P2 team=platform host=a role=studio", OPS),
    ("alertname=NginxDropsConnections priority=P2 team=backend service=nginx", OPS),
    ("alertname=BufferDeadlineAtRisk priority=P2 team=audio host=a", OPS),
    ("alertname=DspLoadHigh priority=P2 team=audio host=a", OPS),
    ("alertname=AudioChannelSilent priority=P2 team=audio host=a channel=1", OPS),
    ("alertname=FrameRateLow priority=P2 team=frontend host=a", OPS),
    ("alertname=SlowQueries priority=P2 team=database datname=songs", OPS),
    ("alertname=FewActiveUsers priority=P2 team=product window=day", OPS),
    ("alertname=SongCreationDropped priority=P2 team=product", OPS),
    ("alertname=CertificateExpiresSoon priority=P2 team=security host=a", OPS),
    ("alertname=LogShippingBehind priority=P2 team=platform host=a source=syslog", OPS),
    ("alertname=Unheard priority=P2", "ops"),
    ("alertname=UserSignups priority=P3 team=product", NEWS),
    ("alertname=DeploymentCompleted priority=P3 team=backend version=1.1", NEWS),
    ("alertname=MilestoneReached priority=P3 team=product", NEWS),
    ("alertname=AudioClipping priority=P3 team=audio host=a", NEWS),
    ("alertname=AgentFinding priority=P3 team=platform code=host-disk-space-low", NEWS),
    ("alertname=DeadMansSwitch priority=P3 team=platform", "heartbeat"),
    ("alertname=Unheard", "ops"),
    ("alertname=Unheard priority=P7 severity=critical team=audio", "ops"),
    ("alertname=Unheard team=platform severity=critical", "ops"),
]


@pytest.fixture(scope="module")
def alertmanager(config: Path) -> Path:
    return config / "alertmanager.yml"


@pytest.mark.parametrize(("labels", "receivers"), ROUTES, ids=[labels for labels, _ in ROUTES])
def test_an_alert_reaches_its_receivers(alertmanager: Path, labels: str, receivers: str) -> None:
    command = ["amtool", "config", "routes", "test", f"--config.file={alertmanager}"]
    done = subprocess.run(
        [*command, f"--verify.receivers={receivers}", *labels.split()], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_table_has_every_priority_and_team_that_rules_have() -> None:
    pairs = {(rule.text["labels"]["priority"], rule.text["labels"]["team"]) for rule in rules() if "alert" in rule.text}
    table = {
        tuple(dict(item.split("=") for item in labels.split()).get(key) for key in ("priority", "team"))
        for labels, _ in ROUTES
    }

    assert pairs - table == set()
    assert len(ROUTES) >= 40


def test_only_mail_of_p2_and_everything_of_p3_is_muted_at_night(alertmanager: Path) -> None:
    routes = yaml.safe_load(alertmanager.read_text())["route"]["routes"]
    muted = [(route["receiver"], route["matchers"][0]) for route in routes if "mute_time_intervals" in route]

    assert muted == [("team-email", 'priority="P2"'), ("notifications", 'priority="P3"')]


def test_a_page_is_repeated_within_its_response_time(alertmanager: Path) -> None:
    routes = yaml.safe_load(alertmanager.read_text())["route"]["routes"]
    repeats = {
        (route["matchers"][0], route["repeat_interval"]) for route in routes if route["receiver"] != "team-email"
    }

    assert {
        ('priority="P0"', "5m"),
        ('priority="P1"', "30m"),
        ('priority="P2"', "2h"),
        ('priority="P3"', "24h"),
    } <= repeats
