import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

HOST = """
import _ctypes, ctypes, os, sys, time
from pathlib import Path
from tests.clients.unix_http import connect, page
from tests.support.waiting import eventually

sockets, *files = sys.argv[1:]
# A host of C++ has the C++ library already. One that gets it with a plugin never lets go of that plugin.
host = ctypes.CDLL("libstdc++.so.6", mode=ctypes.RTLD_GLOBAL)
plugins = [ctypes.CDLL(file) for file in files]
for plugin in plugins:
    eventually(plugin.process, "the plugin serves")
paths = sorted(Path(sockets).iterdir())
assert [path.name for path in paths] == [f"plugin.{os.getpid()}.2.sock", f"plugin.{os.getpid()}.sock"], paths
clients = [connect(path) for path in paths]
for client in clients:
    client.sendall(b"GET /metr")

for plugin, left in zip(plugins, (1, 0), strict=True):
    start = time.monotonic()
    _ctypes.dlclose(plugin._handle)
    assert time.monotonic() - start < 2, "unloading waited for a client"
    remaining = list(Path(sockets).iterdir())
    assert len(remaining) == left, remaining
    assert all("audio_engine_render_time_seconds_count" in page(path) for path in remaining)

still_loaded = [file for file in files if file in Path("/proc/self/maps").read_text()]
assert still_loaded == [], still_loaded
"""


EXITING_HOST = """
import ctypes, sys
from tests.support.waiting import eventually
plugin = ctypes.CDLL(sys.argv[1])
eventually(plugin.process, "the plugin serves")
"""


def _run(script: str, *arguments: Path | str, sockets: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={"WHITE_ROOM_SOCKET_DIR": str(sockets)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_plugins_of_one_name_are_loaded_and_unloaded_by_one_host(programs: Path, tmp_path: Path, sockets: Path) -> None:
    built = next(programs.glob("libplugin.*"))
    files = [shutil.copy(built, tmp_path / f"{name}.so") for name in ("one", "two")]
    done = _run(HOST, sockets, *files, sockets=sockets)

    assert (done.returncode, done.stderr) == (0, "")
    assert list(sockets.iterdir()) == []


def test_a_host_that_exits_with_a_plugin_leaves_no_socket(programs: Path, sockets: Path) -> None:
    done = _run(EXITING_HOST, next(programs.glob("libplugin.*")), sockets=sockets)

    assert (done.returncode, done.stderr) == (0, "")
    assert list(sockets.iterdir()) == []
