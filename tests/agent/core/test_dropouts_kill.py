"""A killed agent: each counted dropout is a final event after the next start."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agent import AgentProcess, agent
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd
from tests.support.waiting import eventually


@pytest.fixture
def jackd() -> Iterator[Jackd]:
    server = Jackd()
    server.start()
    yield server
    server.close()


def counted(running: AgentProcess) -> int:
    page = running.get("/metrics?collect[]=audio")[2]
    return int(sum(map(float, re.findall(r"^audio_engine_xruns_total\{.*\} (\S+)$", page, re.MULTILINE))))


def found(running: AgentProcess) -> int:
    """Return the number of dropouts in the finding; 0 without it."""
    findings = [it for check in running.status()["checks"] for it in check["findings"]]
    details = [it["detail"] for it in findings if it["code"] == "audio-dropouts"]
    return sum(int(count) for detail in details for count in re.findall(r"system had (\d+) dropout", detail))


def test_a_dropout_that_was_counted_before_a_kill_has_an_event_after_it(jackd: Jackd, tmp_path: Path) -> None:
    config = f'audio.jack_server = "{jackd.name}"\naudio.observers = "passive"\nhost.enabled = false\n'
    with agent(tmp_path, config) as killed:
        eventually(lambda: 'audio_device_up{device="system"} 1' in killed.get("/metrics")[2], "the device is seen")
        before = counted(killed)
        client = JackClient(jackd.name)
        client.tell("late 0.2")
        eventually(lambda: counted(killed) > before, "the dropout is counted")
        client.close()
        shown = counted(killed)
        killed.signal(signal.SIGKILL)
        killed.process.wait()
    with agent(tmp_path, config) as restarted:
        events = json.loads(restarted.get("/-/dropouts")[2])["events"]
        remembered = eventually(lambda: found(restarted), "the finding remembers the dropouts")

    assert len(events) >= shown
    assert remembered >= shown
    assert all(event["text"] for event in events)
    assert not (tmp_path / "state" / "dropouts-pending.jsonl").exists()
