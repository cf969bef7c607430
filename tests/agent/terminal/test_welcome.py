"""The three lines at the start of an agent."""

from __future__ import annotations

import re
from pathlib import Path

from agent.core.diagnosis import Outcome
from agent.core.remedy_text import RemedyText
from agent.core.status import CollectorStatus, Status
from agent.live.sample import DeviceNow, LiveSample, PluginNow
from agent.terminal.welcome import lines
from collectors.findings import Finding, Severity
from tests.support.agent import AgentProcess
from tests.support.waiting import eventually


def status(live: LiveSample, *findings: Finding) -> Status:
    return Status(
        schema=1,
        version="0.1.0",
        pid=1,
        started=0.0,
        uptime=1.0,
        url="http://127.0.0.1:9787",
        config="built-in defaults",
        config_error="",
        collectors=[CollectorStatus(name, True, "", 0, 0, 0.0) for name in ("audio", "plugins", "logs", "host")],
        checks=[Outcome("audio.server", "It runs", findings), Outcome("host.disk", "It has space", ())],
        state={},
        live=live,
    )


def finding(title: str, severity: Severity) -> Finding:
    return Finding("code", title, severity, "detail", "impact")


def test_they_name_the_page_what_is_watched_and_what_was_found() -> None:
    live = LiveSample(
        devices=[DeviceNow(name="system", up=True, observers=["jack"], rate=48000.0, frames=256.0)],
        plugins=[PluginNow(name="reverb", up=1, instances=1)],
    )

    page, watches, found = lines(status(live), RemedyText(None))

    assert page == "page     http://127.0.0.1:9787/  (stop with Ctrl-C)"
    assert watches.startswith("watches  audio device system at 48 kHz, 256 frames, 1 plugin, no log sources, host  (")
    assert watches.endswith("wr-agent status)")
    assert found.startswith("found    nothing, in 2 checks  (")


def test_they_show_the_worst_findings_and_count_the_others() -> None:
    found = [
        finding("A note", Severity.INFO),
        finding("A failure", Severity.FAILURE),
        finding("A warning", Severity.WARNING),
    ]

    *_, last = lines(status(LiveSample(), *found), RemedyText(None))

    assert last.startswith("found    A failure; A warning; and 1 more  (fixes: ")
    assert "no audio, since no audio server runs" in lines(status(LiveSample()), RemedyText(None))[1]


def test_an_agent_prints_them_after_its_first_look(tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, arguments=["--welcome"])
    try:
        said = eventually(
            lambda: re.findall("^(page|watches|found) ", agent.log(), re.MULTILINE), "the lines are there"
        )
    finally:
        agent.stop()

    assert said == ["page", "watches", "found"]
