from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from collectors.plugins.state import PluginsState
from tests.support.plugins import OPENMETRICS, Engine, Listener, Talk, answer, quickly, read_request, watching

StartEngine = Callable[..., Engine]
StartVillain = Callable[[Talk, str], Listener]

PAGE = """# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{function="load"} 7
# HELP render_seconds Rendering.
# TYPE render_seconds histogram
render_seconds_bucket{le="0.1"} 2
render_seconds_bucket{le="+Inf"} 3
render_seconds_sum 1.5
render_seconds_count 3
# HELP frame_rate Frames.
# TYPE frame_rate gauge
frame_rate 59.5
"""

PAGE_IN_OPENMETRICS = """# HELP calls Calls.
# TYPE calls counter
calls_total{function="load"} 7 # {trace_id="a"} 1.0 1700000000.5
calls_created{function="load"} 1700000000.0
# TYPE render_seconds histogram
render_seconds_bucket{le="0.1"} 2 # {} 0.05
render_seconds_bucket{le="+Inf"} 3
render_seconds_sum 1.5
render_seconds_count 3
render_seconds_created 1700000000.0
# TYPE frame_rate gauge
frame_rate 59.5 1700000000.25
# EOF
"""

CALLS = 'calls_total{plugin="engine",function="load"}'
RATE = 'frame_rate{plugin="engine",plugin_instance="1"}'
UP = 'wr_agent_plugin_up{plugin="engine",plugin_instance="1"}'


def counting(value: float) -> str:
    return f'# TYPE calls_total counter\ncalls_total{{function="load"}} {value}\n'


async def test_the_metrics_of_a_plugin_are_exported(directory: Path, start_engine: StartEngine) -> None:
    for page, kind in ((PAGE, {}), (PAGE_IN_OPENMETRICS, {"content_type": OPENMETRICS})):
        engine = start_engine(page, **kind)
        async with watching(quickly(directory)) as watch:
            await watch.polled(engine)
            samples = watch.samples()
        engine.close()

        assert samples[CALLS] == 7
        assert samples[RATE] == 59.5
        assert samples['render_seconds_bucket{plugin="engine",le="0.1"}'] == 2
        assert samples['render_seconds_bucket{plugin="engine",le="+Inf"}'] == 3
        assert samples['render_seconds_sum{plugin="engine"}'] == 1.5
        assert samples[UP] == 1
        assert not [name for name in samples if "created" in name]
        assert not [name for name in samples if "rejected" in name]


async def test_connections_are_kept_open(directory: Path, start_engine: StartEngine) -> None:
    engine = start_engine(PAGE)

    async with watching(quickly(directory)) as watch:
        await watch.polled(engine, times=5)

    assert engine.connections == 1


async def test_a_connection_that_was_closed_for_idleness_costs_no_poll(
    directory: Path, start_villain: StartVillain
) -> None:
    asked = []

    def answer_once(connection: socket.socket) -> None:
        asked.append(read_request(connection))
        connection.sendall(answer(counting(len(asked)).encode()))
        connection.close()

    start_villain(answer_once, "engine.1")
    async with watching(quickly(directory)) as watch:
        await watch.eventually(lambda: len(asked) > 4, "it is asked again")

        assert watch.rejected() == {}
        assert watch.samples()[UP] == 1


async def test_instances_are_summed_and_their_gauges_kept_apart(directory: Path, start_engine: StartEngine) -> None:
    engines = [start_engine(PAGE, f"engine.{pid}") for pid in (11, 12)]

    async with watching(quickly(directory)) as watch:
        await watch.polled(*engines)
        samples = watch.samples()

    assert samples[CALLS] == 14
    assert samples['render_seconds_count{plugin="engine"}'] == 6
    assert samples[RATE] == 59.5
    assert samples['frame_rate{plugin="engine",plugin_instance="2"}'] == 59.5


async def test_an_instance_that_exits_leaves_its_counts_and_takes_its_gauges(
    directory: Path, start_engine: StartEngine
) -> None:
    first, second = start_engine(PAGE, "engine.11"), start_engine(counting(1), "engine.12")

    async with watching(quickly(directory)) as watch:
        await watch.polled(first, second)
        assert RATE in watch.samples()
        first.close()
        await watch.eventually(lambda: RATE not in watch.samples(), "the gauges end")
        second.page = counting(2)
        await watch.polled(second)

        assert watch.samples()[CALLS] == 9
        assert UP not in watch.samples()


async def test_numbers_of_instances_are_used_again(directory: Path, start_engine: StartEngine) -> None:
    async with watching(quickly(directory)) as watch:
        for pid in (21, 22, 23):
            engine = start_engine(PAGE, f"engine.{pid}")
            await watch.polled(engine)
            assert watch.samples()[RATE] == 59.5
            engine.close()
            await watch.eventually(lambda: RATE not in watch.samples(), "it is gone")


async def test_a_socket_recreated_by_the_same_process_is_no_new_count(
    directory: Path, start_engine: StartEngine
) -> None:
    engine = start_engine(counting(5))

    async with watching(quickly(directory)) as watch:
        await watch.polled(engine)
        engine.close()
        await watch.eventually(lambda: UP not in watch.samples(), "it is gone")
        again = start_engine(counting(6))
        await watch.polled(again)

        assert watch.samples()[CALLS] == 6


SERVER = """
import http.server, socketserver, sys
page = sys.argv[2].encode()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)
    def log_message(self, *_):
        pass
with socketserver.UnixStreamServer(sys.argv[1], Handler) as server:
    print("ready", flush=True)
    server.serve_forever()
"""


async def test_a_restarted_plugin_that_is_soon_further_than_before_is_counted_from_zero(directory: Path) -> None:
    """The process identifies it even under the same name, as after a pid is reused."""
    path = directory / "engine.77.sock"
    async with watching(quickly(directory)) as watch:
        for calls, total in ((5, 5), (6, 11)):
            elsewhere = directory / "starting"
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", SERVER, elsewhere, counting(calls), stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout
            assert await process.stdout.readline() == b"ready\n"
            elsewhere.rename(path)
            await watch.eventually(partial(watch.shows, CALLS, total), f"{total} calls")
            process.kill()
            await process.wait()
            await watch.eventually(lambda: UP not in watch.samples(), "the socket is left behind")

        assert watch.rejected()["stale"] >= 2


async def test_a_type_that_another_plugin_contradicts_is_refused(directory: Path, start_engine: StartEngine) -> None:
    first = start_engine(counting(1), "engine.1")
    async with watching(quickly(directory)) as watch:
        await watch.polled(first)
        liar = start_engine("# TYPE calls_total gauge\ncalls_total 9\nfine 1\n", "liar.2")
        await watch.polled(liar)

        samples = watch.samples()
        assert samples[CALLS] == 1
        assert samples['fine{plugin="liar",plugin_instance="1"}'] == 1
        assert not [name for name in samples if name.startswith("calls_total") and "liar" in name]
        assert watch.rejected("liar")["type_conflict"] >= 1


async def test_nothing_is_exported_before_each_was_asked_once(directory: Path, start_engine: StartEngine) -> None:
    engines = [start_engine(counting(10), f"engine.{pid}") for pid in range(1, 30)]
    totals = set()

    async with watching(quickly(directory)) as watch:
        while min(engine.polls for engine in engines) < 2:
            totals.add(watch.samples().get(CALLS))
            await asyncio.sleep(0)

    assert totals == {None, 290}


async def test_the_state_tells_what_is_polled_and_what_was_refused(directory: Path, start_engine: StartEngine) -> None:
    engine = start_engine(PAGE + "node_load1 1\n")

    async with watching(quickly(directory)) as watch:
        await watch.polled(engine)
        state = msgspec.convert(msgspec.to_builtins(watch.collector.state()), PluginsState)

    (polled,) = state.sockets
    assert (polled.plugin, polled.instance, polled.pid, polled.up, polled.samples) == (
        "engine",
        "1",
        os.getpid(),
        True,
        7,
    )
    assert polled.path == str(engine.path)
    (rejected,) = state.rejected
    assert (rejected.plugin, rejected.reason) == ("engine", "reserved_name")
    assert "node_load1" in rejected.detail


async def test_a_family_that_contradicts_the_agent_is_counted(directory: Path, start_engine: StartEngine) -> None:
    engine = start_engine(PAGE)

    async with watching(quickly(directory)) as watch:
        await watch.polled(engine)
        watch.collector.left_out({"frame_rate": "frame_rate (gauge) contradicts frame_rate (counter)", "other": "no"})

        assert watch.rejected() == {"contradicts_agent": 1}
