"""The messages are from logs of Macs that their owners have published; nothing here has run on a Mac."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from collectors.audio.dropouts import Observation
from collectors.audio.macos import CoreAudioLog, parse_overload
from tests.support.waiting import soon

OVERLOAD = (
    " HALS_OverloadMessage.cpp:186    Audio IO Overload thread: 8fcff4 inputs: '<private>' outputs: '<private>'"
    " cause: '<private>' prewarming: no recovering: no"
)
OLDER_OVERLOAD = (
    " Audio IO Overload inputs: '' outputs: 'AppleUSBAudioEngine:Creative Technology Ltd:Sound Blaster X1:6'"
    " cause: 'Unknown' prewarming: no recovering: no"
)
SKIPPED = " 1418          HALC_ProxyIOContext.cpp:1314  HALC_ProxyIOContext::IOWorkLoop: skipping cycle due to overload"
PREAMBLE = b'Filtering the log data using "process == "coreaudiod""\n'
TIMESTAMP = "2026-07-26 18:11:22.348728+1200"
WALL = datetime.fromisoformat(TIMESTAMP).timestamp()
NOW_NS = 10**12

LONG = 200_000


def line(message: object, timestamp: object = TIMESTAMP) -> bytes:
    event = {
        "timezoneName": "",
        "messageType": "Error",
        "eventType": "logEvent",
        "subsystem": "com.apple.coreaudio",
        "category": "cas",
        "processImagePath": "/usr/sbin/coreaudiod",
        "timestamp": timestamp,
        "machTimestamp": 20147685217463,
        "eventMessage": message,
        "processID": 342,
    }
    return json.dumps(event).encode() + b"\n"


@pytest.mark.parametrize("message", [OVERLOAD, OLDER_OVERLOAD, SKIPPED])
def test_an_overload_is_an_observation_of_its_own_instant(message: str) -> None:
    at_ns = NOW_NS - 500_000_000
    observation = parse_overload(line(message), WALL + 0.5, NOW_NS)

    assert observation is not None
    assert observation[:2] == ("coreaudio", "overload")
    assert observation.start_ns == observation.end_ns == pytest.approx(at_ns, abs=1000)


@pytest.mark.parametrize(
    "other",
    [
        PREAMBLE,
        b"",
        b"null\n",
        b'{"count":2,"finished":1}\n',
        line("     CAReportingClient.mm:508   message { issue_type = overload; lateness = 121; }"),
        line(OVERLOAD.replace("prewarming: no", "prewarming: yes")),
        line(OVERLOAD, "yesterday"),
        line(OVERLOAD, None),
        line(OVERLOAD, 7),
        line(OVERLOAD, "0001-01-01T00:00:00"),
        line(None),
        line(7),
        line([OVERLOAD, SKIPPED, "Audio IO Overload"]),
        line({"Audio IO Overload": 1}),
        b"7\n",
        b'"Audio IO Overload"\n',
        b'["Audio IO Overload"]\n',
        b"[" * LONG,
        b"9" * LONG,
        b"\xff\xfe\n",
    ],
)
def test_other_lines_are_none(other: bytes) -> None:
    assert parse_overload(other, WALL, NOW_NS) is None


@pytest.mark.parametrize("wall", [WALL - 3600, WALL + 3600])
def test_a_time_of_day_that_was_set_is_not_believed(wall: float) -> None:
    assert parse_overload(line(OVERLOAD), wall, NOW_NS) == Observation("coreaudio", "overload", NOW_NS, NOW_NS)


@contextlib.asynccontextmanager
async def following(log: CoreAudioLog) -> AsyncIterator[None]:
    task = asyncio.create_task(log.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


async def test_the_stream_is_followed_and_ended() -> None:
    seen: list[Observation] = []
    printed = PREAMBLE + line("nothing") + line(SKIPPED) + line(OVERLOAD)
    log = CoreAudioLog(seen.append, program(f"import time; print({printed.decode()!r}, flush=True); time.sleep(99)"))
    async with following(log):
        await soon(lambda: len(seen) == 2, "both overloads")
        assert log.findings() == []

    assert {observation[:2] for observation in seen} == {("coreaudio", "overload")}
    assert all(observation.end_ns <= time.monotonic_ns() for observation in seen)


async def test_lines_that_are_none_do_not_end_the_follower(tmp_path: Path) -> None:
    seen: list[Observation] = []
    printed = tmp_path / "log"
    printed.write_bytes(line(None) + line(7) + b"[]\n" + line("x" * LONG) + b"x" * LONG + b"\n" + line(SKIPPED))
    log = CoreAudioLog(seen.append, ["tail", "-n", "+1", "-f", str(printed)])
    async with following(log):
        await soon(lambda: len(seen) == 1, "the overload behind them")
        assert log.findings() == []


async def test_a_complaint_without_end_is_cut() -> None:
    refused = program(f"import sys; sys.stderr.write('x' * {LONG} + chr(10) + 'y' * 5000); sys.exit(1)")
    log = CoreAudioLog(lambda _observation: None, refused)
    async with following(log):
        await soon(log.findings, "a finding")

    assert "yyyy" in log.findings()[0].detail
    assert len(log.findings()[0].detail) < 600


async def test_the_stream_is_started_again_when_it_ends() -> None:
    seen: list[Observation] = []
    async with following(CoreAudioLog(seen.append, program(f"print({line(SKIPPED).decode()!r})"))):
        await soon(lambda: len(seen) >= 2, "the overload of a second life")


async def test_a_user_who_may_not_read_the_log_is_told() -> None:
    refused = program("import sys; sys.exit(\"log: Must be admin to run 'stream' command\")")
    log = CoreAudioLog(lambda _observation: None, refused)
    async with following(log):
        await soon(log.findings, "a finding")

    assert "Must be admin" in log.findings()[0].detail


async def test_without_the_program_there_is_a_finding() -> None:
    log = CoreAudioLog(lambda _observation: None, ["/nonexistent/log"])
    async with following(log):
        await soon(log.findings, "a finding")

    assert log.findings()[0].code == "audio-coreaudio-log"
