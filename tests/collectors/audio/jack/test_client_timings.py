"""JACK's table of client timings: of a real server, and in files with the layouts of other releases and processors."""

from __future__ import annotations

import os
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from collectors.audio.jack.client_timings import (
    ClientTimings,
    NoTableError,
    TablePlace,
    find_table,
    parse_rows,
)
from collectors.audio.jack.shared_memory import JackServer, Segment
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd
from tests.support.waiting import eventually

PORT_MAX = 256


PORTS = {1: (0, b"system:capture_1"), 2: (2, b"synth: left:out")}


@dataclass(frozen=True)
class Graph:
    """A server's graph in a file: two ports, and one client that finished its cycle some time ago."""

    port_bytes: int = 33_805
    client_at: int = 971
    used_at: int = 1000
    row_bytes: int = 28
    gap: int = 4
    clients: int = 64
    age_us: int = 1000
    ports: dict[int, tuple[int, bytes]] = field(default_factory=lambda: PORTS)

    def write(self, path: Path) -> JackServer:
        """Write the file and return its server."""
        rows_at = 100_003
        ports_at = rows_at + self.clients * self.row_bytes
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) // 1000 - self.age_us
        with path.open("wb") as file:
            file.truncate(ports_at + PORT_MAX * self.port_bytes)
            file.seek(rows_at - self.gap)
            file.write(struct.pack("=I", PORT_MAX))
            file.seek(rows_at + 2 * self.row_bytes)
            file.write(struct.pack("=QQQI", now - 900, now - 800, now, 3))
            for number, (client, name) in self.ports.items():
                port = bytearray(self.used_at + 1)
                port[8 : 8 + len(name)] = name
                port[self.client_at : self.client_at + 4] = struct.pack("=i", client)
                port[self.used_at] = 1
                file.seek(ports_at + number * self.port_bytes)
                file.write(port)
        return JackServer("default", 0, os.getpid(), (Segment(path, path.stat().st_size),))


GRAPHS = {
    "1.9.22 on x86": Graph(),
    "1.9.22 on x86, 256 clients": Graph(clients=256),
    "1.9.22 on ARM": Graph(port_bytes=33_808, client_at=972, used_at=1001, row_bytes=32, gap=8),
    "1.9.10 on x86": Graph(port_bytes=33_802, client_at=968, used_at=997),
    "1.9.10 on ARM": Graph(port_bytes=33_804, client_at=968, used_at=997, row_bytes=32),
}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS.keys())
def test_every_layout_is_recognised(graph: Graph, tmp_path: Path) -> None:
    table = ClientTimings(graph.write(tmp_path / "jack-0-0"), ["system"])
    (row,) = parse_rows(table.copy(16), table.row_bytes)

    assert table.names() == {0: "system", 2: "synth: left"}
    assert (row.number, row.state) == (2, "finished")
    assert (row.awake - row.signalled, row.finished - row.awake) == (100, 800)
    assert table.clock == time.CLOCK_MONOTONIC_RAW
    table.close()


@pytest.mark.parametrize(
    ("graph", "devices", "reason"),
    [
        (Graph(used_at=996), ["system"], "unknown layout"),
        (Graph(port_bytes=33_900), ["system"], "unknown layout"),
        (Graph(clients=63), ["system"], "unknown layout"),
        (Graph(ports={1: (0, b"no colon")}), ["system"], "unknown layout"),
        (Graph(ports={1: (-7, b"system:capture_1")}), ["system"], "unknown layout"),
        (Graph(ports={}), ["system"], "unknown layout"),
        (Graph(), ["another"], "are not those that the server lists"),
        (Graph(age_us=60_000_000), ["system"], "are not of this moment"),
        (Graph(age_us=-60_000_000), ["system"], "are not of this moment"),
    ],
)
def test_anything_that_does_not_agree_is_refused(graph: Graph, devices: list[str], reason: str, tmp_path: Path) -> None:
    with pytest.raises(NoTableError, match=reason):
        ClientTimings(graph.write(tmp_path / "jack-0-0"), devices)


def test_a_server_without_shared_memory_has_no_table() -> None:
    with pytest.raises(NoTableError, match="no shared memory"):
        ClientTimings(JackServer("default", 0, 1, ()))


def test_no_server_has_no_table(tmp_path: Path) -> None:
    with pytest.raises(NoTableError, match="registry"):
        find_table("studio", folder=tmp_path)


def test_a_real_client_that_computes_is_seen_computing(jackd: Jackd) -> None:
    client = JackClient(jackd.name, f"busy-{jackd.name}")
    try:
        client.tell("own out")
        client.tell("work 0.002")
        table = find_table(jackd.name, ["system"])

        def computed() -> bool:
            names = table.names()
            rows = {names.get(row.number): row for row in parse_rows(table.copy(16), table.row_bytes)}
            row = rows.get(f"busy-{jackd.name}")
            return row is not None and row.state == "finished" and 2000 <= row.finished - row.awake < 500_000

        assert eventually(computed, "a cycle of the client to be complete")
        assert "system" in table.names().values()
        assert f"busy-{jackd.name}" in table.clients_by_age()[1]
        table.close()
    finally:
        client.close()


def test_a_real_client_that_sleeps_stays_running_since_it_woke_up(jackd: Jackd) -> None:
    client = JackClient(jackd.name, f"late-{jackd.name}")
    try:
        client.tell("own out")
        table = find_table(jackd.name, ["system"])
        client.tell("late 0.5")

        def sleeps() -> bool:
            now = time.clock_gettime_ns(table.clock) // 1000
            rows = parse_rows(table.copy(16), table.row_bytes)
            return any(row.awake > row.finished and now - row.awake > 100_000 for row in rows)

        assert eventually(sleeps, "the client to be late")
        table.close()
    finally:
        client.close()


def test_the_place_leads_to_the_same_bytes(jackd: Jackd) -> None:
    table = find_table(jackd.name)
    place = table.place(16)
    with Path(place.path).open("rb") as file:
        file.seek(place.offset)
        rows = parse_rows(file.read(place.rows * place.row_bytes), place.row_bytes)

    assert place == TablePlace(place.path, place.offset, 28, 16) or place.row_bytes == 32
    assert [row.number for row in rows] == [row.number for row in parse_rows(table.copy(16), table.row_bytes)]
    table.close()
