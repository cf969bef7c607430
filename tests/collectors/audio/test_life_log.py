from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from structlog.testing import capture_logs

from collectors.audio.config import AudioConfig
from collectors.audio.device import Device, DeviceView
from collectors.audio.jack.passive import PassiveView
from collectors.audio.life_log import MOST_A_MINUTE, AudioMoment, LifeLog
from collectors.audio.probe.backoff import Step
from tests.support.audio import watching
from tests.support.jackd import Jackd
from tests.support.waiting import soon

SECOND = 1_000_000_000
POLL = SECOND // 4
FRESH = 10**18
"""A cycle's time that is never old."""
RUNNING = PassiveView(state="running", seen=True, rate=48000, block=256, devices=("system",), cycle_ns=FRESH)
FROZEN = replace(RUNNING, cycle_ns=-(10**12))
GONE = replace(RUNNING, state="absent", reason="it accepts no connection")


def events(lines: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]


class Life:
    """A life log that is polled as the collector polls it, and its lines."""

    def __init__(self) -> None:
        self._log = LifeLog()
        self._now = 0

    def poll(
        self,
        server: PassiveView = RUNNING,
        *,
        polls: int = 2,
        freewheeling: bool = False,
        backoff: Step = Step.FULL,
        devices: tuple[DeviceView, ...] = (),
    ) -> list[dict[str, Any]]:
        with capture_logs() as lines:
            for _ in range(polls):
                self._now += POLL
                self._log.see(AudioMoment("studio", server, freewheeling, backoff, devices, self._now))
        return [dict(line) for line in lines]


def device(*, up: bool = True, dropouts: int = 0) -> DeviceView:
    return replace(Device("usb").view(), cycle_ns=FRESH if up else 0, dropouts=dropouts, rate=48000.0, frames=256)


def test_a_server_that_is_found_is_one_line() -> None:
    life = Life()

    assert life.poll(PassiveView(), polls=100) == []
    assert life.poll(polls=100) == [
        {"event": "audio server found", "log_level": "info", "server": "studio", "rate": 48000, "frames": 256}
    ]


def test_a_server_that_freezes_and_runs_again_is_two_lines() -> None:
    life = Life()
    life.poll()

    assert life.poll(FROZEN, polls=100) == [
        {"event": "audio server is frozen", "log_level": "warning", "server": "studio"}
    ]
    (line,) = life.poll(polls=100)
    assert (line["event"], line["was"], line["seconds"]) == ("audio server runs again", "frozen", 25.0)


def test_a_server_that_goes_and_comes_back_is_two_lines() -> None:
    life = Life()
    life.poll()
    (gone,) = life.poll(GONE, polls=100)
    back, settings = life.poll(replace(RUNNING, block=512), polls=100)

    assert (gone["event"], gone["log_level"], gone["reason"]) == (
        "audio server is gone",
        "warning",
        "it accepts no connection",
    )
    assert (back["event"], back["log_level"]) == ("audio server is back", "info")
    assert settings["event"] == "audio server's settings changed"


def test_a_server_that_refuses_the_agent_is_named() -> None:
    assert events(Life().poll(replace(GONE, state="refused"))) == ["audio server refuses the agent's client"]


def test_a_blip_of_one_poll_is_no_change() -> None:
    life = Life()
    life.poll()

    assert life.poll(FROZEN, polls=1) + life.poll(polls=100) == []


def test_settings_that_change_are_named_with_those_before() -> None:
    life = Life()
    life.poll()
    (line,) = life.poll(replace(RUNNING, block=512), polls=100)

    assert line["event"] == "audio server's settings changed"
    assert (line["frames_before"], line["frames"], line["rate_before"], line["rate"]) == (256, 512, 48000, 48000)


def test_an_export_is_its_begin_and_its_end_and_no_frozen_server() -> None:
    life = Life()
    life.poll()

    assert events(life.poll(FROZEN, freewheeling=True, polls=40)) == ["audio server freewheels; measuring pauses"]
    (line,) = life.poll()
    assert (line["event"], line["seconds"]) == ("audio server ended freewheeling", 10.0)


def test_a_device_is_up_and_down_once() -> None:
    life = Life()
    life.poll()
    (up,) = life.poll(devices=(device(),), polls=100)
    (down,) = life.poll(devices=(device(up=False),), polls=100)

    assert (up["event"], up["log_level"], up["device"], up["frames"]) == ("audio device is up", "info", "usb", 256)
    assert (down["event"], down["log_level"], down["server"]) == ("audio device is down", "warning", "running")


def test_the_probes_back_off_is_a_line_a_step() -> None:
    life = Life()
    life.poll()
    steps = [events(life.poll(backoff=step, polls=100)) for step in (Step.LESS, Step.CLOSED)]
    (back,) = life.poll(backoff=Step.LESS, polls=100, devices=(device(up=False, dropouts=2),))
    (full,) = life.poll(polls=100)

    assert steps == [
        ["audio probe is late by itself and measures one channel"],
        ["audio probe is late by itself and rests; the passive client measures"],
    ]
    assert (back["event"], back["log_level"]) == ("audio probe measures again after a rest", "info")
    assert (back["seconds"], back["dropouts_meanwhile"]) == (25.0, 2)
    assert full["event"] == "audio probe measures all channels again"


def test_dropouts_here_and_there_are_no_stretch() -> None:
    life = Life()
    life.poll(devices=(device(),))

    for minute in range(10):
        assert life.poll(devices=(device(dropouts=2 * minute),), polls=4 * 61) == []


def test_a_bad_stretch_is_its_begin_and_its_end() -> None:
    life = Life()
    life.poll(devices=(device(),))
    lines = [line for count in range(1, 101) for line in life.poll(devices=(device(dropouts=count),), polls=4)]
    end = life.poll(devices=(device(dropouts=100),), polls=4 * 61)

    assert [(line["event"], line["dropouts"]) for line in lines] == [("a bad stretch of dropouts begins", 3)]
    assert [(line["event"], line["dropouts"], line["seconds"]) for line in end] == [
        ("a bad stretch of dropouts ended a minute ago", 100, 99.0)
    ]


def test_a_storm_of_changes_is_bounded_and_its_last_one_is_logged() -> None:
    life = Life()
    life.poll()
    storm = [life.poll(GONE if poll % 2 == 0 else RUNNING) for poll in range(100)]
    later = life.poll(polls=4 * 61)

    assert sum(map(len, storm)) == MOST_A_MINUTE - 1
    assert [line["event"] for line in later] == ["audio server is back"]
    assert later[0]["unlogged_changes"] > 50


async def test_the_life_of_a_real_server(jackd: Jackd) -> None:
    def has(event: str) -> bool:
        return event in {line["event"] for line in lines}

    with capture_logs() as lines:
        async with watching(AudioConfig(jack_server=jackd.name, observers="passive")):
            await soon(lambda: has("audio server found") and has("audio device is up"), "the server's first line")
            jackd.freeze()
            await soon(lambda: has("audio server is frozen"), "the line of a frozen server")
            jackd.thaw()
            await soon(lambda: has("audio server runs again"), "the line of the end of a freeze")
            await asyncio.to_thread(jackd.kill)
            await soon(
                lambda: has("audio server is gone") and has("audio device is down"), "the line of a killed server"
            )
            await asyncio.to_thread(jackd.start)
            await soon(lambda: has("audio server is back"), "the line of a server that is back")
