import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter

from clients.python.white_room_metrics import add_deployment_version, serving
from tests.clients.unix_http import page
from tests.conftest import StartAgent
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[3]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_what_was_counted_is_served_until_the_end(registry: CollectorRegistry, sockets: Path) -> None:
    songs = Counter("songs_created_total", "Songs.", ["kind"], registry=registry)
    with serving("song-tool", registry, sockets) as path:
        songs.labels("draft").inc()

        assert path == sockets / f"song-tool.{os.getpid()}.sock"
        assert 'songs_created_total{kind="draft"} 1.0\n' in page(path)
        assert path.stat().st_mode & 0o777 == 0o660
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert list(sockets.iterdir()) == []


def test_the_deployed_version_is_a_label(registry: CollectorRegistry, sockets: Path) -> None:
    add_deployment_version(registry, "export-server", "1.2.3")
    with serving("exporter", registry, sockets) as path:
        assert 'deployment_version{service="export-server",version="1.2.3"} 1.0\n' in page(path)


def test_two_of_one_process_have_their_own_sockets(registry: CollectorRegistry, sockets: Path) -> None:
    with serving("tool", registry, sockets) as first, serving("tool", registry, sockets) as second:
        assert page(first) == page(second)
        assert second == sockets / f"tool.{os.getpid()}.2.sock"


async def test_an_asyncio_tool_is_served_too(registry: CollectorRegistry, sockets: Path) -> None:
    Counter("a_total", "A.", registry=registry)
    with serving("tool", registry, sockets) as path:
        assert "\na_total 0.0\n" in await asyncio.to_thread(page, path)


def test_a_real_agent_reads_it(registry: CollectorRegistry, sockets: Path, start_agent: StartAgent) -> None:
    songs = Counter("songs_created_total", "Songs.", ["kind"], registry=registry)
    songs.labels("draft").inc(3)
    with serving("song-tool", registry, sockets):
        agent = start_agent(f'[plugins]\ndirectories = ["{sockets}"]\ninterval = "500ms"\ntimeout = "400ms"')
        series = 'songs_created_total{plugin="song-tool",kind="draft"} 3'
        eventually(lambda: series in agent.get("/metrics?collect[]=plugins")[2], "the tool's counter is exported")


@pytest.mark.parametrize("name", ["", "a b", "a.b", "-a", "x" * 65])
def test_a_bad_name_is_refused(registry: CollectorRegistry, sockets: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a letter or digit first"), serving(name, registry, sockets):
        pass


def test_the_environment_names_the_directory(
    registry: CollectorRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("WHITE_ROOM_SOCKET_DIR", raising=False)
    with serving("tool", registry) as path:
        assert path.parent == tmp_path / "white-room"
    monkeypatch.setenv("WHITE_ROOM_SOCKET_DIR", str(tmp_path / "chosen"))
    with serving("tool", registry) as path:
        assert path.parent == tmp_path / "chosen"


def test_a_directory_that_cannot_be_used_is_passed_over(
    registry: CollectorRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o3770)
    monkeypatch.setattr("clients.python.white_room_metrics._SHARED", shared)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("WHITE_ROOM_SOCKET_DIR", raising=False)

    with serving("tool", registry) as path:
        assert path.parent == shared


def test_a_directory_that_others_may_write_to_is_not_used(registry: CollectorRegistry, sockets: Path) -> None:
    sockets.mkdir()
    sockets.chmod(0o770)

    with pytest.raises(OSError, match="must be a directory of this user or root"), serving("tool", registry, sockets):
        pass
    assert list(sockets.iterdir()) == []


SERVE_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from prometheus_client import CollectorRegistry
from clients.python.white_room_metrics import add_deployment_version, serving
with serving("tool", CollectorRegistry(), Path(sys.argv[1])) as path:
    print(path, flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_goes_with_the_next_start(registry: CollectorRegistry, sockets: Path) -> None:
    command: list[str | Path] = [sys.executable, "-c", SERVE_UNTIL_KILLED, sockets]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        left = Path(process.stdout.readline().strip())
        with serving("tool", registry, sockets):
            assert left.exists()  # it is alive
        process.kill()
    assert left.exists()

    with serving("tool", registry, sockets) as path:
        assert list(sockets.iterdir()) == [path]


FORK = """
import os, sys
from pathlib import Path
from prometheus_client import CollectorRegistry
from clients.python.white_room_metrics import add_deployment_version, serving
from tests.clients.unix_http import page
from tests.conftest import StartAgent
from tests.support.waiting import eventually
with serving("tool", CollectorRegistry(), Path(sys.argv[1])) as path:
    page(path)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        page(path)
"""


def test_a_forked_child_leaves_the_socket_alone(sockets: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FORK, sockets], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
