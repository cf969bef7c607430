"""An agent behind a router, which the centre cannot reach: its network is cut, time passes, and it comes back.

Agent, router, gateway, Prometheus and rules are real. The centre's time is ten times faster.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest

from tests.support.agent import AgentProcess
from tests.support.dashboards import Question, boards, filled_in, questions, variables
from tests.support.gateway import gateway_keys
from tests.support.jackd import Jackd
from tests.support.nat import BEHIND, CENTRE, Nat, nat
from tests.support.prometheus import Prometheus, free_port
from tests.support.stack import stack
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.timeout(400)

TIMES = 10
OUTAGE = 40.0
"""Seconds without a network: for the rules, more than six minutes."""

STEP = 1
_CONFIG = """
machine = "{machine}"
web.listen = ":{port}"
audio.observers = "auto"
audio.jack_server = "{jackd}"

[remote_write]
url = "https://{centre}:{gateway}/api/v1/write"
interval = "1s"
timeout = "3s"
longest_wait = "2s"
labels = {labels}
"""


class Centre(NamedTuple):
    """The centre and the router in front of the agents.

    Attributes:
        prometheus: The centre's Prometheus.
        nat: The router.
        start: Starts the agent of a machine behind the router.
    """

    prometheus: Prometheus
    nat: Nat
    start: Callable[..., AgentProcess]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """Yield the centre, with a gateway that the machine behind the router can reach."""
    folder = tmp_path_factory.mktemp("centre")
    keys = gateway_keys(folder / "keys", CENTRE)
    port = free_port()
    (folder / "agents.yml").write_text("[]")
    settings = {
        "GATEWAY_KEYS": str(folder / "keys"),
        "GATEWAY_LISTEN": CENTRE,
        "GATEWAY_PORT": str(port),
        "AGENTS_FILE": str(folder / "agents.yml"),
    }
    started: list[AgentProcess] = []
    jackd = Jackd()
    jackd.start()

    def start(machine: str, **labels: str) -> AgentProcess:
        home = folder / machine
        home.mkdir(exist_ok=True)
        written = ", ".join(f'{name} = "{value}"' for name, value in labels.items())
        config = _CONFIG.format(
            machine=machine, port=free_port(), jackd=jackd.name, centre=CENTRE, gateway=port, labels=f"{{ {written} }}"
        )
        started.append(AgentProcess(home, config + keys.settings(), prefix=router.prefix))
        return started[-1]

    try:
        with nat() as router, stack(folder, settings, times=TIMES, short_lookback=True) as running:
            yield Centre(running.prometheus, router, start)
            for agent in started:
                agent.stop()
    finally:
        jackd.close()


def firing(prometheus: Prometheus, host: str) -> set[str]:
    """Return the alerts that fire for a host."""
    found = prometheus.query(f'ALERTS{{alertstate="firing",host="{host}"}}')
    return {it["metric"]["alertname"] for it in found}


def pushes(prometheus: Prometheus, host: str) -> bool:
    """Tell if the newest sample of a host is younger than three seconds."""
    return bool(prometheus.query(f'time() - timestamp(up{{host="{host}"}}) < 3'))


def test_an_outage_alerts_and_leaves_no_hole(centre: Centre) -> None:
    agent = centre.start("behind-nat")
    eventually(lambda: pushes(centre.prometheus, "behind-nat"), "it pushes", 2 * PATIENCE)
    _cannot_be_reached(agent)
    time.sleep(OUTAGE + 15)  # the rules' ranges are full, then a time to compare with
    cut = time.time()
    centre.nat.cut()
    down = {"ServerDown"}
    eventually(lambda: down <= firing(centre.prometheus, "behind-nat"), "the machine has vanished", OUTAGE)
    time.sleep(max(cut + OUTAGE - time.time(), 0))
    centre.nat.restore()
    back = time.time()

    eventually(lambda: pushes(centre.prometheus, "behind-nat"), "the newest samples are there", 60)
    eventually(lambda: not down & firing(centre.prometheus, "behind-nat"), "the machine is back")
    _every_sample_arrives(centre.prometheus, cut, back)
    holes = {it.where: one for it in _graphs() if (one := _hole(centre.prometheus, it, cut, back))}
    assert holes == {}
    assert _hole(centre.prometheus, RECORDED, cut, back), "a recording cannot have what came late"
    assert _stopped(agent) == 0


def _cannot_be_reached(agent: AgentProcess) -> None:
    """Check that the machine has a port that is open there and that no packet from here reaches."""
    port = urllib.parse.urlsplit(agent.url).port
    with socket.socket() as ours:
        ours.settimeout(2)
        assert ours.connect_ex((BEHIND, port or 0)) != 0


def _every_sample_arrives(prometheus: Prometheus, cut: float, back: float) -> None:
    """Check that each second of the outage has its sample, which a busy machine may take a little late."""
    count = f'count_over_time(up{{host="behind-nat"}}[{int(back - cut)}s] @ {back:.3f})'
    eventually(lambda: (prometheus.value(count) or 0) >= 0.9 * int(back - cut), "every sample arrives", 60)


FLEET = re.compile(r"\b(service|function|cluster|window|feature|team):\w+:|ALERTS|host:push:")
"""Recordings of several machines, which miss late samples, and the centre's own states."""


RECORDED = Question("wr-audio", "", "prometheus", 'host:cpu_busy:ratio_rate1m{host=~"$host"}', instant=False)


def _graphs() -> Iterator[Question]:
    """Yield the queries over time of dashboards of machines, without fleet recordings and without events."""
    for it in questions():
        if it.source == "prometheus" and not it.instant and not FLEET.search(it.text) and not it.text.endswith("> 0"):
            yield it


def _hole(prometheus: Prometheus, question: Question, cut: float, back: float) -> str:
    """Return how far a graph of the outage has fewer points than one of the time before; empty if it has as many."""
    before = _points(prometheus, question, cut - (back - cut) + 2, cut - 2)
    during = _points(prometheus, question, cut + 2, back - 2)
    return "" if during >= 0.9 * before else f"{during} points instead of {before}: {question.text}"


def _points(prometheus: Prometheus, question: Question, start: float, end: float) -> int:
    values = {name: it["allValue"] for name, it in variables(boards()[question.board]).items()}
    own = {"__rate_interval": "6s", "__interval": f"{STEP}s", "__interval_ms": "1000", "__range": f"{end - start:.0f}s"}
    text = filled_in(question.text, values | {"host": "behind-nat"} | own)
    asked = {"query": text, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": STEP}
    with urllib.request.urlopen(
        f"{prometheus.url}/api/v1/query_range?{urllib.parse.urlencode(asked)}", timeout=PATIENCE
    ) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return sum(len(series["values"]) for series in found)


def _stopped(agent: AgentProcess) -> int:
    agent.signal(signal.SIGTERM)
    return agent.process.wait(PATIENCE)


def test_an_agent_that_stops_in_order_is_not_down_and_one_that_is_killed_is(centre: Centre) -> None:
    stopping, killed, studio = centre.start("stops"), centre.start("is-killed"), centre.start("laptop", role="studio")
    for host in ("stops", "is-killed", "laptop"):
        eventually(partial(pushes, centre.prometheus, host), f"{host} pushes", 2 * PATIENCE)
    time.sleep(60 / TIMES)
    assert _stopped(stopping) == 0
    for agent in (killed, studio):
        agent.signal(signal.SIGKILL)

    ended = 'up{host="stops"}'
    eventually(lambda: not centre.prometheus.query(ended), "its series have ended at once", 5)
    eventually(lambda: "ServerDown" in firing(centre.prometheus, "is-killed"), "the killed one alerts")
    time.sleep(2 * 60 / TIMES)
    assert firing(centre.prometheus, "stops") == set()
    assert firing(centre.prometheus, "laptop") == set()
