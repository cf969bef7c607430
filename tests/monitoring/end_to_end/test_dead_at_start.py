"""PostgreSQL, Redis and Nginx that are down before the stack starts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitoring.drill.receivers import Receivers, receivers
from tests.support.prometheus import free_port
from tests.support.stack import stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

SERVICES = {"postgresql", "redis", "nginx"}


@pytest.fixture(scope="module")
def notified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receivers]:
    """Yield the notifications of a stack whose services are all down."""
    folder = tmp_path_factory.mktemp("dead")
    (folder / "agents.yml").write_text("[]\n")
    urls = {
        "POSTGRES_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/postgres?sslmode=disable",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}",
        "NGINX_STATUS_URL": f"http://127.0.0.1:{free_port()}/stub_status",
    }
    with receivers("alerts@wr.example", "the password") as (seen, settings):
        settings |= {"AGENTS_FILE": str(folder / "agents.yml"), **urls}
        with stack(folder, settings, times=5):  # an exporter may take ten seconds to start on a busy machine
            yield seen


def test_each_service_is_a_p0(notified: Receivers) -> None:
    def paged() -> bool:
        texts = [
            event["payload"]["summary"] + event["payload"]["custom_details"]["alerts"]
            for event in notified.pagerduty
            if event["event_action"] == "trigger" and event["payload"]["class"] == "ServiceDown"
        ]
        return {name for name in SERVICES for text in texts if f"{name} on central is down." in text} >= SERVICES

    eventually(paged, "PagerDuty has ServiceDown of each service", 240)
    assert notified.refused == []


def test_the_exporters_raise_no_alert_of_their_own(notified: Receivers) -> None:
    classes = {event.get("payload", {}).get("class") for event in notified.pagerduty}

    assert "ExporterDown" not in classes
