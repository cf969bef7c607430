"""The texts are those that the kernel's writers make; parsed here, as this project's machines have no sound card."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.audio.alsa.proc import Params, Status, parse_cards, parse_params, parse_status
from collectors.audio.alsa.streams import AlsaStreams
from collectors.metrics import LabelValues, Value

SECOND = 1_000_000_000
PLAYBACK = ("PCH", "hw:0,0", "0", "playback")
CAPTURE = ("Scarlett", "hw:1,0", "0", "capture")

CARDS = """\
 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xf7c10000 irq 32
 1 [Scarlett       ]: USB-Audio - Scarlett 18i8 USB
                      Focusrite Scarlett 18i8 USB at usb-0000:0d:00.0-7, high speed
"""
PARAMS = """\
access: MMAP_INTERLEAVED
format: S32_LE
subformat: STD
channels: 2
rate: 48000 (48000/1)
period_size: 256
buffer_size: 512
"""


def status(
    state: str = "RUNNING", trigger_time: str = "518.568181912", hw_ptr: int = 2432680, owner: int = 4321
) -> str:
    return f"""\
state: {state}
owner_pid   : {owner}
trigger_time: {trigger_time}
tstamp      : 573.719422139
delay       : 149
avail       : 363
avail_max   : 480
-----
hw_ptr      : {hw_ptr}
appl_ptr    : {hw_ptr + 149}
"""


class Machine:
    """A tree of files in the place of `/proc`."""

    def __init__(self, root: Path) -> None:
        self.asound = root / "asound"
        self.processes = root
        self.streams = AlsaStreams(self.asound, self.processes)
        self._now = 0
        self._write("asound/cards", CARDS)
        self._write("4321/status", "Name:\tdata-loop.0\nTgid:\t4300\nPid:\t4321\n")
        self._write("4300/comm", "jackd\n")
        self.playback("closed\n", "closed\n")
        self._write("asound/card1/pcm0c/sub0/status", "closed\n")

    def playback(self, status: str, params: str = PARAMS) -> None:
        self._write("asound/card0/pcm0p/sub0/status", status)
        self._write("asound/card0/pcm0p/sub0/hw_params", params)

    def look(self, after_seconds: float = 1.0) -> None:
        self._now += int(after_seconds * SECOND)
        self.streams.look(self._now)

    def show(self, status: str) -> None:
        self.playback(status)
        self.look()

    def _write(self, path: str, text: str) -> None:
        file = self.processes / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def samples(self, name: str) -> dict[LabelValues, Value]:
        return {
            values: value
            for family in self.streams.families()
            if family.name == f"audio_alsa_stream_{name}"
            for values, value in family.samples.items()
        }

    def codes(self, *, server_runs: bool = True) -> list[str]:
        return [finding.code for finding in self.streams.findings(server_runs=server_runs)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_cards_are_known_by_their_identifiers() -> None:
    assert parse_cards(CARDS) == {"0": "PCH", "1": "Scarlett"}
    assert parse_cards("--- no soundcards ---\n") == {}


def test_an_open_stream_has_a_status() -> None:
    expected = Status("running", 4321, "518.568181912", 149, 363, 2432680, 2432829)

    assert parse_status(status()) == expected


@pytest.mark.parametrize("text", ["", "closed\n", "error -19\n"])
def test_what_is_not_open_has_no_status(text: str) -> None:
    assert parse_status(text) is None


def test_a_configured_stream_has_parameters() -> None:
    assert parse_params(PARAMS) == Params("S32_LE", 2, 48000, 256, 512)


@pytest.mark.parametrize("number", ["", "many", "-", "9" * 5000, "\0"])
def test_what_is_no_number_in_a_status_counts_as_nothing(number: str) -> None:
    fields = ("owner_pid", "delay", "avail", "hw_ptr", "appl_ptr")
    text = "".join(f"{field}: {number}\n" for field in fields)

    assert parse_status(f"state: RUNNING\n{text}") == Status("running", 0, "", 0, 0, 0, 0)


@pytest.mark.parametrize("line", PARAMS.splitlines()[1:2] + PARAMS.splitlines()[3:])
@pytest.mark.parametrize("value", ["", ":", ": none"])
def test_parameters_that_lack_one_are_none(line: str, value: str) -> None:
    name = line.partition(":")[0]
    odd = PARAMS.replace(line, f"{name}{value}" if name != "format" else "")

    assert parse_params(odd) is None


@pytest.mark.parametrize("text", ["", "closed\n", "no setup\n"])
def test_what_is_not_configured_has_no_parameters(text: str) -> None:
    assert parse_params(text) is None


def test_a_machine_without_alsa_has_nothing_to_say(tmp_path: Path) -> None:
    streams = AlsaStreams(tmp_path / "asound", tmp_path)
    streams.look(SECOND)

    assert streams.families() == []
    assert streams.findings(server_runs=False) == []


def test_closed_streams_are_no_series(machine: Machine) -> None:
    machine.look()

    assert machine.streams.families() == []
    assert machine.codes(server_runs=False) == []


def test_an_open_stream_is_described(machine: Machine) -> None:
    machine.show(status())

    assert machine.samples("info") == {(*PLAYBACK, "running", "jackd", "S32_LE"): 1.0}
    described = {
        name: machine.samples(name)
        for name in ("running", "sample_rate_hertz", "channels", "period_frames", "buffer_frames", "delay_frames")
    }
    assert described == {
        "running": {PLAYBACK: 1},
        "sample_rate_hertz": {PLAYBACK: 48000},
        "channels": {PLAYBACK: 2},
        "period_frames": {PLAYBACK: 256},
        "buffer_frames": {PLAYBACK: 512},
        "delay_frames": {PLAYBACK: 149},
    }
    assert machine.samples("available_frames") == {PLAYBACK: 363}


def test_an_open_stream_that_is_not_set_up_yet_has_no_sizes(machine: Machine) -> None:
    machine.playback(status("OPEN", owner=0), "no setup\n")
    machine.look()

    assert machine.samples("info") == {(*PLAYBACK, "open", "", ""): 1.0}
    assert machine.samples("buffer_frames") == {}


def test_progress_is_counted_from_the_first_look_on(machine: Machine) -> None:
    for pointer in (1_000, 49_000, 97_000):
        machine.show(status(hw_ptr=pointer))

    assert machine.samples("frames_total") == {PLAYBACK: 96_000}


def test_after_an_xrun_the_device_begins_to_count_anew(machine: Machine) -> None:
    """snd_pcm_prepare() sets hw_ptr to 0; what was moved between the last look and the xrun is not to be seen."""
    for look, pointer in enumerate((30_000, 24_000, 20_000, 15_000)):
        machine.show(status(trigger_time=f"{look}.5", hw_ptr=pointer))

    assert machine.samples("frames_total") == {PLAYBACK: 24_000 + 20_000 + 15_000}
    assert machine.samples("restarts_total") == {PLAYBACK: 3}


def test_a_stream_that_xruns_all_the_time_does_not_stand_still(machine: Machine) -> None:
    for look, pointer in enumerate((30_000, 24_000, 24_000, 20_000, 0, 0, 0)):
        machine.show(status(trigger_time=f"{look}.5", hw_ptr=pointer))
        assert machine.codes() == []


def test_a_stream_that_stands_still_after_its_restart_is_found(machine: Machine) -> None:
    machine.show(status(trigger_time="1.5", hw_ptr=48_000))
    for _ in range(4):
        machine.show(status(trigger_time="2.5", hw_ptr=0))

    assert machine.codes() == ["audio-alsa-stalled"]


@pytest.mark.parametrize("between", [["PAUSED"], ["SUSPENDED"], []])
def test_a_pause_is_a_restart_that_counts_on(machine: Machine, between: list[str]) -> None:
    machine.show(status(trigger_time="1.5", hw_ptr=100_000))
    for state in between:
        machine.show(status(state, trigger_time="2.5", hw_ptr=110_000))
    machine.show(status(trigger_time="3.5", hw_ptr=120_000))

    assert machine.samples("frames_total") == {PLAYBACK: 20_000}
    assert machine.samples("restarts_total") == {PLAYBACK: 1}


def test_a_restart_is_a_new_trigger_time(machine: Machine) -> None:
    for trigger_time in ("1.5", "1.5", "2.5", "2.5", "3.5"):
        machine.show(status(trigger_time=trigger_time))

    assert machine.samples("restarts_total") == {PLAYBACK: 2}
    assert machine.samples("xruns_total") == {PLAYBACK: 0}


def test_an_xrun_is_counted_once_and_so_is_the_restart_after_it(machine: Machine) -> None:
    machine.show(status(trigger_time="1.5"))
    machine.show(status("XRUN", trigger_time="2.5"))
    machine.show(status("XRUN", trigger_time="2.5"))
    machine.show(status("XRUN", trigger_time="4.5"))
    machine.show(status(trigger_time="5.5"))

    assert machine.samples("xruns_total") == {PLAYBACK: 2}
    assert machine.samples("restarts_total") == {PLAYBACK: 1}


def test_a_stream_that_was_closed_and_opened_again_was_not_restarted(machine: Machine) -> None:
    machine.show(status(trigger_time="1.5", hw_ptr=5_000))
    machine.playback("closed\n", "closed\n")
    machine.look()
    machine.show(status(trigger_time="3.5", hw_ptr=100))
    machine.show(status(trigger_time="3.5", hw_ptr=300))

    assert machine.samples("restarts_total") == {PLAYBACK: 0}
    assert machine.samples("frames_total") == {PLAYBACK: 200}


def test_a_closed_stream_keeps_only_what_accumulates(machine: Machine) -> None:
    machine.show(status())
    machine.playback("closed\n", "closed\n")
    machine.look()

    assert [family.type for family in machine.streams.families()] == ["counter", "counter", "counter"]


def test_an_unplugged_card_is_no_error(machine: Machine) -> None:
    machine.show(status())
    for file in machine.asound.rglob("*"):
        if file.is_file():
            file.unlink()
    machine.look()

    assert machine.samples("info") == {}


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENODEV])
@pytest.mark.parametrize("gone", ["card1", "card1/pcm0c", "card1/pcm0c/sub0/status"])
def test_of_a_card_that_vanishes_meanwhile_the_others_are_left(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, gone: str, number: int
) -> None:
    def vanishing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Path, *rest: Any, **options: Any) -> object:  # noqa: ANN401 - whatever pathlib hands on
            if str(path).endswith(gone):
                raise OSError(number, os.strerror(number), str(path))
            return real(path, *rest, **options)

        return call

    machine.playback(status())
    (machine.asound / "card1/pcm0c/sub0/status").write_text(status())
    for module, name in ((os, "scandir"), (os, "listdir"), (io, "open")):
        monkeypatch.setattr(module, name, vanishing(getattr(module, name)))
    machine.look()

    assert set(machine.samples("running")) == {PLAYBACK}


def test_odd_files_are_no_error(machine: Machine) -> None:
    odd = b"\xff\0: ::\nstate: ?\nowner_pid: 1e9\nhw_ptr: 0x10\nrate: \nTgid: ../4300\n" + b"x" * 100_000
    machine.playback(status())
    machine.look()
    for file in [file for file in machine.processes.rglob("*") if file.is_file()]:
        file.write_bytes(odd)
    machine.look()

    assert machine.samples("info") == {
        ("0", "hw:0,0", "0", "playback", "?", "", ""): 1.0,
        ("1", "hw:1,0", "0", "capture", "?", "", ""): 1.0,
    }


def test_a_stream_that_does_not_move_is_found(machine: Machine) -> None:
    machine.show(status(hw_ptr=1_000))
    machine.look()
    assert machine.codes() == []

    machine.look(after_seconds=2)

    assert machine.codes() == ["audio-alsa-stalled"]


def test_a_paused_stream_need_not_move(machine: Machine) -> None:
    for _ in range(5):
        machine.show(status("PAUSED"))

    assert machine.codes() == []


def test_a_stream_that_is_left_in_an_xrun_is_found(machine: Machine) -> None:
    machine.show(status())
    for _ in range(4):
        machine.show(status("XRUN", trigger_time="600.1"))

    assert machine.codes() == ["audio-alsa-left-in-xrun"]


def test_who_holds_a_device_is_told_where_no_server_is_watched(machine: Machine) -> None:
    machine.show(status())
    (held,) = machine.streams.findings(server_runs=False)

    assert held.code == "audio-alsa-held"
    assert "hw:0,0,0 (PCH, playback) by jackd (pid 4300), running at 48000 Hz, 256 of 512 frames" in held.detail
    assert machine.codes(server_runs=True) == []


def test_the_holders_of_all_open_streams_are_described(machine: Machine) -> None:
    assert machine.streams.holders() == ()

    machine.playback(status())
    (machine.asound / "card1/pcm0c/sub0/status").write_text(status("OPEN", owner=0))
    machine.look()

    assert set(machine.streams.holders()) == {
        "hw:0,0,0 (PCH, playback) by jackd (pid 4300), running at 48000 Hz, 256 of 512 frames",
        "hw:1,0,0 (Scarlett, capture) by an unknown process, open",
    }
    machine.playback("closed\n", "closed\n")
    machine.look()

    assert len(machine.streams.holders()) == 1


def test_both_directions_are_seen(machine: Machine) -> None:
    machine.playback(status())
    (machine.asound / "card1/pcm0c/sub0/status").write_text(status())
    machine.look()

    assert set(machine.samples("running")) == {PLAYBACK, CAPTURE}
