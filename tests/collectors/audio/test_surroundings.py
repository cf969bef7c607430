from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collectors.audio import collector as audio
from collectors.audio.config import AudioConfig
from collectors.audio.dropouts import Observation
from collectors.audio.surroundings import LinuxSurroundings, MacSurroundings, Surroundings
from tests.support.audio import number, observed, soon, watching
from tests.support.jackd import Jackd

OVERLOAD = {"eventMessage": "skipping cycle due to overload", "timestamp": "2026-07-26 18:11:22.348728+1200"}


@contextlib.asynccontextmanager
async def looking(surroundings: Surroundings) -> AsyncIterator[None]:
    task = asyncio.create_task(surroundings.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_on_linux_alsa_and_pipewire_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    surroundings = LinuxSurroundings(lambda: True)
    async with looking(surroundings):
        names = [check.name for check in surroundings.checks()]
        found = [finding.code for check in surroundings.checks() for finding in check.run()]

    assert names == ["audio.alsa", "audio.pipewire"]
    assert not any(code.startswith("audio-pipewire") for code in found)
    assert not any(family.name.startswith("audio_pipewire") for family in surroundings.families())


async def test_on_macos_overloads_are_handed_on(tmp_path: Path) -> None:
    seen: list[Observation] = []
    log = tmp_path / "log"
    log.write_text(json.dumps(OVERLOAD) + "\n")
    surroundings = MacSurroundings(seen.append, ["tail", "-f", str(log)])
    async with looking(surroundings):
        await soon(lambda: seen, "the overload")

        assert [check.name for check in surroundings.checks()] == ["audio.coreaudio"]
        assert surroundings.checks()[0].run() == []
        assert surroundings.families() == ()


@pytest.mark.jack
async def test_on_macos_an_overload_is_a_dropout_of_the_device(
    jackd: Jackd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on a Mac, but that the probe finds JACK where it would find CoreAudio."""

    def overloads() -> float:
        return number(collector, "audio_device_xrun_observations_total", observer="coreaudio", kind="overload")

    log = tmp_path / "log"
    log.touch()
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jackd.name)
    monkeypatch.setattr(audio, "MacSurroundings", functools.partial(MacSurroundings, command=["tail", "-f", str(log)]))
    async with watching(AudioConfig(jack_server=jackd.name), macos=True) as collector:
        await soon(lambda: observed(collector, "audio_device_buffer_interval_seconds") > 10, "buffers")
        before = overloads(), number(collector, "audio_engine_xruns_total")
        log.write_text(json.dumps(OVERLOAD) + "\n")
        await soon(lambda: overloads() == 1, "the overload")
        await soon(lambda: number(collector, "audio_engine_xruns_total") > before[1], "a dropout")

        assert before[0] == 0
