from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from collectors.audio.pipewire.nodes import MOST_NODES, PipeWireNodes, server_socket
from collectors.metrics import LabelValues, Value
from tests.support.waiting import soon

HEADER = "S   ID  QUANT   RATE    WAIT    BUSY   W/Q   B/Q  ERR FORMAT           NAME "
NAMES = [HEADER, "C   17      0      0    ---     ---   ---   ---     0                  null-sink"]
SINK = "R   17    256  48000 112.2us   2.2us  0.02  0.00    0     F32P 2 48000 null-sink"
TONE = "R   24      0      0  49.3us  23.6us  0.01  0.00   17                   + tone"
PERIOD = 256 / 48000


class PwTop:
    """A program in the place of pw-top, which prints what a real one of that version printed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pw-top"
        self._socket = folder / "pipewire-0"
        self.nodes = PipeWireNodes(str(self.path), lambda: self._socket)

    def write(self, script: str) -> None:
        self.path.write_text(f"#!/bin/sh\n{script}\n")
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def prints(self, *rows: str, version: str = "1.4.2") -> None:
        table = "\n".join([*NAMES, HEADER, *rows])
        self.write(f"""\
case "$*" in
--version) echo "pw-top"; echo "Linked with libpipewire {version}" ;;
"--batch-mode --iterations=3") cat <<'END'
{table}
END
;;
*) exit 255 ;;
esac""")

    async def shows(self, *rows: str) -> None:
        self.prints(*rows)
        await self.nodes.look()

    def samples(self, name: str) -> dict[LabelValues, Value]:
        return {
            values: value
            for family in self.nodes.families()
            if family.name == f"audio_pipewire_node_{name}"
            for values, value in family.samples.items()
        }

    def codes(self, *, jack_answers: bool = True) -> list[str]:
        return [finding.code for finding in self.nodes.findings(jack_answers=jack_answers)]


@pytest.fixture
def pw_top(tmp_path: Path) -> PwTop:
    return PwTop(tmp_path)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Path]:
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(tmp_path / "pipewire-0"))
        yield tmp_path


def test_the_socket_is_where_libpipewire_looks(runtime: Path) -> None:
    assert server_socket({"XDG_RUNTIME_DIR": str(runtime)}) == runtime / "pipewire-0"
    assert server_socket({"XDG_RUNTIME_DIR": "/x", "PIPEWIRE_RUNTIME_DIR": str(runtime)}) == runtime / "pipewire-0"
    assert server_socket({"XDG_RUNTIME_DIR": str(runtime), "PIPEWIRE_REMOTE": "other"}) is None
    assert server_socket({}) is None


async def test_nodes_have_their_sizes_and_times(pw_top: PwTop) -> None:
    await pw_top.shows(SINK, TONE)

    assert pw_top.samples("info") == {
        ("null-sink", "null-sink", "R", "F32P 2 48000"): 1.0,
        ("tone", "null-sink", "R", ""): 1.0,
    }
    assert pw_top.samples("quantum_frames") == {("null-sink",): 256}
    assert pw_top.samples("sample_rate_hertz") == {("null-sink",): 48000}
    assert pw_top.samples("wait_seconds") == {("null-sink",): 112.2e-6, ("tone",): 49.3e-6}
    assert pw_top.samples("busy_ratio") == {("null-sink",): 2.2e-6 / PERIOD, ("tone",): 23.6e-6 / PERIOD}
    assert pw_top.samples("errors_total") == {("null-sink",): 0, ("tone",): 17}
    assert pw_top.codes() == []


async def test_nodes_of_one_name_are_one_series_that_shows_the_worst(pw_top: PwTop) -> None:
    other = TONE.replace("R   24", "R   25").replace("23.6us", "40.0us").replace("  17 ", "   3 ")
    await pw_top.shows(SINK, TONE, other)

    assert pw_top.samples("busy_seconds")["tone",] == 40.0e-6
    assert pw_top.samples("errors_total")["tone",] == 20


async def test_errors_never_go_down(pw_top: PwTop) -> None:
    await pw_top.shows(SINK, TONE)
    await pw_top.shows(SINK, TONE.replace("  17 ", "  20 "))
    await pw_top.shows(SINK)
    await pw_top.shows(SINK, TONE.replace("R   24", "R   31").replace("  17 ", "   2 "))

    assert pw_top.samples("errors_total") == {("null-sink",): 0, ("tone",): 22}


async def test_a_node_that_was_suspended_does_not_count_its_errors_again(pw_top: PwTop) -> None:
    await pw_top.shows(SINK, TONE)
    await pw_top.shows(SINK, "S   24      0      0    ---     ---   ---   ---     0                  tone")
    await pw_top.shows(SINK, TONE)

    assert pw_top.samples("errors_total")["tone",] == 17


async def test_a_pw_top_that_fails_once_does_not_count_errors_again(pw_top: PwTop) -> None:
    await pw_top.shows(SINK, TONE)
    pw_top.write("exit 255")
    await pw_top.nodes.look()
    assert pw_top.samples("info") == {}

    await pw_top.shows(SINK, TONE)

    assert pw_top.samples("errors_total")["tone",] == 17


async def test_of_very_many_nodes_the_first_have_series_and_the_rest_are_told(pw_top: PwTop) -> None:
    many = [TONE.replace("R   24", f"R {id_:4}").replace("tone", f"tone {id_}") for id_ in range(30, 30 + MOST_NODES)]
    await pw_top.shows(SINK, *many)

    assert len(pw_top.samples("info")) == len(pw_top.samples("errors_total")) == MOST_NODES
    assert ("null-sink",) in pw_top.samples("errors_total")
    assert pw_top.codes() == ["audio-pipewire-many-nodes"]
    assert "1 more" in pw_top.nodes.findings(jack_answers=True)[0].detail


async def test_errors_of_nodes_that_are_gone_are_forgotten_when_names_become_too_many(pw_top: PwTop) -> None:
    for id_ in range(30, 30 + MOST_NODES, 64):
        names = range(id_, id_ + 64)
        await pw_top.shows(SINK, *(TONE.replace("R   24", f"R {n:4}").replace("tone", f"tone {n}") for n in names))
    errors = pw_top.samples("errors_total")

    assert len(errors) == MOST_NODES
    assert ("tone 30",) not in errors
    assert {("null-sink",), ("tone 31",), (f"tone {29 + MOST_NODES}",)} <= set(errors)


async def test_a_node_that_stays_late_is_found(pw_top: PwTop) -> None:
    late = TONE.replace(" 49.3us", "   +++ ")
    await pw_top.shows(SINK, late)
    assert pw_top.codes() == []

    await pw_top.shows(SINK, late)

    assert pw_top.codes() == ["audio-pipewire-node-late"]
    assert ("tone",) not in pw_top.samples("wait_seconds")


async def test_a_node_in_error_is_found(pw_top: PwTop) -> None:
    await pw_top.shows(NAMES[1].replace("C ", "E "))

    assert pw_top.codes() == ["audio-pipewire-node-broken"]


async def test_an_old_pipewire_is_told_and_not_asked(pw_top: PwTop) -> None:
    pw_top.prints(SINK, version="0.3.65")
    await pw_top.nodes.look()

    assert pw_top.codes() == ["audio-pipewire-old"]
    assert "0.3.65" in pw_top.nodes.findings(jack_answers=True)[0].detail
    assert pw_top.nodes.families() == []


async def test_missing_tools_are_told(pw_top: PwTop) -> None:
    await pw_top.nodes.look()

    assert pw_top.codes() == ["audio-pipewire-tools-missing"]


async def test_a_server_whose_jack_is_not_reached_is_told(pw_top: PwTop) -> None:
    await pw_top.shows(SINK)

    assert pw_top.codes(jack_answers=False) == ["audio-pipewire-without-jack"]


async def test_without_a_server_nothing_is_run_and_nothing_said(pw_top: PwTop, tmp_path: Path) -> None:
    pw_top.write(f"touch {tmp_path}/was-run")
    nodes = PipeWireNodes(str(pw_top.path), lambda: None)
    await nodes.look()

    assert nodes.families() == []
    assert nodes.findings(jack_answers=False) == []
    assert names(tmp_path) == ["pw-top"]


async def test_cancelling_ends_a_pw_top_that_hangs(pw_top: PwTop, tmp_path: Path) -> None:
    pw_top.write(f"echo $$ > {tmp_path}/pid; exec sleep 999")
    looking = asyncio.create_task(pw_top.nodes.look())
    await soon(lambda: running(tmp_path / "pid"), "pw-top to run")
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking

    assert not running(tmp_path / "pid")


def running(pid_file: Path) -> bool:
    """Tell if the file has the number of a running process."""
    pid = pid_file.read_text().strip() if pid_file.exists() else ""
    return bool(pid) and Path(f"/proc/{pid}").exists()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
