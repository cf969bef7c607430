from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from collectors.findings import Finding, Severity
from tests.support.plugins import Engine, Watch, quickly, watching

StartEngine = Callable[..., Engine]

PAGE = '# TYPE http_requests_total counter\nhttp_requests_total{service="backend",status="200"} 5\n'

SERVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from prometheus_client import CollectorRegistry, Counter
from white_room_metrics import serving
registry = CollectorRegistry()
Counter("http_requests_total", "Requests.", ["service"], registry=registry).labels("backend").inc(5)
with serving(sys.argv[1], registry, Path(sys.argv[2])):
    print("ready", flush=True)
    sys.stdin.read()
"""

CLIENT = Path(__file__).parents[3] / "clients/python"


@asynccontextmanager
async def backend(directory: Path, name: str = "backend") -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a service with the Python client; it exits cleanly when its standard input ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVER, name, str(directory), str(CLIENT)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    assert await process.stdout.readline() == b"ready\n"
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def gone(watch: Watch, reason: str, *, plugin: str = "backend", service: str = "backend") -> float | None:
    labels = f'plugin="{plugin}",service="{service}",reason="{reason}"'
    return watch.samples().get(f"wr_agent_plugin_gone{{{labels}}}")


def findings(watch: Watch, *codes: str) -> Sequence[Finding]:
    found = [finding for check in watch.collector.checks() for finding in check.run()]
    return [finding for finding in found if finding.code in codes]


def up(watch: Watch) -> bool:
    return 1.0 in [value for name, value in watch.samples().items() if name.startswith("wr_agent_plugin_up")]


async def test_a_killed_service_is_gone_until_it_runs_again(directory: Path) -> None:
    async with watching(quickly(directory)) as watch:
        async with backend(directory) as process:
            await watch.eventually(lambda: gone(watch, "vanished") == 0, "the service runs")
            process.kill()
            await process.wait()
            await watch.eventually(lambda: gone(watch, "vanished") == 1, "the service is gone")

        (finding,) = findings(watch, "plugin-vanished", "plugin-missing")
        assert finding.severity is Severity.FAILURE
        assert "The service backend does not run." in finding.affects
        (state,) = watch.collector.state().gone
        assert (state.plugin, state.service, state.reason, state.missing) == ("backend", "backend", "vanished", 1)

        async with backend(directory):
            await watch.eventually(lambda: gone(watch, "vanished") == 0, "the service runs again")
            assert findings(watch, "plugin-vanished", "plugin-missing") == []


async def test_a_clean_exit_is_no_vanishing(directory: Path) -> None:
    async with watching(quickly(directory)) as watch:
        async with backend(directory) as process:
            await watch.eventually(lambda: up(watch), "the service runs")
            assert process.stdin
            process.stdin.close()
            await process.wait()
            await watch.eventually(lambda: not up(watch), "the service ended")
            await watch.eventually(lambda: gone(watch, "vanished") is None, "the socket is gone")

        assert findings(watch, "plugin-vanished", "plugin-missing") == []


async def test_an_expected_plugin_is_gone_whichever_way_it_ended(directory: Path) -> None:
    async with watching(quickly(directory, expected=["backend"])) as watch:
        await watch.eventually(lambda: gone(watch, "expected", service="") == 1, "it never ran")
        (finding,) = findings(watch, "plugin-missing")
        assert finding.severity is Severity.FAILURE

        async with backend(directory) as process:
            await watch.eventually(lambda: gone(watch, "expected") == 0, "the service runs")
            assert findings(watch, "plugin-missing") == []
            assert process.stdin
            process.stdin.close()
            await process.wait()
            await watch.eventually(lambda: gone(watch, "expected") == 1, "the service ended")


async def test_a_vanished_expected_plugin_is_one_finding(directory: Path, start_engine: StartEngine) -> None:
    engine = start_engine(PAGE, "backend.1")
    async with watching(quickly(directory, expected=["backend"])) as watch:
        await watch.polled(engine)
        engine.close(leave_file=True)
        await watch.eventually(lambda: gone(watch, "vanished") == 1, "the service is gone")

        assert gone(watch, "expected") == 1
        assert [it.code for it in findings(watch, "plugin-vanished", "plugin-missing")] == ["plugin-vanished"]


async def test_a_later_process_replaces_one_that_vanished(directory: Path, start_engine: StartEngine) -> None:
    first, second = start_engine(PAGE, "backend.1"), start_engine(PAGE, "backend.2")
    async with watching(quickly(directory)) as watch:
        await watch.polled(first, second)
        first.close(leave_file=True)
        second.close(leave_file=True)
        await watch.eventually(lambda: gone(watch, "vanished") == 2, "both are gone")

        third = start_engine(PAGE, "backend.3")
        await watch.polled(third)
        await watch.eventually(lambda: gone(watch, "vanished") == 1, "one is replaced")
        (left,) = findings(watch, "plugin-socket-stale")
        assert left.severity is Severity.INFO


async def test_an_older_process_replaces_none(directory: Path, start_engine: StartEngine) -> None:
    first, second = start_engine(PAGE, "backend.1"), start_engine(PAGE, "backend.2")
    async with watching(quickly(directory)) as watch:
        await watch.polled(first, second)
        second.close(leave_file=True)
        await watch.eventually(lambda: gone(watch, "vanished") == 1, "one is gone")
        await watch.polled(first, times=3)

        assert gone(watch, "vanished") == 1


async def test_a_socket_left_from_before_the_agent_is_gone_without_a_service(
    directory: Path, start_engine: StartEngine
) -> None:
    start_engine(PAGE, "backend.1").close(leave_file=True)
    async with watching(quickly(directory)) as watch:
        await watch.eventually(lambda: gone(watch, "vanished", service="") == 1, "it is gone")
        (finding,) = findings(watch, "plugin-vanished")
        assert finding.severity is Severity.WARNING

        engine = start_engine(PAGE, "backend.2")
        await watch.polled(engine)
        await watch.eventually(lambda: gone(watch, "vanished") == 0, "a later process replaces it")


async def test_the_service_is_known_after_the_agents_restart(
    directory: Path, start_engine: StartEngine, tmp_path: Path
) -> None:
    engine = start_engine(PAGE, "backend.1")
    state = tmp_path / "state"
    file = state / "plugin_services.json"
    async with watching(quickly(directory), state) as watch:
        await watch.eventually(lambda: file.exists() and b"backend" in file.read_bytes(), "the service is kept")
    engine.close(leave_file=True)

    async with watching(quickly(directory), state) as watch:
        await watch.eventually(lambda: gone(watch, "vanished") == 1, "the service is gone")
        (finding,) = findings(watch, "plugin-vanished")
        assert finding.severity is Severity.FAILURE


async def test_the_service_of_a_socket_that_was_removed_is_forgotten(
    directory: Path, start_engine: StartEngine, tmp_path: Path
) -> None:
    engine, file = start_engine(PAGE, "backend.1"), tmp_path / "state/plugin_services.json"
    async with watching(quickly(directory), file.parent) as watch:
        await watch.eventually(lambda: file.exists() and b"backend" in file.read_bytes(), "the service is kept")
        engine.close()
        await watch.eventually(lambda: file.read_bytes() == b"{}", "the service is forgotten")


async def test_a_damaged_file_of_services_costs_nothing(
    directory: Path, start_engine: StartEngine, tmp_path: Path
) -> None:
    engine = start_engine(PAGE, "backend.1")
    (tmp_path / "plugin_services.json").write_bytes(b"\xff{")
    async with watching(quickly(directory), tmp_path) as watch:
        await watch.polled(engine)
        await watch.eventually(lambda: gone(watch, "vanished") == 0, "the service runs")


async def test_a_process_that_listens_is_not_gone(directory: Path, start_engine: StartEngine) -> None:
    engine = start_engine("nonsense", "backend.1")
    async with watching(quickly(directory, expected=["backend"])) as watch:
        await watch.polled(engine)

        assert (gone(watch, "vanished", service=""), gone(watch, "expected", service="")) == (0, 0)
