"""The messages are from logs of Macs that their owners have published; nothing here has run on a Mac."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from collectors.audio.causes import evidence
from collectors.audio.causes.analysis_process import AnalysisProcess
from collectors.audio.causes.event import Cause, Culprit, Event
from collectors.audio.causes.evidence import Evidence, Incident
from collectors.audio.causes.macos import ANALYSIS, KIND, CoreAudioEvidence, analyse, parse
from tests.support.analyses import START_NS, window
from tests.support.waiting import PATIENCE

TIMESTAMP = "2026-07-26 18:11:22.348728+1200"
WALL = datetime.fromisoformat(TIMESTAMP).timestamp()

HINT = "HALS_OverloadMessage.cpp:261   HALS_OverloadMessage: Overload possibly due to client timeout."
BUDGET = "HALS_OverloadMessage: Overload possibly due to HAL client proc exceeding io cycle budget."
VIOLATION = "HALS_OverloadMessage: Overload possibly due to safety violation"
HIDDEN = (
    " HALS_OverloadMessage.cpp:186    Audio IO Overload thread: 8fcff4 inputs: '<private>' outputs: '<private>'"
    " cause: '<private>' prewarming: no recovering: no"
)
OLDER = (
    " Audio IO Overload inputs: '' outputs: 'AppleUSBAudioEngine:Creative Technology Ltd:Sound Blaster X1:6'"
    " cause: 'Unknown' prewarming: no recovering: no"
)
REPORT = (
    "Sending message. { reporterID=81754702479363, category=IO, type=error, message=["
    '"cause_set": Optional(4), "HostApplicationDisplayID": Optional(com.example.assistant), "sample_rate": '
    'Optional(48000), "other_active_clients": Optional([  ]), "issue_type": Optional(overload), '
    '"HAL_client_IO_duration": Optional(1225125), "output_device_uid_list": Optional(), "lateness": Optional(42), '
    '"cause": Optional(ClientHALIODurationExceededBudget), "is_recovering": Optiona<…> }'
)
FAULTS = REPORT.replace("ClientHALIODurationExceededBudget", "PageFaultsOnIOThread")
OLDER_REPORT = """     CAReportingClient.mm:508   message {
    HostApplicationDisplayID = Unknown;
    cause = Unknown;
    deadline = 2168244763;
    "input_device_uid_list" = "AppleUSBAudioEngine:Shure Inc:Shure MV7:00:2,1";
    "issue_type" = overload;
    lateness = 121;
}"""
SKIPPED = " 1418          HALC_ProxyIOContext.cpp:1314  HALC_ProxyIOContext::IOWorkLoop: skipping cycle due to overload"


def line(message: object, path: object = "/usr/sbin/coreaudiod", pid: object = 342, at: object = TIMESTAMP) -> bytes:
    entry = {"eventMessage": message, "processImagePath": path, "processID": pid, "timestamp": at}
    return json.dumps(entry).encode() + b"\n"


def parsed(message: str, path: str = "/usr/sbin/coreaudiod", pid: int = 342) -> Incident:
    found = parse(line(message, path, pid), WALL, START_NS)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("message", "name", "cause"),
    [
        (HINT, "", "ClientTimeout"),
        (BUDGET, "", "ClientHALIODurationExceededBudget"),
        (VIOLATION, "", "safety violation"),
        (HIDDEN, "", ""),
        (OLDER, "", ""),
        (REPORT, "com.example.assistant", "ClientHALIODurationExceededBudget"),
        (FAULTS, "com.example.assistant", "PageFaultsOnIOThread"),
        (OLDER_REPORT, "", ""),
    ],
)
def test_a_message_has_the_cause_and_the_client_if_they_are_not_hidden(message: str, name: str, cause: str) -> None:
    found = parsed(message)

    assert (found.kind, found.name, found.pid, found.text) == (KIND, name, 0, cause)
    assert found.at_ns == found.since_ns == START_NS


def test_the_program_that_skipped_a_cycle_is_named() -> None:
    found = parsed(SKIPPED, "/Applications/Reaper.app/Contents/MacOS/Reaper", 1418)

    assert (found.name, found.pid, found.text) == ("Reaper", 1418, "")


def test_a_message_has_its_own_time() -> None:
    found = parse(line(HINT), WALL + 0.5, START_NS)

    assert found is not None
    assert found.at_ns == pytest.approx(START_NS - 500_000_000, abs=1000)


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"null\n",
        b"7\n",
        b"Filtering the log data\n",
        line("AudioDeviceStart"),
        line(REPORT.replace("Optional(overload)", "Optional(startIO)")),
        line(HINT, path=7),
        line(HINT, pid="x"),
        line(HINT, at="soon"),
        line([HINT]),
        line(None),
        b"[" * 100_000,
    ],
)
def test_every_other_line_is_none(other: bytes) -> None:
    assert parse(other, WALL, START_NS) is None


async def frozen(*messages: Incident) -> Evidence:
    source = CoreAudioEvidence()
    source.suspect(START_NS)
    for message in messages:
        source.add(message)
    return await source.freeze(window())


async def explained(*messages: Incident) -> Event:
    return analyse(await frozen(*messages))


async def test_the_cause_of_the_report_is_the_cause_and_the_program_the_culprit() -> None:
    found = await explained(
        parsed(SKIPPED, "/Applications/Assistant.app/Contents/MacOS/Assistant", 77), parsed(HIDDEN), parsed(REPORT)
    )

    assert (found.cause, found.confidence, found.level) == (Cause.CLIENT_CPU, 0.6, 0)
    assert found.culprit == Culprit(kind="client", name="Assistant", pid=77)
    assert found.text == "Assistant needed more time than a buffer lasts, in its own callback."
    assert found.evidence == (
        "Assistant (pid 77) skipped a cycle due to an overload.",
        "CoreAudio reports an overload of com.example.assistant: ClientHALIODurationExceededBudget.",
    )
    assert found.missing


@pytest.mark.parametrize(("message", "cause"), [(FAULTS, Cause.MEMORY), (HINT, Cause.CLIENT_WAIT)])
async def test_other_causes_of_coreaudio(message: str, cause: Cause) -> None:
    assert (await explained(parsed(message))).cause is cause


@pytest.mark.parametrize("message", [HIDDEN, OLDER, OLDER_REPORT, VIOLATION])
async def test_a_hidden_or_unspecific_cause_is_unknown(message: str) -> None:
    found = await explained(parsed(message))

    assert (found.cause, found.confidence, found.culprit) == (Cause.UNKNOWN, 0.0, None)
    assert found.text == "Not known: a program missed its cycle, and CoreAudio names no cause."


async def test_messages_of_another_time_explain_nothing() -> None:
    late = parse(line(REPORT), WALL, window().end_ns + 1_100_000_000)

    assert late is not None
    assert (await explained(late)).text == "Not known: CoreAudio wrote nothing about it."


async def test_the_process_of_the_analysis_runs_it() -> None:
    content = evidence.encode(await frozen(parsed(FAULTS)))
    found = await AnalysisProcess(ANALYSIS, PATIENCE).analyse(content)

    assert found.event.cause is Cause.MEMORY
