"""An agent behind a router, which the centre cannot reach: its network is cut, time passes, and it comes back.

Agent, router, gateway, Prometheus and rules are real. The centre's time is ten times faster. The files of the agent's
queue tell which snapshots it took. A second Prometheus, which gets them all in order, tells how graphs look without an
outage.
"""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.push.piece import Piece
from agent.push.wire import HEADERS
from tests.support.agent import AgentProcess
from tests.support.dashboards import Question, boards, filled_in, questions, variables
from tests.support.gateway import gateway_keys
from tests.support.jackd import Jackd
from tests.support.nat import BEHIND, Nat, nat
from tests.support.prometheus import Points, Prometheus, Samples, free_port
from tests.support.snapshots import Snapshots, snapshots
from tests.support.stack import stack
from tests.support.waiting import PATIENCE, eventually
from tests.support.write_servers import write_receiver

pytestmark = pytest.mark.timeout(400)

TIMES = 10
OUTAGE = 40.0
"""Seconds without a network: for the rules, more than six minutes."""

BEFORE = 20.0
"""Seconds before the outage, so that the ranges of the rules are full."""

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
labels = {{ {labels} }}
"""


class Centre(NamedTuple):
    """The centre and the router in front of the agents.

    Attributes:
        prometheus: The centre's Prometheus.
        nat: The router.
        jackd: The audio server of all machines.
        home: Returns the folder of a machine.
        start: Starts the agent of a machine behind the router.
    """

    prometheus: Prometheus
    nat: Nat
    jackd: Jackd
    home: Callable[[str], Path]
    start: Callable[..., AgentProcess]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """Yield the centre, with a gateway that the machine behind the router can reach."""
    folder = tmp_path_factory.mktemp("centre")
    (folder / "agents.yml").write_text("[]")
    started: list[AgentProcess] = []
    port = free_port()
    jackd = Jackd()
    jackd.start()

    def home(machine: str) -> Path:
        (folder / machine).mkdir(exist_ok=True)
        return folder / machine

    try:
        with nat() as router:
            keys = gateway_keys(folder / "keys", router.centre)
            settings = {
                "GATEWAY_KEYS": str(folder / "keys"),
                "GATEWAY_LISTEN": router.centre,
                "GATEWAY_PORT": str(port),
                "AGENTS_FILE": str(folder / "agents.yml"),
            }

            def start(machine: str, **labels: str) -> AgentProcess:
                config = _CONFIG.format(
                    machine=machine,
                    port=free_port(),
                    jackd=jackd.name,
                    centre=router.centre,
                    gateway=port,
                    labels=", ".join(f'{name} = "{value}"' for name, value in labels.items()),
                )
                started.append(AgentProcess(home(machine), config + keys.settings(), prefix=router.prefix))
                return started[-1]

            with stack(folder, settings, times=TIMES, short_lookback=True) as running:
                yield Centre(running.prometheus, router, jackd, home, start)
                for agent in started:
                    agent.stop()
    finally:
        jackd.close()


OF_PUSHES = {"ServerDown", "AgentDown", "PushClockWrong", "PushBehind", "PushSamplesLost"}
"""The alerts that a push can cause. A busy machine causes others, such as dropouts."""


def firing(prometheus: Prometheus, host: str) -> set[str]:
    """Return the alerts that fire for a host."""
    found = prometheus.query(f'ALERTS{{alertstate="firing",host="{host}"}}')
    return {it["metric"]["alertname"] for it in found}


def pushes(prometheus: Prometheus, host: str) -> bool:
    """Tell if the newest sample of a host is younger than three seconds."""
    return bool(prometheus.query(f'time() - timestamp(up{{host="{host}"}}) < 3'))


def test_an_outage_alerts_and_leaves_no_hole(centre: Centre, tmp_path: Path) -> None:
    state_dir = centre.home("behind-nat") / "state"
    with snapshots(state_dir, state_dir.parent / "snapshots") as taken:
        agent = centre.start("behind-nat")
        eventually(lambda: pushes(centre.prometheus, "behind-nat"), "it pushes", 2 * PATIENCE)
        _cannot_be_reached(agent)
        time.sleep(BEFORE)
        cut, back = _lose_network(centre)
        expected = taken.samples(cut - BEFORE, back)
        eventually(lambda: _stored(centre.prometheus, cut - BEFORE, back) == expected, "all samples arrive", 60)
        with write_receiver(tmp_path, lookback=f"{300 // TIMES}s") as server:
            _replay(taken, server.write_url)
            expected_graphs = {it: _points(Prometheus(server.url), it, cut, back) for it in _graphs()}
        assert _stopped(agent) == 0

    times = {at / 1000 for samples in expected.values() for at in samples}
    assert sum(at > cut for at in times) > OUTAGE / 4
    holes = [_hole(centre.prometheus, it, points, cut, back) for it, points in expected_graphs.items()]
    assert [hole for hole in holes if hole] == []
    filled = [it.where for it, points in expected_graphs.items() if points]
    assert len(filled) > FEWEST_GRAPHS
    assert DROPOUTS in filled
    recorded = _points(centre.prometheus, RECORDED, cut, back)
    assert sum(map(len, recorded.values())) < OUTAGE / STEP, "a recording cannot have what came late"


def _lose_network(centre: Centre) -> tuple[float, float]:
    """Cut the network and restore it, and return when. The machine alerts, and its newest state returns at once."""
    cut = time.time()
    centre.nat.cut()
    _drop_out(centre.jackd)
    down = {"ServerDown"}
    eventually(lambda: down <= firing(centre.prometheus, "behind-nat"), "the machine has vanished", OUTAGE)
    time.sleep(max(cut + OUTAGE - time.time(), 0))
    centre.nat.restore()
    back = time.time()
    eventually(lambda: pushes(centre.prometheus, "behind-nat"), "the newest samples are there", 60)
    eventually(lambda: not down & firing(centre.prometheus, "behind-nat"), "the machine is back")
    return cut, back


def _cannot_be_reached(agent: AgentProcess) -> None:
    """Check that the machine does not answer here on a port that is open there.

    A gateway of the network around the tests may accept a connection to any address.
    """
    port = urllib.parse.urlsplit(agent.url).port
    answer = b""
    with contextlib.suppress(OSError), socket.create_connection((BEHIND, port or 0), timeout=2) as ours:
        ours.settimeout(2)
        ours.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = ours.recv(65536)
    assert b"wr-agent" not in answer


def _drop_out(jackd: Jackd) -> None:
    """Make the audio server lose buffers, so that graphs of events have something to show."""
    jackd.freeze()
    time.sleep(1)
    jackd.thaw()


def _stored(prometheus: Prometheus, start: float, end: float) -> Samples:
    """Return the samples of the machine at the centre."""
    return prometheus.samples('{job="wr-agent",host="behind-nat",__name__!="wr_agent_remote_write_probe"}', start, end)


def _replay(taken: Snapshots, url: str) -> None:
    """Send all snapshots in order to a receiver."""
    for record in taken.records():
        request = urllib.request.Request(url, Piece((record,)).body(), HEADERS, method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert answer.status == HTTPStatus.NO_CONTENT


FLEET = re.compile(r"\b(service|function|cluster|window|feature|team):\w+:|ALERTS|host:push:")
"""Recordings of several machines, which miss late samples, and the centre's own states."""

RECORDED = Question("wr-audio", "", "prometheus", 'host:cpu_busy:ratio_rate1m{host=~"$host"}', instant=False)

FEWEST_GRAPHS = 50
DROPOUTS = "Dropouts by cause A"
"""A graph of events."""


def _graphs() -> Iterator[Question]:
    """Yield the queries over time of dashboards of machines, without fleet recordings."""
    for it in questions():
        if it.source == "prometheus" and not it.instant and not FLEET.search(it.text):
            yield it


def _hole(prometheus: Prometheus, question: Question, shown: Points, cut: float, back: float) -> str:
    """Return the points that a graph of the outage lacks at the centre; empty if it has all that it should."""
    found = _points(prometheus, question, cut, back)
    missing = {series: len(lost) for series, times in shown.items() if (lost := times - found.get(series, set()))}
    return f"{question.board}, {question.where} lacks {missing}: {question.text}" if missing else ""


@cache
def _every_machine(board: str) -> dict[str, str]:
    """Return the values of a dashboard's variables that select everything."""
    return {name: it["allValue"] for name, it in variables(boards()[board]).items()}


def _points(prometheus: Prometheus, question: Question, start: float, end: float) -> Points:
    own = {"__rate_interval": "6s", "__interval": f"{STEP}s", "__interval_ms": "1000", "__range": f"{end - start:.0f}s"}
    text = filled_in(question.text, _every_machine(question.board) | {"host": "behind-nat"} | own)
    return prometheus.points(text, start, end, STEP)


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
    assert firing(centre.prometheus, "stops") & OF_PUSHES == set()
    assert firing(centre.prometheus, "laptop") & OF_PUSHES == set()
