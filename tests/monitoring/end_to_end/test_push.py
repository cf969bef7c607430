"""Machines that push to the stack: vanished, stopped, and with wrong clocks. A real Prometheus, ten times faster."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest
import yaml

from agent.config.remote_write import RemoteWriteConfig
from tests.support.monitoring import MONITORING
from tests.support.prometheus import Prometheus
from tests.support.remote_write import Machine
from tests.support.stack import stack
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.timeout(300)

TIMES = 10
DAYS = 86400.0


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Yield the Prometheus of a stack without scraped agents."""
    folder = tmp_path_factory.mktemp("pushed")
    (folder / "agents.yml").write_text("[]")
    with stack(folder, {"AGENTS_FILE": str(folder / "agents.yml")}, times=TIMES, short_lookback=True) as running:
        yield running.prometheus


Start = Callable[..., Machine]


@pytest.fixture
def machine(prometheus: Prometheus) -> Iterator[Start]:
    """Yield a function that starts a machine, which ends in order after the test."""
    with contextlib.ExitStack() as running:

        def start(host: str, ahead: float = 0.0, **labels: str) -> Machine:
            started = Machine(prometheus.url, host, ahead, labels=labels)
            running.callback(started.stop)
            return started

        yield start


def firing(prometheus: Prometheus, alert: str) -> set[str]:
    """Return the hosts for which an alert fires."""
    found = prometheus.query(f'ALERTS{{alertname="{alert}",alertstate="firing"}}')
    return {it["metric"]["host"] for it in found}


def arriving(prometheus: Prometheus) -> set[str]:
    """Return the hosts that push, as the recordings know it."""
    return {it["metric"]["host"] for it in prometheus.query("host:push:arriving == 1")}


def test_a_server_that_vanishes_alerts_and_one_that_stops_in_order_does_not(
    prometheus: Prometheus, machine: Start
) -> None:
    vanishing, stopping, studio = machine("vanishing"), machine("stopping"), machine("studio", role="studio")
    eventually(lambda: {"vanishing", "stopping", "studio"} <= arriving(prometheus), "all push", 2 * PATIENCE)
    vanishing.vanish()
    stopping.stop()
    studio.vanish()

    eventually(lambda: "vanishing" in firing(prometheus, "ServerDown"), "the vanished one alerts", 3 * PATIENCE)
    time.sleep(2 * 60 / TIMES)
    assert firing(prometheus, "ServerDown") == {"vanishing"}
    assert firing(prometheus, "AgentDown") == set()
    machine("vanishing")
    eventually(lambda: "vanishing" not in firing(prometheus, "ServerDown"), "it pushes again", 2 * PATIENCE)


def test_a_machine_whose_clock_is_wrong_by_over_a_minute_is_reported(prometheus: Prometheus, machine: Start) -> None:
    wrong = {"late": -90.0, "early": 90.0, "hour-late": -3600.0, "hours-early": 7200.0}
    for host, ahead in wrong.items():
        machine(host, ahead)
    machine("right", 3.0)  # 30 s for the rules

    def reported() -> bool:
        return set(wrong) <= firing(prometheus, "PushClockWrong")

    eventually(reported, "each wrong clock alerts", 4 * PATIENCE)
    assert firing(prometheus, "PushClockWrong") == set(wrong)
    assert firing(prometheus, "ServerDown").isdisjoint({*wrong, "right"})


def test_a_clock_that_is_set_back_by_an_hour_is_reported_and_its_machine_is_not_down(
    prometheus: Prometheus, machine: Start
) -> None:
    back = machine("back")
    eventually(lambda: "back" in arriving(prometheus), "it pushes", 2 * PATIENCE)
    back.ahead = -3600.0

    eventually(lambda: "back" in firing(prometheus, "PushClockWrong"), "the clock alerts", 4 * PATIENCE)
    time.sleep(60 / TIMES)
    assert "back" not in firing(prometheus, "ServerDown")


def test_prometheus_takes_all_that_an_agent_keeps() -> None:
    config = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())
    window = config["storage"]["tsdb"]["out_of_order_time_window"]

    assert window.endswith("d")
    assert float(window[:-1]) * DAYS >= RemoteWriteConfig().max_age + DAYS
