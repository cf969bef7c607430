from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from collectors.audio import collector as audio
from collectors.audio import platform_sources as module
from collectors.audio.alsa.streams import AlsaStreams
from collectors.audio.alsa.usb import UsbEvents
from collectors.audio.config import AudioConfig
from collectors.audio.dropouts import Observation
from collectors.audio.pipewire.nodes import PipeWireNodes
from collectors.audio.platform_sources import LinuxSources, MacSources, PlatformSources
from tests.support.audio import number, observed, watching
from tests.support.jackd import Jackd
from tests.support.waiting import soon

PW_TOP = """\
#!/bin/sh
case "$*" in
--version) echo "Linked with libpipewire 1.4.2" ;;
*) cat <<'END'
S   ID  QUANT   RATE    WAIT    BUSY   W/Q   B/Q  ERR FORMAT           NAME
R   17    256  48000 112.2us   2.2us  0.02  0.00    0     F32P 2 48000 null-sink
END
esac
"""
OVERLOAD = {"eventMessage": "skipping cycle due to overload", "timestamp": "2026-07-26 18:11:22.348728+1200"}


@contextlib.asynccontextmanager
async def looking(platform_sources: PlatformSources) -> AsyncIterator[None]:
    task = asyncio.create_task(platform_sources.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LinuxSources]:
    """Yield the sources of a machine with an open card and a PipeWire node."""
    write(tmp_path / "asound/cards", " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n")
    write(tmp_path / "asound/card0/pcm0p/sub0/status", "state: RUNNING\nowner_pid   : 4321\nhw_ptr      : 1\n")
    write(tmp_path / "4321/status", "Tgid:\t4321\n")
    write(tmp_path / "4321/comm", "reaper\n")
    program = tmp_path / "bin/pw-top"
    write(program, PW_TOP)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(module, "AlsaStreams", functools.partial(AlsaStreams, tmp_path / "asound", tmp_path))
    monkeypatch.setattr(module, "UsbEvents", functools.partial(UsbEvents, tmp_path / "kmsg", tmp_path / "usb"))
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(tmp_path / "pipewire-0"))
        yield LinuxSources(lambda: False)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def exports(platform_sources: PlatformSources, name: str) -> bool:
    return any(family.name == name for family in platform_sources.families())


def failing_at_first(real: Callable[..., Any], times: int = 1) -> Callable[..., Any]:
    """A function that raises `times` times before it works."""
    calls: list[object] = []

    def call(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) <= times:
            raise RuntimeError("an unexpected error")
        return real(*arguments)

    return call


async def test_on_linux_alsa_and_pipewire_are_looked_at(linux: LinuxSources) -> None:
    async with looking(linux):
        await soon(lambda: exports(linux, "audio_alsa_stream_info"), "the card's stream")
        await soon(lambda: exports(linux, "audio_pipewire_node_info"), "PipeWire's node")

    assert [check.name for check in linux.checks()] == ["audio.alsa", "audio.pipewire", "audio.usb"]
    assert [[finding.code for finding in check.run()] for check in linux.checks()] == [
        ["audio-alsa-held"],
        ["audio-pipewire-without-jack"],
        [],
    ]


async def test_on_linux_the_holders_are_alsas(linux: LinuxSources) -> None:
    assert linux.holders() == ()
    async with looking(linux):
        await soon(linux.holders, "who holds the card")

    assert linux.holders() == ("hw:0,0,0 (PCH, playback) by reaper (pid 4321), running",)


@pytest.mark.parametrize(
    ("source", "of_the_other", "of_its_own"),
    [
        (AlsaStreams, "audio_pipewire_node_info", "audio_alsa_stream_info"),
        (PipeWireNodes, "audio_alsa_stream_info", "audio_pipewire_node_info"),
    ],
)
async def test_a_source_that_fails_costs_itself_only_and_is_tried_again(
    linux: LinuxSources,
    monkeypatch: pytest.MonkeyPatch,
    source: type[AlsaStreams | PipeWireNodes],
    of_the_other: str,
    of_its_own: str,
) -> None:
    monkeypatch.setattr(module, "_FIRST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(source, "look", failing_at_first(source.look, times=3))
    with capture_logs() as logs:
        async with looking(linux):
            await soon(lambda: exports(linux, of_the_other), "the other source")
            await soon(lambda: exports(linux, of_its_own), "the source that failed")

    assert [(log["log_level"], log["exc_info"]) for log in logs] == [("error", True)]


async def test_on_macos_overloads_are_handed_on(tmp_path: Path) -> None:
    seen: list[Observation] = []
    log = tmp_path / "log"
    log.write_text(json.dumps(OVERLOAD) + "\n")
    platform_sources = MacSources(seen.append, ["tail", "-f", str(log)])
    async with looking(platform_sources):
        await soon(lambda: seen, "the overload")

        assert [check.name for check in platform_sources.checks()] == ["audio.coreaudio"]
        assert platform_sources.checks()[0].run() == []
        assert platform_sources.families() == ()
        assert platform_sources.holders() == ()


async def test_on_macos_the_log_is_followed_again_when_an_overload_could_not_be_handed_on(tmp_path: Path) -> None:
    seen: list[Observation] = []
    log = tmp_path / "log"
    log.write_text(json.dumps(OVERLOAD) + "\n")
    platform_sources = MacSources(failing_at_first(seen.append), ["tail", "-f", str(log)])
    with capture_logs() as logs:
        async with looking(platform_sources):
            await soon(lambda: seen, "the overload, when it is read again")

    assert [log["source"] for log in logs] == ["coreaudio"]


async def test_on_macos_an_overload_is_a_dropout_of_the_device(
    jackd: Jackd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The probe finds JACK here, where it would find CoreAudio on a Mac."""

    def overloads() -> float:
        return number(collector, "audio_device_xrun_observations_total", observer="coreaudio", kind="overload")

    log = tmp_path / "log"
    log.touch()
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jackd.name)
    monkeypatch.setattr(audio, "MacSources", functools.partial(MacSources, command=["tail", "-f", str(log)]))
    async with watching(AudioConfig(jack_server=jackd.name), macos=True) as collector:
        await soon(lambda: observed(collector, "audio_device_buffer_interval_seconds") > 10, "buffers")
        before = overloads(), number(collector, "audio_engine_xruns_total")
        log.write_text(json.dumps(OVERLOAD) + "\n")
        await soon(lambda: overloads() == 1, "the overload")
        await soon(lambda: number(collector, "audio_engine_xruns_total") > before[1], "a dropout")

        assert before[0] == 0
