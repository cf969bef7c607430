import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.clients.c_library import Metrics
from tests.clients.unix_http import UnixConnection, connect, page
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[3]


@pytest.fixture
def metrics(library: Path, sockets: Path) -> Iterator[Metrics]:
    made = Metrics(library, "synth", sockets)
    yield made
    made.close()


def _script(text: str, *arguments: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", text, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_was_counted_is_served(metrics: Metrics, sockets: Path) -> None:
    metrics.count("songs_created_total", kind='a "draft"')
    metrics.count("songs_created_total", kind='a "draft"')

    assert metrics.served_at() == sockets / f"synth.{os.getpid()}.sock"
    (family,) = text_string_to_metric_families(page(metrics.served_at()))
    (sample,) = family.samples
    assert (sample.name, sample.labels, sample.value) == ("songs_created_total", {"kind": 'a "draft"'}, 2.0)


def test_directory_and_socket_are_for_their_user(metrics: Metrics, sockets: Path) -> None:
    assert metrics.served_at().stat().st_mode & 0o777 == 0o660
    assert sockets.stat().st_mode & 0o777 == 0o700


def test_the_directory_is_chosen_by_the_environment(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WHITE_ROOM_SOCKET_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    in_runtime = Metrics(library, "synth")
    monkeypatch.setenv("WHITE_ROOM_SOCKET_DIR", str(tmp_path / "chosen"))
    in_chosen = Metrics(library, "synth")

    assert in_runtime.served_at().parent == tmp_path / "white-room"
    assert in_chosen.served_at().parent == tmp_path / "chosen"
    in_runtime.close()
    in_chosen.close()


def test_a_connection_carries_many_requests(metrics: Metrics) -> None:
    connection = UnixConnection(metrics.served_at())
    connection.connect()
    first = connection.sock
    for _ in range(3):
        metrics.count("a_total")
        assert connection.ask()[0] == 200
    assert connection.ask("/nothing")[0] == 404

    assert connection.ask()[1].endswith("\na_total 3\n")
    assert connection.sock is first
    assert connection.ask(method="POST")[0] == 405
    connection.close()


def test_requests_may_come_in_pieces_or_together(metrics: Metrics) -> None:
    metrics.count("a_total")
    with connect(metrics.served_at()) as client:
        client.sendall(b"GET /metr")
        client.sendall(b"ics HTTP/1.1\r\n\r\nHEAD /metrics HTTP/1.1\r\n\r\nGET /metrics HTTP/1.0\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(65536), b""))

    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.count(b"\na_total 1\n") == 2


def test_noise_is_answered_and_the_connection_ended(metrics: Metrics) -> None:
    for noise, status in ((b"\0\xff\r\n\r\n", b"400 Bad Request"), (b"x" * 5000, b"431 Request Header")):
        with connect(metrics.served_at()) as client:
            client.sendall(noise)
            assert client.recv(65536).startswith(b"HTTP/1.1 " + status)
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(65536) == b""


def test_a_crowd_of_silent_clients_keeps_nobody_out(metrics: Metrics) -> None:
    with contextlib.ExitStack() as crowd:
        for _ in range(40):
            crowd.enter_context(connect(metrics.served_at())).sendall(b"GET /met")
        metrics.count("a_total")

        assert page(metrics.served_at()).endswith("\na_total 1\n")


def test_instances_in_one_process_have_their_own_sockets(metrics: Metrics, library: Path, sockets: Path) -> None:
    metrics.served_at()
    second = Metrics(library, "synth", sockets)
    second.count("second_total")

    assert second.served_at() == sockets / f"synth.{os.getpid()}.2.sock"
    assert "second_total" in page(second.served_at())
    assert "second_total" not in page(metrics.served_at())
    second.close()
    assert [path.name for path in sockets.iterdir()] == [f"synth.{os.getpid()}.sock"]


def test_a_socket_of_this_process_that_does_not_listen_yet_is_left_alone(library: Path, sockets: Path) -> None:
    sockets.mkdir(mode=0o700)
    own = sockets / f"synth.{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as beginning:
        beginning.bind(str(own))
        metrics = Metrics(library, "synth", sockets)

        assert metrics.served_at() == sockets / f"synth.{os.getpid()}.2.sock"
        assert own.exists()
        metrics.close()


def test_a_bad_name_is_refused(library: Path) -> None:
    for name in ("", "a b", "a.b", "-a", "x" * 65):
        with pytest.raises(ValueError, match="a letter or digit first"):
            Metrics(library, name)


def test_counting_goes_on_while_there_is_no_place_for_the_socket(library: Path, sockets: Path) -> None:
    sockets.write_text("a file where the directory should be")
    metrics = Metrics(library, "synth", sockets)
    eventually(metrics.problem, "the problem is reported")
    metrics.count("a_total")

    assert metrics.problem() == f"{sockets} is not a directory"
    assert metrics.path() is None
    sockets.unlink()
    assert page(metrics.served_at()).endswith("\na_total 1\n")
    assert metrics.problem() == ""
    metrics.close()


def test_a_directory_that_others_may_write_to_is_not_used_unless_it_is_sticky(library: Path, sockets: Path) -> None:
    sockets.mkdir()
    sockets.chmod(0o770)
    metrics = Metrics(library, "synth", sockets)

    assert "must belong to this user" in eventually(metrics.problem, "the problem is reported")
    assert list(sockets.iterdir()) == []
    sockets.chmod(0o3770)
    assert metrics.served_at().parent == sockets
    metrics.close()


def test_a_path_too_long_for_a_socket_is_told(library: Path, tmp_path: Path) -> None:
    metrics = Metrics(library, "synth", tmp_path / ("x" * 100))

    assert "WHITE_ROOM_SOCKET_DIR to a shorter directory" in eventually(metrics.problem, "the problem is reported")
    metrics.close()


def test_a_socket_that_somebody_removed_comes_back(metrics: Metrics) -> None:
    path = metrics.served_at()
    metrics.count("a_total")
    path.unlink()

    eventually(path.exists, "the socket is there again")
    assert page(path).endswith("\na_total 1\n")


SERVE_UNTIL_TOLD = """
import sys
from pathlib import Path
from tests.clients.c_library import Metrics
metrics = Metrics(Path(sys.argv[1]), "synth", Path(sys.argv[2]))
print(metrics.served_at(), flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_left_goes_with_the_next_start(metrics: Metrics, library: Path, sockets: Path) -> None:
    with _script(SERVE_UNTIL_TOLD, library, sockets) as process:
        assert process.stdout
        left = Path(process.stdout.readline().strip())
        process.kill()
    assert left.exists()
    other = sockets / "other.1.sock"  # another plugin's is not ours to remove
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(other))

    metrics.served_at().unlink()
    eventually(lambda: metrics.served_at().exists(), "the socket exists again")
    assert not left.exists()
    assert other.exists()


def test_a_socket_is_removed_when_the_process_ends(library: Path, sockets: Path) -> None:
    with _script(SERVE_UNTIL_TOLD + "metrics.close()", library, sockets) as process:
        path = Path(process.communicate()[0].strip())

    assert process.returncode == 0
    assert path.parent == sockets
    assert not path.exists()


FORK = """
import os, sys, time
from pathlib import Path
from tests.clients.c_library import Metrics
library, sockets = map(Path, sys.argv[1:])
metrics = Metrics(library, "parent", sockets)
metrics.count("a_total")
metrics.served_at()
child = os.fork()
if child == 0:
    own = Metrics(library, "child", sockets)
    metrics.count("a_total")
    print(own.served_at(), flush=True)
    sys.stdin.read()
    own.close()
    metrics.close()
    os._exit(0)
print(metrics.served_at(), flush=True)
os.waitpid(child, 0)
print(metrics.served_at(), flush=True)
time.sleep(60)
"""


def test_a_forked_child_leaves_the_parents_socket_alone_and_may_have_its_own(library: Path, sockets: Path) -> None:
    with _script(FORK, library, sockets) as process:
        assert process.stdout
        assert process.stdin
        child, parent = sorted(Path(process.stdout.readline().strip()) for _ in range(2))
        assert page(parent).endswith("\na_total 1\n")
        assert page(child) == ""
        process.stdin.close()

        assert process.stdout.readline().strip() == str(parent)
        assert page(parent).endswith("\na_total 1\n")
        assert not child.exists()
        process.kill()


def test_a_forked_child_does_not_keep_a_dead_parents_socket_open(library: Path, sockets: Path) -> None:
    with _script(FORK, library, sockets) as process:
        assert process.stdout
        assert process.stdin
        child, parent = sorted(Path(process.stdout.readline().strip()) for _ in range(2))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

        with pytest.raises(ConnectionRefusedError):
            connect(parent)
        assert page(child) == ""
        process.stdin.close()


def test_programs_that_the_host_starts_inherit_nothing(library: Path, sockets: Path) -> None:
    def inherited() -> set[str]:
        listed = subprocess.run(
            ["readlink", *(f"/proc/self/fd/{number}" for number in range(3, 64))],
            close_fds=False,
            capture_output=True,
            text=True,
            check=False,
        )
        return set(listed.stdout.split())

    before = inherited()
    metrics = Metrics(library, "synth", sockets)
    with connect(metrics.served_at()) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert client.recv(1)
        assert inherited() <= before
    metrics.close()


def test_the_thread_is_of_low_priority_and_deaf_to_signals(metrics: Metrics) -> None:
    metrics.served_at()
    (thread,) = [task for task in Path("/proc/self/task").iterdir() if (task / "comm").read_text() == "white-room\n"]
    nice = int((thread / "stat").read_text().rpartition(")")[2].split()[16])
    blocked = next(line for line in (thread / "status").read_text().splitlines() if line.startswith("SigBlk"))

    assert nice == min(os.nice(0) + 2, 19)
    assert int(blocked.split()[1], 16) >> (signal.SIGTERM - 1) & 1
